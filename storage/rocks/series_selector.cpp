#include "storage/rocks/series_selector.h"

#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <shared_mutex>

#include "storage/head/label_order.h"
#include "storage/head/label_projection.h"
#include "storage/rocks/head_sets.h"
#include "storage/rocks/keys.h"
#include "storage/rocks/label_reader.h"

namespace vedette::storage {

namespace {

bool ByLabels(const SeriesEntry& a, const SeriesEntry& b) {
  const auto order = a.labels <=> b.labels;
  return order == 0 ? a.id < b.id : order < 0;
}

}  // namespace

DiskIndex SeriesSelector::IndexOf(std::int32_t day) const {
  const auto version = DayVersions::Stable(*view_.versions_before, *view_.versions_after, day);
  DayCache cache{&engine_.index_cache, version, {}};
  if (version) {
    cache.added_since = [this, day, now = *version](std::uint64_t from) -> std::optional<std::vector<SeriesEntry>> {
      const auto ids = engine_.database->day_versions().AddedBetween(day, from, now);
      if (!ids) return std::nullopt;
      const auto labels = ReadLabels(engine_, *ids, view_.snapshot);
      if (!labels) return std::nullopt;  // who reads the index will say what is wrong
      std::vector<SeriesEntry> out;
      for (std::size_t i = 0; i < ids->size(); ++i) out.push_back({(*ids)[i], (*labels)[i]});
      return out;
    };
  }
  return DiskIndex(*engine_.database, day, view_.snapshot, std::move(cache));
}

bool SeriesSelector::HeadIsComplete() const { return range_.min.ms > engine_.catalog.disk_only_max_time(); }

Result<std::vector<SeriesEntry>> SeriesSelector::Select(std::span<const Matcher> matchers,
                                                        std::size_t max_series) const {
  const auto over_limit = [&](std::size_t n) { return max_series != 0 && n > max_series; };
  std::vector<SeriesEntry> out;
  Postings seen;
  VEDETTE_TRY(const bool complete, SelectInHead(matchers, max_series, out, seen));
  const auto from_disk = static_cast<std::ptrdiff_t>(out.size());
  if (!complete) {
    for (const std::int32_t day : Days()) {
      if (over_limit(out.size())) break;
      VEDETTE_CHECK(SelectOnDay(day, matchers, max_series, out, seen));
    }
  }
  if (over_limit(out.size())) return Fail(Code::kLimit, "the selector matches more than {} series", max_series);
  SortByLabels(std::span(out).subspan(static_cast<std::size_t>(from_disk)));
  std::inplace_merge(out.begin(), out.begin() + from_disk, out.end(), ByLabels);
  if (static_cast<std::size_t>(from_disk) == out.size()) return out;
  // A label set that was deleted and forgotten, and has come back since this view was made, has another id now. The
  // view knows its first one.
  const auto same_labels = [](const SeriesEntry& a, const SeriesEntry& b) { return a.labels == b.labels; };
  out.erase(std::unique(out.begin(), out.end(), same_labels), out.end());
  return out;
}

/// A label set that came back under another id may be there twice: the new one has no samples that this view sees.
Result<std::vector<SeriesEntry>> SeriesSelector::SelectFor(std::span<const Matcher> matchers,
                                                           std::span<const std::string> names) const {
  std::vector<SeriesEntry> out;
  Postings seen;
  {
    const SeriesTable& table = engine_.head.table();
    const std::shared_lock lock(table.mutex());
    Result<std::vector<const HeadSeries*>> found = std::vector<const HeadSeries*>();
    const bool complete = FindInHead(matchers, found);
    if (!found) return found.error();
    LabelProjection projection(table, names);
    out.reserve(found->size());
    for (const HeadSeries* series : *found) out.push_back({series->id, projection.Of(*series)});
    if (complete) return out;
  }
  seen.reserve(out.size());
  for (const SeriesEntry& entry : out) seen.push_back(entry.id);
  for (const std::int32_t day : Days()) VEDETTE_CHECK(SelectOnDayFor(day, matchers, names, out, seen));
  return out;
}

Status SeriesSelector::SelectOnDayFor(std::int32_t day, std::span<const Matcher> matchers,
                                      std::span<const std::string> names, std::vector<SeriesEntry>& out,
                                      Postings& seen) const {
  const DiskIndex index = IndexOf(day);
  VEDETTE_TRY(const Selection selection, SelectSeries(index, matchers, &index));
  const Postings fresh = Subtract(selection.ids, seen);
  Postings elsewhere;
  {
    const SeriesTable& table = engine_.head.table();
    const std::shared_lock lock(table.mutex());
    LabelProjection projection(table, names);
    for (const SeriesId id : fresh) {
      const HeadSeries* const series = table.Find(id);
      if (series == nullptr) {
        elsewhere.push_back(id);
      } else if (selection.AcceptsValues([&](std::string_view name) { return table.ValueOf(*series, name); })) {
        out.push_back({id, projection.Of(*series)});
      }
    }
  }
  VEDETTE_TRY(const std::vector<Labels> labels, LabelsOn(day, elsewhere));
  SetProjection projection(names);
  for (std::size_t i = 0; i < elsewhere.size(); ++i) {
    if (selection.Accepts(labels[i])) out.push_back({elsewhere[i], projection.Of(labels[i])});
  }
  seen = Unite(seen, fresh);
  return Ok();
}

/// The labels of an id never change: the same ids in the same order always sort alike. Comparing texts takes as long as
/// reading the samples of an instant query.
void SeriesSelector::SortByLabels(std::span<SeriesEntry> entries) const {
  constexpr std::size_t kFew = 256;
  if (entries.size() < kFew || entries.size() > UINT32_MAX) {
    std::ranges::sort(entries, ByLabels);
    return;
  }
  std::vector<SeriesId> ids;
  ids.reserve(entries.size());
  for (const SeriesEntry& entry : entries) ids.push_back(entry.id);
  const XXH128_hash_t hash = XXH3_128bits(ids.data(), ids.size() * sizeof(SeriesId));
  const std::string key =
      IndexCache::Key(0, entries.size(), IndexCache::Kind::kOrder, {reinterpret_cast<const char*>(&hash), sizeof hash});
  auto known = engine_.index_cache.Find(key);
  if (known == nullptr) {
    std::vector<std::uint32_t> order(entries.size());
    std::iota(order.begin(), order.end(), std::uint32_t{0});
    std::ranges::sort(order, [&](std::uint32_t a, std::uint32_t b) { return ByLabels(entries[a], entries[b]); });
    const auto made = std::make_shared<IndexCache::Entry>();
    made->postings.assign(reinterpret_cast<const char*>(order.data()), order.size() * sizeof(std::uint32_t));
    engine_.index_cache.Put(key, made);
    known = made;
  }
  std::vector<SeriesEntry> sorted;
  sorted.reserve(entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    std::uint32_t place = 0;
    std::memcpy(&place, known->postings.data() + i * sizeof place, sizeof place);
    sorted.push_back(std::move(entries[place]));
  }
  std::ranges::move(sorted, entries.begin());
}

bool SeriesSelector::FindInHead(std::span<const Matcher> matchers, Result<std::vector<const HeadSeries*>>& out) const {
  const SeriesTable& table = engine_.head.table();
  const bool complete = HeadIsComplete(), sealed_too = complete && SealedInRange();
  const HeadSets kept(table, engine_.index_cache);
  const Result<Selection> selection = SelectSeries(table.index(), matchers, &kept);
  if (!selection) {
    out = selection.error();
    return complete;
  }
  std::vector<const HeadSeries*> found;
  found.reserve(selection->ids.size());
  for (const SeriesId id : selection->ids) {
    const HeadSeries* series = table.Find(id);
    if (series == nullptr || !engine_.head.MayHave(*series, range_, sealed_too)) continue;
    if (!selection->AcceptsValues([&](std::string_view name) { return table.ValueOf(*series, name); })) continue;
    found.push_back(series);
  }
  out = std::move(found);
  return complete;
}

/// True when the head is complete.
Result<bool> SeriesSelector::SelectInHead(std::span<const Matcher> matchers, std::size_t max_series,
                                          std::vector<SeriesEntry>& out, Postings& seen) const {
  const SeriesTable& table = engine_.head.table();
  const std::shared_lock lock(table.mutex());
  Result<std::vector<const HeadSeries*>> result = std::vector<const HeadSeries*>();
  const bool complete = FindInHead(matchers, result);
  VEDETTE_TRY(std::vector<const HeadSeries*> found, std::move(result));
  if (max_series != 0 && found.size() > max_series) {
    return Fail(Code::kLimit, "the selector matches more than {} series", max_series);
  }
  seen.reserve(found.size());
  for (const HeadSeries* series : found) seen.push_back(series->id);
  const bool ordered = IsOrderedCheaply(table, found.size());
  if (ordered) found = OrderByLabels(table, found);
  out.reserve(found.size());
  for (const HeadSeries* series : found) out.push_back({series->id, table.LabelsOf(*series)});
  if (!ordered) {
    std::ranges::sort(out, [](const SeriesEntry& a, const SeriesEntry& b) { return a.labels < b.labels; });
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
  VEDETTE_TRY(const Selection selection, SelectSeries(index, matchers, &index));
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
