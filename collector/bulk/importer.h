// Many samples from a file into the store: reads lines, collects the samples by series, hands them over in large
// pieces.
//
// A line of a known series costs a comparison, two numbers and a push; only new series are parsed and looked up. Memory
// is bounded: when the buffer is full all series are handed over, and the fewer series there are the longer their
// pieces. A bad line is counted, named and left out; the others are taken.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "collector/bulk/format.h"
#include "collector/exposition/parser.h"
#include "storage/admin.h"

namespace vedette::collector {

struct ImportReport {
  std::uint64_t lines = 0;
  std::uint64_t series = 0;
  std::uint64_t samples = 0;  // read
  storage::BulkOutcome outcome;
  std::uint64_t bad_lines = 0;
  struct BadLine {
    std::uint64_t number = 0;  // from 1
    std::string error;
  };
  std::vector<BadLine> first_bad;  // a few
};

class Importer {
 public:
  /// `writer` outlives the importer. `max_buffered`: samples (16 bytes each) held at once.
  Importer(storage::BulkWriter& writer, BulkFormat format, std::size_t max_buffered = 16'000'000);

  /// The next bytes of the file, cut anywhere. Errors: those of the writer; then the import is over, and report() says
  /// what had been handed over.
  Status Feed(std::string_view bytes);
  /// The file is over. Everything in the report is durable.
  Result<ImportReport> Finish();
  const ImportReport& report() const { return report_; }

 private:
  struct Series {
    std::string text;  // as it stands in front of its samples
    storage::SeriesId id = storage::SeriesId::kNone;
    storage::Columns samples;
    storage::HistogramColumns histograms;
  };

  Status Line(std::string_view line);
  Status TextLine(std::string_view line);
  Status JsonLine(std::string_view line);
  Status CsvHead(std::string_view line);
  Status CsvLine(std::string_view line);
  /// The series whose text `line` starts with, if it is one of the two that are likely.
  Series* Guess(std::string_view line);
  Result<Series*> FindText(std::string_view text, MetricType type);
  Result<Series*> FindLabels(std::string key, const Labels& labels);
  void Add(Series& series, std::int64_t time, double value) {
    series.samples.times.push_back(time);
    series.samples.values.push_back(value);
    ++report_.samples;
    ++buffered_;
  }
  void AddHistograms(Series& series, storage::HistogramColumns read);
  Status Drain();

  storage::BulkWriter& writer_;
  const BulkFormat format_;
  const std::size_t max_buffered_;
  std::string rest_;  // of a line that the last bytes ended in
  std::vector<std::unique_ptr<Series>> series_;
  std::unordered_map<std::string_view, std::size_t> by_text_;  // into series_, whose texts do not move
  std::size_t last_ = 0;                                       // the series of the last line
  std::size_t buffered_ = 0;                                   // samples; a histogram counts as several
  MetricType type_ = MetricType::kUnknown;
  bool ended_ = false;  // "# EOF" was read
  std::vector<std::string> columns_;
  ImportReport report_;
};

}  // namespace vedette::collector
