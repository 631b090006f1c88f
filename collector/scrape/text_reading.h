// Reading of the text formats: lines that the cache recognises by their beginning cost a number each.
//
// With convert_classic_histograms_to_nhcb the lines of classic histograms are collected while they belong together, and
// a native histogram comes out when the next line does not, as Prometheus' converter does it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "collector/exposition/classic_histogram.h"
#include "collector/exposition/parser.h"
#include "collector/scrape/reading.h"

namespace vedette::collector {

/// What a target's conversion remembers between scrapes. Only made for jobs that want it.
struct TargetAppender::Conversion {
  /// What the text of a series is to a classic histogram.
  struct Part {
    ClassicPart part = ClassicPart::kNone;
    double bound = 0;
    std::uint64_t family = 0;  // hash of its name without the ending
    LineCache::Key histogram;  // of its labels but for le, and that name
  };

  LineCache lines;                                // a line is a histogram that came out
  std::unordered_map<std::uint64_t, Part> parts;  // by the hash of the text
  ClassicHistogram classic;
};

class TargetAppender::TextReading final : public Reading {
 public:
  TextReading(TargetAppender& owner, const Scrape& scrape, const ScrapeBody& body);

 private:
  using Event = ExpositionParser::Event;
  using Part = Conversion::Part;
  enum class Step { kGoOn, kEnd };

  Status ReadAll() override;
  Result<Step> ReadLine();
  void SkipBlock(const Line& block);
  Status ReadSeries(Line* line);
  Result<Line*> LineOf(Line* line, std::string_view series, bool converted);
  void ReadMetadata(Event event);
  void TakeExemplar(storage::SeriesId series);
  void ExtendBlock(const char* begin, const char* end);
  void CloseBlock();

  // Conversion.
  Result<const Part*> PartOf(std::string_view series);
  Result<bool> Collect(std::string_view series);
  Status FinishHistogram();
  void TakeConvertedExemplars(storage::SeriesId series);

  ExpositionParser parser_;
  std::string_view block_;  // comment lines read and not yet remembered

  Conversion* const conversion_;  // null: nothing is converted
  std::uint64_t family_ = 0;      // hash of the name in the last TYPE line
  const Part* collecting_ = nullptr;
  std::string_view first_series_;  // of the histogram being collected
  std::optional<TimeMs> collected_time_;
  std::vector<std::string_view> collected_exemplars_;
};

}  // namespace vedette::collector
