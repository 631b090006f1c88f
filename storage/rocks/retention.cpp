#include "storage/rocks/retention.h"

#include <algorithm>

#include "storage/append_batch.h"
#include "storage/rocks/deletion.h"
#include "storage/rocks/fact_keys.h"
#include "storage/rocks/keys.h"

namespace vedette::storage {

Status ApplyRetentionRules(Engine& engine, TimeMs now, RulesApplied& applied) {
  const std::vector<RetentionRule>& rules = engine.options.retention_rules;
  applied.resize(rules.size());
  const TimeMs oldest = AcceptedTimes(now, engine.options, {}).min;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const std::int32_t first_kept = DayOf(now - rules[i].keep);
    if (applied[i] == first_kept) continue;
    VEDETTE_CHECK(
        DeleteSamples(engine, rules[i].matchers, {TimeMs::Min(), StartOfDay(first_kept) - Millis(1)}, oldest));
    applied[i] = first_kept;
  }
  return Ok();
}

std::uint64_t BytesForFeeds(Database& database) {
  const auto watermark = database.GetNumber(kMetaWatermark);
  if (!watermark) return 0;
  const auto bytes = [&](Family family, const std::string& from, const std::string& to) {
    const rocksdb::Range range(from, to);
    std::uint64_t size = 0;
    const auto status = database.db().GetApproximateSizes({}, database.family(family), &range, 1, &size);
    return status.ok() ? size : 0;
  };
  // What a start would replay is little: the rest, with what was dropped and is not compacted away yet, is for feeds.
  const std::uint64_t journal = database.Property(Family::kJournal, "rocksdb.live-sst-files-size");
  const std::uint64_t ours = bytes(Family::kJournal, JournalKey(*watermark, 1), JournalKey(UINT64_MAX, UINT32_MAX));
  return journal - std::min(journal, ours) +
         bytes(Family::kFacts, NumberKey(kFeedTag, 0), NumberKey(kFeedTag, UINT64_MAX));
}

std::optional<std::int32_t> FirstDayThatFits(Database& database, const Partitions::Days& days,
                                             std::uint64_t max_bytes) {
  if (max_bytes == 0 || days.size() < 2) return std::nullopt;
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < kFamilyCount; ++i) {
    bytes += database.Property(static_cast<Family>(i), "rocksdb.live-sst-files-size");
  }
  bytes -= std::min(bytes, BytesForFeeds(database));
  std::optional<std::int32_t> first;
  for (std::size_t i = 0; i + 1 < days.size() && bytes > max_bytes; ++i) {
    bytes -= std::min(bytes, DiskBytes(database, days[i]));
    first = days[i + 1];
  }
  return first;
}

}  // namespace vedette::storage
