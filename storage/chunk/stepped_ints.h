// Integers near the multiples of a step that is no whole number: what a converter measured in its own unit and wrote
// down in another (a sensor's volts, ticks as nanoseconds, shares of a capacity). As multiple and distance each takes
// the bits that it is worth; in one number the distance would cost as many bits as the step has.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "storage/chunk/flat_ints.h"
#include "storage/coding.h"

namespace vedette::storage {

struct SteppedPlan {
  std::int64_t base = 0;
  std::uint64_t step = 0;  // in units of 2^-24
  std::vector<std::int64_t> multiples, rests;
  FlatPlan multiple_plan, rest_plan;
  std::size_t bytes = 0;  // about
};

/// False when `values` have no such step. `sorted`: the same in ascending order, at least 2.
/// Cost: a sort of the gaps; five more passes when there is a step.
bool PlanSteps(std::span<const std::int64_t> values, std::span<const std::int64_t> sorted, IntEffort effort,
               SteppedPlan& plan);

/// Appends: modes of the two sequences (bits 0 and 1 of a byte), base (signed), step (varint), size of the multiples in
/// bytes (varint), the multiples, the rests. Value = base + multiple * step, rounded, + rest.
void PutSteps(const SteppedPlan& plan, std::string& out);

/// As GetFlat.
bool GetSteps(ByteReader& in, std::size_t count, std::span<std::int64_t> out);

}  // namespace vedette::storage
