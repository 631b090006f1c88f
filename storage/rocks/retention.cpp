#include "storage/rocks/retention.h"

#include <algorithm>

#include "storage/append_batch.h"
#include "storage/rocks/deletion.h"
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

std::optional<std::int32_t> FirstDayThatFits(Database& database, const Partitions::Days& days,
                                             std::uint64_t max_bytes) {
  if (max_bytes == 0 || days.size() < 2) return std::nullopt;
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < kFamilyCount; ++i) {
    bytes += database.Property(static_cast<Family>(i), "rocksdb.live-sst-files-size");
  }
  std::optional<std::int32_t> first;
  for (std::size_t i = 0; i + 1 < days.size() && bytes > max_bytes; ++i) {
    bytes -= std::min(bytes, DiskBytes(database, days[i]));
    first = days[i + 1];
  }
  return first;
}

}  // namespace vedette::storage
