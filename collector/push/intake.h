// Where everything that is pushed meets: one Intake per agent, one PushBatch per request.
//
// A batch takes what is good and remembers what is not: the sender is told, and the rest is stored. Memory is bounded
// twice: by what one request may take, and by what all requests under way may take together (PushOptions).
// Thread-safe: requests run beside each other, each with a batch of its own.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "collector/options.h"
#include "collector/push/row_collector.h"
#include "collector/push/series_cache.h"
#include "core/clock.h"
#include "core/labels.h"
#include "core/result.h"
#include "storage/storage.h"

namespace prometheus {
class Registry;
}

namespace vedette::collector {

struct PushMetrics;
/// Values of the label `protocol` of our own metrics.
enum class PushProtocol : std::uint8_t { kRemoteWrite1, kRemoteWrite2, kOtlp, kPushgateway, kInflux, kGraphite };
/// Values of the label `reason`.
enum class PushDrop : std::uint8_t {
  kTooNew,
  kTooOld,
  kBefore1970,
  kBadLabels,
  kSeriesLimit,
  kBadHistogram,
  kBadExemplar,
  kNotANumber,   // strings and booleans of protocols that have them
  kTemporality,  // OTLP metrics that are not cumulative
  kBadLine,
};

/// What became of one request.
struct PushOutcome {
  /// kBadData, kLimit: something in it is refused, and the message says what. What is counted below is stored
  /// nevertheless. Other codes: nothing is stored, and the request may be sent again.
  Status status = Ok();
  std::size_t series = 0;
  std::size_t samples = 0, histograms = 0, exemplars = 0;  // accepted: stored now or already there
  std::size_t skipped_series = 0;                          // that no labels name, or that are too many
  std::size_t dropped = 0;                                 // samples and histograms
};

/// The HTTP status of an answer with `status` as PushOutcome has it: senders repeat what got 503 (answered with
/// Retry-After) and give up on 4xx.
int PushHttpStatus(const Status& status, int good);

/// A count of bytes that many share.
class ByteBudget {
 public:
  explicit ByteBudget(std::size_t limit) : limit_(limit) {}
  bool Take(std::size_t bytes);
  void Give(std::size_t bytes) { taken_ -= bytes; }
  std::size_t taken() const { return taken_; }

 private:
  const std::size_t limit_;
  std::atomic<std::size_t> taken_{0};
};

/// A statement about a series or a family: two hashes.
struct Said {
  SeriesCache::Key about;
  std::uint64_t what = 1;  // not 0
};

class Intake {
 public:
  Intake(storage::Storage& storage, const Clock& clock, prometheus::Registry& registry, const PushOptions& options);
  ~Intake();

  const PushOptions& options() const { return options_; }
  SeriesCache& series_cache() { return series_; }
  /// Of all requests under way: what their bodies take, and what is made of them.
  const std::shared_ptr<ByteBudget>& budget() const { return budget_; }
  const Clock& clock() const { return clock_; }
  /// Whether this was the last that was said about it, and is stored.
  bool Knows(const Said& said) { return metadata_.Find(said.about) == storage::SeriesId{said.what}; }
  PushMetrics& metrics() { return *metrics_; }

 private:
  friend class PushBatch;

  storage::Storage& storage_;
  const Clock& clock_;
  const PushOptions options_;
  std::unique_ptr<PushMetrics> metrics_;
  SeriesCache series_;    // keys: labels as a protocol writes them
  SeriesCache metadata_;  // from Said::about to Said::what
  const std::shared_ptr<ByteBudget> budget_;
};

class PushBatch {
 public:
  PushBatch(Intake& intake, PushProtocol protocol);
  ~PushBatch();
  PushBatch(const PushBatch&) = delete;
  PushBatch& operator=(const PushBatch&) = delete;

  /// The request takes this much more memory. Errors: kLimit when it is too much for one request, kUnavailable when
  /// others hold too much now.
  Status Charge(std::size_t bytes) {
    if (bytes > reserved_) return ChargeMore(bytes);
    reserved_ -= bytes;
    return Ok();
  }

  /// kNone when the key is not known.
  storage::SeriesId Find(const SeriesCache::Key& key);
  /// The series of good labels, known under `key` from now on; kNone when the store does not take it, which is noted as
  /// `weight` lost samples. Errors: those of the medium.
  Result<storage::SeriesId> Series(const Labels& labels, const SeriesCache::Key* key, std::size_t weight);
  /// The same for a series that must be there already; kNone when it is not.
  storage::SeriesId KnownSeries(const Labels& labels, const SeriesCache::Key& key);

  /// Whether the store takes samples of this time, which is said before they are added.
  bool InTime(TimeMs time) const { return time >= TimeMs(0) && time <= newest_; }
  /// The sample is `InTime`. Cheap when series after series has the same times, or many have one time.
  void Add(storage::SeriesId series, TimeMs time, double value) {
    rows_.Add(series, time, value);
    ++outcome_.samples;
  }
  void AddHistogram(storage::SeriesId series, TimeMs time, Histogram histogram);
  void AddExemplar(storage::SeriesId series, storage::Exemplar exemplar);
  void AddStart(storage::SeriesId series, TimeMs time, TimeMs start);
  /// Said again, it costs a look-up.
  void SetMetadata(const Said& said, const Labels& target, std::string_view family, storage::MetricInfo info);

  /// Once the batch is stored, Intake::Knows() it.
  void Remember(const Said& said) { said_.push_back(said); }

  /// Counts what is not stored.
  void Drop(PushDrop reason, std::size_t count = 1);
  void SkipSeries() { ++outcome_.skipped_series; }
  void CountSeries() { ++outcome_.series; }
  /// Something that the sender is told: "out of bounds for series {...}".
  void Complain(std::string text);
  /// Of a sample whose time is not InTime(): counts and complains. `series`: what it is called.
  void DropOutOfBounds(TimeMs time, std::string_view series);
  /// Whether Complain() still keeps texts: making them costs.
  bool Listens() const { return complaints_ < kMaxComplaints; }

  /// Stores what was added; nothing when `failed` says why the request as a whole is not to be taken.
  PushOutcome Finish(Status failed = Ok());

 private:
  static constexpr std::size_t kMaxComplaints = 10;

  Status ChargeMore(std::size_t bytes);
  Status Commit();

  Intake& intake_;
  const PushProtocol protocol_;
  std::unique_ptr<storage::Appender> appender_;
  RowCollector rows_;
  const TimeMs now_, newest_;
  std::size_t charged_ = 0;
  std::size_t reserved_ = 0;             // of what was charged, not used yet
  std::size_t cached_ = 0, parsed_ = 0;  // series
  std::vector<Said> said_;
  std::unordered_set<std::uint64_t> set_;  // of SetMetadata(), each once
  PushOutcome outcome_;
  std::string complaint_;
  std::size_t complaints_ = 0;
  Code complaint_code_ = Code::kBadData;
};

}  // namespace vedette::collector
