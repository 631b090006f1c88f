// One target's way into the store: reads a body, recognises its series, writes one row.
//
// Owned by the loop of the target, used on a worker thread, one scrape at a time. A scrape is stored as a whole or not
// at all: what fails (syntax, limits, an unreachable target) leaves staleness markers and `up 0`.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "collector/exposition/layout_cache.h"
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
  Status readable = Ok();  // why it is not: its media type
};

struct ScrapeOutcome {
  Status status = Ok();     // why the scrape failed
  std::size_t scraped = 0;  // samples in the body
  std::size_t kept = 0;     // after metric relabelling
  std::size_t added = 0;    // series that this target did not show last time; of a scrape that fails: until then
  std::size_t repeated = 0;
};

class TargetAppender {
 public:
  TargetAppender(storage::Storage& storage, ScrapeMetrics& metrics, MetadataPool& pool);
  ~TargetAppender();

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
  class TextReading;
  class ProtobufReading;
  struct Row;
  struct Scrape;
  struct Conversion;

  /// A series that went and gets a marker.
  struct Marker {
    storage::SeriesId series = storage::SeriesId::kNone;
    bool histogram = false;
  };
  /// The exemplars that a series showed last: a hash of them as written, and the newest that was taken.
  struct ShownExemplar {
    struct Rank {
      std::int64_t ms = 0, value = 0;
      std::uint64_t labels = 0;
      auto operator<=>(const Rank&) const = default;
    };
    static Rank RankOf(const storage::Exemplar& exemplar);

    std::uint64_t hash = 0;
    std::optional<Rank> newest;
  };

  static constexpr std::size_t kReports = 8;

  std::size_t Read(const Scrape& scrape, const ScrapeBody& body);
  void BeginLines(bool convert);
  void FinishLines(bool good, Row& row);
  void ClearLines(const LineCache::Gone& gone);
  static void AddMarkers(storage::Appender& appender, TimeMs time, Row& row);
  void AddMetadata(storage::Appender& appender, const Target& target, TimeMs time) const;
  void NoteExemplars(const Row& row);
  Status AddReports(storage::Appender& appender, const ScrapeConfig& job, const Target& target,
                    const std::array<double, kReports>& values, Row& row);
  Status Commit(storage::Appender& appender, TimeMs time, const Row& row, std::size_t single_samples);

  storage::Storage& storage_;
  ScrapeMetrics& metrics_;
  TargetMetadataTable metadata_;
  LineCache lines_;
  LayoutCache layouts_;
  std::unique_ptr<Conversion> conversion_;  // of the text formats, when the target wants it
  std::vector<Marker> orphans_;             // live before Reset()
  std::unordered_map<storage::SeriesId, ShownExemplar> exemplars_;
  std::array<storage::SeriesId, kReports> reports_{};
  TimeMs last_time_;
  bool unseen_lines_ = false;   // some came whose series were not yet compared with the others
  bool shared_series_ = false;  // several lines have been one series
  bool repeats_ = false;        // a scrape named a series twice: said once per target
};

}  // namespace vedette::collector
