// Walks through one body and collects its samples; the line cache does most of the work. Part of TargetAppender.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "collector/scrape/target_appender.h"

namespace vedette::collector {

/// What one scrape collects outside of the appender: the samples that share its time (equally long), and the texts of
/// the exemplars that are new.
struct TargetAppender::Row {
  std::vector<storage::SeriesId> series;
  std::vector<double> values;
  std::vector<std::pair<storage::SeriesId, std::uint64_t>> exemplars;  // hashes

  void Add(storage::SeriesId id, double value) {
    series.push_back(id);
    values.push_back(value);
  }
  void AddGone(storage::SeriesId id);
  void Clear() {
    series.clear();
    values.clear();
    exemplars.clear();
  }
};

class TargetAppender::Reading {
 public:
  Reading(TargetAppender& owner, storage::Appender& appender, const ScrapeConfig& job, const Target& target,
          TimeMs time, const ScrapeBody& body, Row& row, ScrapeOutcome& outcome);

  /// Errors: kBadData (syntax, labels), kLimit (sample_limit, label limits), and those of the store.
  Status Run();
  /// Samples with a time of their own that went to the appender directly.
  std::size_t single_samples() const { return single_samples_; }

 private:
  enum class Step { kGoOn, kEnd };
  Result<Step> ReadLine();
  Status ReadSeries(LineCache::Line* line);
  void ReadMetadata(ExpositionParser::Event event);
  Result<LineCache::Line*> Resolve(std::string_view series);
  void TakeSample(LineCache::Line& line);
  void TakeExemplar(storage::SeriesId series);
  void ExtendBlock(const char* begin, const char* end);
  void CloseBlock();

  TargetAppender& owner_;
  storage::Appender& appender_;
  const ScrapeConfig& job_;
  const Target& target_;
  const TimeMs time_;
  const TimeMs newest_;  // samples may carry times up to here
  Row& row_;
  ScrapeOutcome& outcome_;
  ExpositionParser parser_;
  std::string_view block_;  // comment lines read and not yet remembered
  std::size_t known_ = 0, searched_ = 0, single_samples_ = 0;
};

}  // namespace vedette::collector
