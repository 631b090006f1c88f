// One target's way into the store: reads a body, recognises its series, writes one row.
//
// Owned by the loop of the target, used on a worker thread, one scrape at a time. A scrape is stored as a whole or not
// at all: what fails (syntax, limits, an unreachable target) leaves staleness markers and `up 0`.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "collector/exposition/parser.h"
#include "collector/options.h"
#include "collector/scrape/line_cache.h"
#include "collector/scrape/metadata.h"
#include "collector/scrape/scrape_metrics.h"
#include "collector/scrape/target.h"
#include "core/result.h"
#include "storage/storage.h"

namespace vedette::collector {

/// What a target answered.
struct ScrapeBody {
  std::string_view text;
  ExpositionFormat format = ExpositionFormat::kText;
};

struct ScrapeOutcome {
  Status status = Ok();     // why the scrape failed
  std::size_t scraped = 0;  // samples in the body
  std::size_t kept = 0;     // after metric relabelling
  std::size_t added = 0;    // series that this target did not show last time
  std::size_t repeated = 0;
};

class TargetAppender {
 public:
  TargetAppender(storage::Storage& storage, ScrapeMetrics& metrics, MetadataPool& pool);

  /// Stores one scrape with its report series (up, scrape_duration_seconds, ...), all at `time`. `body`: what came, or
  /// why nothing did. `seconds`: how long that took.
  ScrapeOutcome Store(const ScrapeConfig& job, const Target& target, TimeMs time, double seconds,
                      const Result<ScrapeBody>& body);

  /// The job changed: series texts may mean other series now. Those that are not there any more get their markers with
  /// the next scrape.
  void Reset();

  /// The target is gone: markers for everything it had; what it said about its metrics ends.
  Status End(const Target& target, TimeMs time);

  const TargetMetadataTable& metadata() const { return metadata_; }

 private:
  class Reading;
  struct Row;

  static constexpr std::size_t kReports = 8;

  void MarkOrphans(Row& row);
  void AddMetadata(storage::Appender& appender, const Target& target, TimeMs time) const;
  void NoteExemplars(const Row& row);
  Status AddReports(storage::Appender& appender, const ScrapeConfig& job, const Target& target,
                    const std::array<double, kReports>& values, Row& row);
  Status Commit(storage::Appender& appender, TimeMs time, const Row& row, std::size_t single_samples);

  storage::Storage& storage_;
  ScrapeMetrics& metrics_;
  TargetMetadataTable metadata_;
  LineCache lines_;
  std::vector<storage::SeriesId> orphans_;  // live before Reset()
  /// Hashes of the exemplars shown last, as written.
  std::unordered_map<storage::SeriesId, std::uint64_t> exemplars_;
  std::array<storage::SeriesId, kReports> reports_{};
  TimeMs last_time_;
  bool repeats_ = false;  // a scrape named a series twice: said once per target
};

}  // namespace vedette::collector
