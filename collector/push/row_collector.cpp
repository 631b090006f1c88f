#include "collector/push/row_collector.h"

namespace vedette::collector {

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
  Column& column = columns_.emplace_back(Column{time, {}, {}});
  column.series.reserve(kFirstSeries);
  column.values.reserve(kFirstSeries);
  return columns_.size() - 1;
}

void RowCollector::Flush() {
  for (const Column& column : columns_) appender_.AddRow(column.time, column.series, column.values);
  columns_.clear();
  places_.clear();
  next_ = samples_ = 0;
}

}  // namespace vedette::collector
