#include "storage/rocks/series_selector.h"

#include <algorithm>
#include <shared_mutex>

#include "storage/rocks/disk_index.h"
#include "storage/rocks/keys.h"

namespace vedette::storage {

std::span<const std::int32_t> DaysWithin(const Partitions::Days& days, TimeRange range) {
  const auto begin = std::ranges::partition_point(
      days, [&](std::int32_t day) { return StartOfDay(day) + Millis(kDayMs - 1) < range.min; });
  const auto end =
      std::partition_point(begin, days.end(), [&](std::int32_t day) { return StartOfDay(day) <= range.max; });
  return {begin, end};
}

Result<std::vector<SeriesEntry>> SeriesSelector::Select(std::span<const Matcher> matchers, std::size_t max_series) const {
  const auto over_limit = [&](std::size_t n) { return max_series != 0 && n > max_series; };
  std::vector<SeriesEntry> out;
  Postings seen;
  VEDETTE_TRY(const bool complete, SelectInHead(matchers, out, seen));
  if (!complete) {
    for (const std::int32_t day : Days()) {
      if (over_limit(out.size())) break;
      VEDETTE_CHECK(SelectOnDay(day, matchers, out, seen));
    }
  }
  if (over_limit(out.size())) return Fail(Code::kLimit, "the selector matches more than {} series", max_series);
  std::ranges::sort(out, [](const SeriesEntry& a, const SeriesEntry& b) { return a.labels < b.labels; });
  return out;
}

/// True when no series outside memory can have samples in the range: then the disk need not be asked.
Result<bool> SeriesSelector::SelectInHead(std::span<const Matcher> matchers, std::vector<SeriesEntry>& out,
                                        Postings& seen) const {
  const SeriesTable& table = engine_.head.table();
  const std::shared_lock lock(table.mutex());
  const bool complete = range_.min.ms > engine_.catalog.disk_only_max_time();
  VEDETTE_TRY(const Selection selection, SelectSeries(table.index(), matchers));
  for (const SeriesId id : selection.ids) {
    const HeadSeries& series = *table.Find(id);
    if (!engine_.head.MayHave(series, range_, complete) || !selection.Accepts(series.labels)) continue;
    seen.push_back(id);
    out.push_back({id, series.labels});
  }
  return complete;
}

Status SeriesSelector::SelectOnDay(std::int32_t day, std::span<const Matcher> matchers, std::vector<SeriesEntry>& out,
                                 Postings& seen) const {
  const DiskIndex index(*engine_.database, day, snapshot_);
  VEDETTE_TRY(const Selection selection, SelectSeries(index, matchers));
  const Postings fresh = Subtract(selection.ids, seen);
  for (const SeriesId id : fresh) {
    VEDETTE_TRY(const std::optional<Labels> labels, LabelsOf(id));
    if (!labels) {
      return Fail(Code::kCorruption, "index of {} names series {}, which has no definition", DayText(day),
                  static_cast<std::uint64_t>(id));
    }
    if (selection.Accepts(*labels)) out.push_back({id, *labels});
  }
  // Also what was refused: the labels of a series never change, other days need not look again.
  seen = Unite(seen, fresh);
  return Ok();
}

Result<std::optional<Labels>> SeriesSelector::LabelsOf(SeriesId id) const {
  {
    const std::shared_lock lock(engine_.head.table().mutex());
    if (const HeadSeries* series = engine_.head.table().Find(id)) return std::optional(series->labels);
  }
  return engine_.catalog.ReadLabels(id, snapshot_);
}

}  // namespace vedette::storage
