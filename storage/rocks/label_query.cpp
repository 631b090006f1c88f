// Names and values of labels: the part of SeriesSelector that answers pickers and completion.
#include <algorithm>
#include <shared_mutex>

#include "storage/rocks/disk_index.h"
#include "storage/rocks/series_selector.h"

namespace vedette::storage {

bool SeriesSelector::HeadHas(std::string_view name, std::string_view value) const {
  const SeriesTable& table = engine_.head.table();
  const bool complete = range_.min.ms > engine_.catalog.disk_only_max_time();
  Postings ids;
  // The index in memory has no errors.
  if (!table.index().WithLabel(name, value, ids)) return false;
  return std::ranges::any_of(ids, [&](SeriesId id) { return engine_.head.MayHave(*table.Find(id), range_, complete); });
}

Result<std::vector<std::string>> SeriesSelector::LabelNames(std::span<const Matcher> matchers, std::size_t limit) const {
  Names names;
  if (!matchers.empty()) {
    VEDETTE_TRY(const std::vector<SeriesEntry> found, Select(matchers, 0));
    for (const SeriesEntry& entry : found) {
      for (const LabelView label : entry.labels) names.emplace(label.name);
    }
  } else {
    {
      const LabelIndex& index = engine_.head.table().index();
      const std::shared_lock lock(engine_.head.table().mutex());
      VEDETTE_CHECK(index.VisitNames([&](std::string_view name) {
        const Status walked = index.VisitValues(name, [&](std::string_view value) {
          if (!HeadHas(name, value)) return true;
          names.emplace(name);
          return false;
        });
        return walked.has_value();
      }));
    }
    for (const std::int32_t day : Days()) {
      VEDETTE_CHECK(DiskIndex(*engine_.database, day, snapshot_).VisitNames([&](std::string_view name) {
        names.emplace(name);
        return true;
      }));
    }
  }
  std::vector<std::string> out(names.begin(), names.end());
  if (limit != 0 && out.size() > limit) out.resize(limit);
  return out;
}

Result<std::vector<std::string>> SeriesSelector::LabelValues(std::string_view name, std::span<const Matcher> matchers,
                                                           std::size_t limit) const {
  Names values;
  if (!matchers.empty()) {
    VEDETTE_TRY(const std::vector<SeriesEntry> found, Select(matchers, 0));
    for (const SeriesEntry& entry : found) {
      if (entry.labels.Has(name)) values.emplace(entry.labels.Get(name));
    }
  } else {
    {
      const std::shared_lock lock(engine_.head.table().mutex());
      VEDETTE_CHECK(engine_.head.table().index().VisitValues(name, [&](std::string_view value) {
        if (HeadHas(name, value)) values.emplace(value);
        return true;
      }));
    }
    for (const std::int32_t day : Days()) {
      VEDETTE_CHECK(DiskIndex(*engine_.database, day, snapshot_).VisitValues(name, [&](std::string_view value) {
        if (values.find(value) == values.end()) values.emplace(value);
        return true;
      }));
    }
  }
  std::vector<std::string> out(values.begin(), values.end());
  if (limit != 0 && out.size() > limit) out.resize(limit);
  return out;
}

}  // namespace vedette::storage
