// Puts pushed samples into rows, which the store takes cheaply: a column for each time, many series in it.
//
// Senders write series after series, and mostly all have the same times: then the column of a sample is the one behind
// the last. Samples that hardly share times are handed on as they come.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "core/time.h"
#include "storage/storage.h"

namespace vedette::collector {

class RowCollector {
 public:
  explicit RowCollector(storage::Appender& appender) : appender_(appender) {}

  void Add(storage::SeriesId series, TimeMs time, double value) {
    if (single_) return appender_.Add(series, time, value);
    if (next_ >= columns_.size()) next_ = 0;
    if (next_ >= columns_.size() || columns_[next_].time != time) {
      next_ = PlaceOf(time);
      if (single_) return appender_.Add(series, time, value);
    }
    Column& column = columns_[next_++];
    column.series.push_back(series);
    column.values.push_back(value);
    ++samples_;
  }
  /// Hands everything to the appender.
  void Flush();

 private:
  struct Column {
    TimeMs time;
    std::vector<storage::SeriesId> series;
    std::vector<double> values;
  };
  static constexpr std::size_t kFewColumns = 256, kWide = 4;

  /// Empty columns with the room of earlier ones, of this thread.
  static std::vector<Column>& Spare();
  static void Keep(Column&& column);

  /// Where samples of this time go. Gives up when there are many times with hardly anything.
  std::size_t PlaceOf(TimeMs time);

  storage::Appender& appender_;
  std::vector<Column> columns_;
  std::unordered_map<std::int64_t, std::size_t> places_;
  std::size_t next_ = 0, samples_ = 0;
  bool single_ = false;
};

}  // namespace vedette::collector
