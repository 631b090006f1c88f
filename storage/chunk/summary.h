// What aggregates over a whole chunk need, readable without decoding it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "storage/chunk/decimals.h"
#include "storage/coding.h"

namespace vedette::storage {

/// Of chunks without any NaN. `increase` and `resets` read the samples as a counter, as Prometheus does: a value below
/// the one before is a reset, after which the counter is taken to have started from zero.
///   resets   = number of samples below the one before
///   increase = last - first + the sum of the values just before each reset
/// The step between two chunks is the reader's: next.first < this.last is one more reset.
struct ChunkSummary {
  double min = 0, max = 0, sum = 0, first = 0, last = 0;
  double increase = 0;
  std::uint32_t resets = 0;
};

/// Stored.
enum class SummaryKind : std::uint8_t {
  kNone = 0,
  kConstant = 1,  // follows from the value and the count
  kIntegers = 2,  // mantissas
  kDoubles = 3,
};

/// `values` is not empty and holds no NaN. The sum is compensated (Neumaier), as everywhere in Vedette.
ChunkSummary Summarise(std::span<const double> values);
ChunkSummary SummariseConstant(double value, std::size_t count);

/// Appends the summary of a chunk of decimals without exceptions. False, and nothing appended, when the sums do not fit
/// the 53 bits within which they are exact.
bool PutIntegerSummary(const Decimals& decimals, std::string& out);
void PutDoubleSummary(const ChunkSummary& summary, std::string& out);

/// Reads kIntegers or kDoubles. `exponent` and `form` are those of the chunk's values.
std::optional<ChunkSummary> GetSummary(SummaryKind kind, std::size_t count, int exponent, DecimalForm form,
                                       ByteReader& in);

}  // namespace vedette::storage
