#include "storage/options.h"

namespace vedette::storage {
namespace {

/// A chunk row stays far below RocksDB's comfortable value size, and a hostile count far below what memory allows.
constexpr std::size_t kMostChunkSamples = 10'000;
constexpr std::size_t kMinMemoryBytes = 1 << 20;

/// Each one costs a row per series and day.
constexpr std::size_t kMaxTiers = 4;

Status ValidateTiers(const std::vector<TierOptions>& tiers) {
  constexpr Millis kDay = std::chrono::hours(24), kMinute = std::chrono::minutes(1);
  if (tiers.size() > kMaxTiers)
    return Fail(Code::kBadData, "storage.tiers has {}, allowed are {}", tiers.size(), kMaxTiers);
  for (std::size_t i = 0; i < tiers.size(); ++i) {
    const TierOptions& tier = tiers[i];
    if (tier.step < kMinute || tier.step % kMinute != Millis(0) || kDay % tier.step != Millis(0)) {
      return Fail(Code::kBadData, "storage.tiers: step must be whole minutes that divide a day, as 5m or 1h");
    }
    if (tier.keep.count() < 0) return Fail(Code::kBadData, "storage.tiers: keep must not be negative");
    if (i > 0 && tiers[i - 1].step >= tier.step) return Fail(Code::kBadData, "storage.tiers: steps must ascend");
  }
  return Ok();
}

}  // namespace

Status StorageOptions::Validate() const {
  if (path.empty()) return Fail(Code::kBadData, "storage.path must not be empty");
  if (retention.count() < 0) return Fail(Code::kBadData, "storage.retention must not be negative");
  for (const RetentionRule& rule : retention_rules) {
    if (rule.keep.count() <= 0) return Fail(Code::kBadData, "storage.retention_rules: keep must be positive");
    if (rule.matchers.empty()) return Fail(Code::kBadData, "storage.retention_rules: match must not be empty");
  }
  if (max_future.count() < 0) return Fail(Code::kBadData, "storage.max_future must not be negative");
  if (wal_sync_interval.count() < 0) return Fail(Code::kBadData, "storage.wal_sync_interval must not be negative");
  if (exemplar_age.count() < 0) return Fail(Code::kBadData, "storage.exemplars.max_age must not be negative");
  VEDETTE_CHECK(ValidateTiers(tiers));
  if (chunk_samples < 2 || chunk_samples > kMostChunkSamples) {
    return Fail(Code::kBadData, "storage.chunk_samples is {}, allowed are 2 to {}", chunk_samples, kMostChunkSamples);
  }
  if (chunk_span.count() <= 0) return Fail(Code::kBadData, "storage.chunk_span must be positive");
  if (block_cache_bytes < kMinMemoryBytes || write_buffer_bytes < kMinMemoryBytes) {
    return Fail(Code::kBadData, "storage.block_cache_bytes and storage.write_buffer_bytes must be at least {}",
                kMinMemoryBytes);
  }
  return Ok();
}

}  // namespace vedette::storage
