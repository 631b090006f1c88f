// The index side of a querier: which series match, and the names and values of their labels. Reading samples is
// rocks_querier.cpp. Const and thread-safe, like the querier that owns it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/rocks/disk_index.h"
#include "storage/rocks/engine.h"

namespace vedette::storage {

/// What a querier sees of the disk.
struct DiskView {
  const rocksdb::Snapshot* snapshot = nullptr;
  /// Read before the snapshot was taken, and after.
  std::shared_ptr<const DayVersions::Map> versions_before, versions_after;
  /// Read after it.
  std::shared_ptr<const Partitions::Days> days;
};

class SeriesSelector {
 public:
  SeriesSelector(Engine& engine, TimeRange range, DiskView view)
      : engine_(engine), range_(range), view_(std::move(view)) {}

  // As in Querier.
  Result<std::vector<SeriesEntry>> Select(std::span<const Matcher> matchers, std::size_t max_series) const;
  Result<std::vector<SeriesEntry>> SelectFor(std::span<const Matcher> matchers,
                                             std::span<const std::string> names) const;
  Result<std::vector<std::string>> LabelNames(std::span<const Matcher> matchers, std::size_t limit) const;
  Result<std::vector<std::string>> LabelValues(std::string_view name, std::span<const Matcher> matchers,
                                               std::size_t limit) const;

 private:
  class NameSet;

  std::span<const std::int32_t> Days() const { return DaysWithin(*view_.days, range_); }
  DiskIndex IndexOf(std::int32_t day) const;
  /// No series outside memory can have samples in the range: the disk need not be asked. The table is locked.
  bool HeadIsComplete() const;
  /// Of what was sealed before this view was made some may lie in the range. What was sealed since is still in memory.
  bool SealedInRange() const { return !Days().empty(); }
  /// The series in memory that match and may have samples in the range, by id. The table is locked. True: the head is
  /// complete.
  bool FindInHead(std::span<const Matcher> matchers, Result<std::vector<const HeadSeries*>>& out) const;
  Result<bool> SelectInHead(std::span<const Matcher> matchers, std::size_t max_series, std::vector<SeriesEntry>& out,
                            Postings& seen) const;
  Status SelectOnDay(std::int32_t day, std::span<const Matcher> matchers, std::size_t max_series,
                     std::vector<SeriesEntry>& out, Postings& seen) const;
  Status SelectOnDayFor(std::int32_t day, std::span<const Matcher> matchers, std::span<const std::string> names,
                        std::vector<SeriesEntry>& out, Postings& seen) const;
  /// By labels, then by id. The order of many is kept from one query to the next.
  void SortByLabels(std::span<SeriesEntry> entries) const;
  /// The labels of ids that the index of `day` names.
  Result<std::vector<Labels>> LabelsOn(std::int32_t day, std::span<const SeriesId> ids) const;

  // label_query.cpp. What the functions take out of series, names or values of one name, goes to `out`.
  struct LabelQuestion;
  Result<bool> AskHead(const LabelQuestion& question, std::span<const Matcher> matchers, NameSet& out,
                       Postings& seen) const;
  Status AskDay(const LabelQuestion& question, std::int32_t day, std::span<const Matcher> matchers, NameSet& out,
                Postings& seen) const;
  Result<std::vector<std::string>> Ask(const LabelQuestion& question, std::span<const Matcher> matchers,
                                       std::size_t limit) const;
  /// Whether one of the series with this label may have samples in the range. The table is locked.
  bool HeadHas(std::string_view name, std::string_view value) const;

  Engine& engine_;
  const TimeRange range_;
  const DiskView view_;
};

}  // namespace vedette::storage
