#include "collector/push/row_collector.h"

#include <utility>

namespace vedette::collector {
namespace {

/// A thread keeps at most so many columns, of at most so many series each: 2 MiB.
constexpr std::size_t kMostSpare = 64, kMostSeries = 2048;

}  // namespace

std::vector<RowCollector::Column>& RowCollector::Spare() {
  thread_local std::vector<Column> spare;
  return spare;
}

void RowCollector::Keep(Column&& column) {
  if (Spare().size() == kMostSpare || column.series.capacity() > kMostSeries) return;
  column.series.clear();
  column.values.clear();
  Spare().push_back(std::move(column));
}

std::size_t RowCollector::PlaceOf(TimeMs time) {
  // Two targets in one request: their times lie next to each other.
  if (next_ > 0 && columns_[next_ - 1].time == time) return next_ - 1;
  const auto [place, added] = places_.try_emplace(time.ms, columns_.size());
  if (!added) return place->second;
  if (columns_.size() >= kFewColumns && samples_ < kWide * columns_.size()) {
    Flush();
    single_ = true;
    return 0;
  }
  if (Spare().empty()) {
    columns_.emplace_back(Column{time, {}, {}});
  } else {
    columns_.push_back(std::move(Spare().back()));
    columns_.back().time = time;
    Spare().pop_back();
  }
  return columns_.size() - 1;
}

void RowCollector::Flush() {
  appender_.Reserve(samples_);
  for (Column& column : columns_) {
    appender_.AddRow(column.time, column.series, column.values);
    Keep(std::move(column));
  }
  columns_.clear();
  places_.clear();
  next_ = samples_ = 0;
}

}  // namespace vedette::collector
