// The buckets of one series, day and step as stored (docs/storage_format.md, "tiers"): a column per number, most of
// them as another one with hardly a byte.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "storage/tier.h"

namespace vedette::storage {

/// A day in steps of a minute, and the one that ends at its start.
inline constexpr std::size_t kMaxTierBuckets = 1441;

struct TierRow {
  /// Chunks of this seal round and of earlier ones are in it.
  std::uint32_t seal = 0;
  /// The series has native histograms on that day: its floats are not all.
  bool has_histograms = false;
  std::vector<TierBucket> buckets;  // ends ascend
};

/// At most kMaxTierBuckets; their ends are multiples of `step`.
std::string EncodeTierRow(const TierRow& row, Millis step);

/// Errors: kCorruption; kBadData for a format that this program does not know.
Result<TierRow> DecodeTierRow(std::string_view bytes, Millis step);

}  // namespace vedette::storage
