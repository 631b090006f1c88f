#include "storage/append_batch.h"

#include <algorithm>
#include <cassert>

namespace vedette::storage {
namespace {

/// Five million years either way: day numbers fit the 32 bits they have in keys, and no sum of two times overflows.
constexpr std::int64_t kFarthestMs = 160'000'000'000'000'000;

TimeMs Clamped(TimeMs time) { return TimeMs(std::clamp(time.ms, -kFarthestMs, kFarthestMs)); }

}  // namespace

void AppendBatch::AddRow(TimeMs time, std::span<const SeriesId> ids, std::span<const double> row_values) {
  assert(ids.size() == row_values.size());
  if (ids.empty()) return;
  if (rows.empty() || rows.back().time != time) rows.push_back({time, series.size(), series.size()});
  series.insert(series.end(), ids.begin(), ids.end());
  values.insert(values.end(), row_values.begin(), row_values.end());
  rows.back().end = series.size();
}

TimeRange AcceptedTimes(TimeMs now, const StorageOptions& options, const AppendOptions& append) {
  TimeRange range{Clamped(TimeMs::Min()), Clamped(TimeMs::Max())};
  const Millis longest(2 * kFarthestMs);
  if (options.retention.count() > 0) range.min = Clamped(Clamped(now) - std::min(options.retention, longest));
  if (!append.allow_future) range.max = Clamped(Clamped(now) + std::min(options.max_future, longest));
  return range;
}

void AppendBatch::DropOutside(TimeMs now, const StorageOptions& options, const AppendOptions& append,
                              AppendOutcome& outcome) {
  const TimeRange accepted = AcceptedTimes(now, options, append);
  std::erase_if(rows, [&](const Row& row) {
    if (accepted.Contains(row.time)) return false;
    (row.time < accepted.min ? outcome.too_old : outcome.too_new) += row.end - row.begin;
    return true;
  });
}

}  // namespace vedette::storage
