// The index side of a querier: which series match, and the names and values of their labels. Reading samples is
// rocks_querier.cpp. Const and thread-safe, like the querier that owns it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/rocks/engine.h"

namespace vedette::storage {

/// The days that overlap `range`.
std::span<const std::int32_t> DaysWithin(const Partitions::Days& days, TimeRange range);

class SeriesSelector {
 public:
  /// `snapshot` belongs to the querier and outlives the selector; `days` were read after it was taken.
  SeriesSelector(Engine& engine, TimeRange range, const rocksdb::Snapshot* snapshot,
                 std::shared_ptr<const Partitions::Days> days)
      : engine_(engine), range_(range), snapshot_(snapshot), days_(std::move(days)) {}

  // As in Querier.
  Result<std::vector<SeriesEntry>> Select(std::span<const Matcher> matchers, std::size_t max_series) const;
  Result<std::vector<std::string>> LabelNames(std::span<const Matcher> matchers, std::size_t limit) const;
  Result<std::vector<std::string>> LabelValues(std::string_view name, std::span<const Matcher> matchers,
                                               std::size_t limit) const;

 private:
  using Names = std::set<std::string, std::less<>>;

  std::span<const std::int32_t> Days() const { return DaysWithin(*days_, range_); }
  Result<bool> SelectInHead(std::span<const Matcher> matchers, std::vector<SeriesEntry>& out, Postings& seen) const;
  Status SelectOnDay(std::int32_t day, std::span<const Matcher> matchers, std::vector<SeriesEntry>& out,
                     Postings& seen) const;
  Result<std::optional<Labels>> LabelsOf(SeriesId id) const;
  /// Whether one of the series with this label has samples in the range. The table is locked.
  bool HeadHas(std::string_view name, std::string_view value) const;

  Engine& engine_;
  const TimeRange range_;
  const rocksdb::Snapshot* const snapshot_;
  const std::shared_ptr<const Partitions::Days> days_;
};

}  // namespace vedette::storage
