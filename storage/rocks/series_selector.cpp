#include "storage/rocks/series_selector.h"

#include <algorithm>
#include <shared_mutex>

#include "storage/rocks/keys.h"
#include "storage/rocks/label_reader.h"

namespace vedette::storage {

std::span<const std::int32_t> DaysWithin(const Partitions::Days& days, TimeRange range) {
  const auto begin = std::ranges::partition_point(
      days, [&](std::int32_t day) { return StartOfDay(day) + Millis(kDayMs - 1) < range.min; });
  const auto end =
      std::partition_point(begin, days.end(), [&](std::int32_t day) { return StartOfDay(day) <= range.max; });
  return {begin, end};
}

DiskIndex SeriesSelector::IndexOf(std::int32_t day) const {
  const auto version = DayVersions::Stable(*view_.versions_before, *view_.versions_after, day);
  return DiskIndex(*engine_.database, day, view_.snapshot, {&engine_.index_cache, version});
}

bool SeriesSelector::HeadIsComplete() const { return range_.min.ms > engine_.catalog.disk_only_max_time(); }

Result<std::vector<SeriesEntry>> SeriesSelector::Select(std::span<const Matcher> matchers,
                                                        std::size_t max_series) const {
  const auto over_limit = [&](std::size_t n) { return max_series != 0 && n > max_series; };
  std::vector<SeriesEntry> out;
  Postings seen;
  VEDETTE_TRY(const bool complete, SelectInHead(matchers, out, seen));
  if (!complete) {
    for (const std::int32_t day : Days()) {
      if (over_limit(out.size())) break;
      VEDETTE_CHECK(SelectOnDay(day, matchers, max_series, out, seen));
    }
  }
  if (over_limit(out.size())) return Fail(Code::kLimit, "the selector matches more than {} series", max_series);
  std::ranges::sort(out, [](const SeriesEntry& a, const SeriesEntry& b) { return a.labels < b.labels; });
  return out;
}

/// True when the head is complete.
Result<bool> SeriesSelector::SelectInHead(std::span<const Matcher> matchers, std::vector<SeriesEntry>& out,
                                          Postings& seen) const {
  const SeriesTable& table = engine_.head.table();
  const std::shared_lock lock(table.mutex());
  const bool complete = HeadIsComplete();
  VEDETTE_TRY(const Selection selection, SelectSeries(table.index(), matchers));
  out.reserve(selection.ids.size());
  for (const SeriesId id : selection.ids) {
    const HeadSeries& series = *table.Find(id);
    if (!engine_.head.MayHave(series, range_, complete)) continue;
    Labels labels = table.LabelsOf(series);
    if (!selection.Accepts(labels)) continue;
    seen.push_back(id);
    out.push_back({id, std::move(labels)});
  }
  return complete;
}

Result<std::vector<Labels>> SeriesSelector::LabelsOn(std::int32_t day, std::span<const SeriesId> ids) const {
  VEDETTE_TRY(std::vector<Labels> labels, ReadLabels(engine_, ids, view_.snapshot));
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (labels[i].empty()) {
      return Fail(Code::kCorruption, "index of {} names series {}, which has no definition", DayText(day),
                  static_cast<std::uint64_t>(ids[i]));
    }
  }
  return labels;
}

Status SeriesSelector::SelectOnDay(std::int32_t day, std::span<const Matcher> matchers, std::size_t max_series,
                                   std::vector<SeriesEntry>& out, Postings& seen) const {
  const DiskIndex index = IndexOf(day);
  VEDETTE_TRY(const Selection selection, SelectSeries(index, matchers));
  const Postings fresh = Subtract(selection.ids, seen);
  if (max_series != 0 && selection.left_over.empty() && out.size() + fresh.size() > max_series) {
    return Fail(Code::kLimit, "the selector matches more than {} series", max_series);
  }
  VEDETTE_TRY(const std::vector<Labels> labels, LabelsOn(day, fresh));
  for (std::size_t i = 0; i < fresh.size(); ++i) {
    if (selection.Accepts(labels[i])) out.push_back({fresh[i], labels[i]});
  }
  // Also what was refused: the labels of a series never change, other days need not look again.
  seen = Unite(seen, fresh);
  return Ok();
}

}  // namespace vedette::storage
