#include "collector/push/remote_write.h"

#include <prometheus/counter.h>
#include <prometheus/registry.h>

#include <algorithm>
#include <atomic>

#include "collector/media_type.h"
#include "collector/push/series_cache.h"
#include "collector/push/write_request.h"
#include "core/log.h"

namespace vedette::collector {
namespace {

constexpr auto kLogEvery = std::chrono::minutes(1);

struct Metrics {
  explicit Metrics(prometheus::Registry& registry) {
    auto& by_result = Counters(registry, "vedette_collector_push_requests_total", "Remote-write requests by result.");
    ok = &by_result.Add({{"result", "ok"}});
    refused = &by_result.Add({{"result", "refused"}});
    failed = &by_result.Add({{"result", "failed"}});
    samples = &Counters(registry, "vedette_collector_push_samples_total", "Samples taken in by remote write.").Add({});
    auto& dropped = Counters(registry, "vedette_collector_push_samples_dropped_total", "Pushed samples not kept.");
    too_new = &dropped.Add({{"reason", "too_new"}});
    too_old = &dropped.Add({{"reason", "too_old"}});
    before_1970 = &dropped.Add({{"reason", "before_1970"}});
    bad_labels = &dropped.Add({{"reason", "bad_labels"}});
    series_limit = &dropped.Add({{"reason", "series_limit"}});
    native_histogram = &dropped.Add({{"reason", "native_histogram"}});
    auto& cache = Counters(registry, "vedette_collector_push_series_total", "Pushed series by how they were found.");
    cached = &cache.Add({{"way", "cached"}});
    parsed = &cache.Add({{"way", "parsed"}});
  }
  static prometheus::Family<prometheus::Counter>& Counters(prometheus::Registry& registry, const char* name,
                                                           const char* help) {
    return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
  }
  prometheus::Counter *ok, *refused, *failed, *samples;
  prometheus::Counter *too_new, *too_old, *before_1970, *bad_labels, *series_limit, *native_histogram;
  prometheus::Counter *cached, *parsed;
};

/// Samples of many series at one time come as a row, which the store takes cheaply.
class RowBuffer {
 public:
  explicit RowBuffer(storage::Appender& appender) : appender_(appender) {}

  void Add(storage::SeriesId series, TimeMs time, double value) {
    if (time != time_) Flush();
    time_ = time;
    series_.push_back(series);
    values_.push_back(value);
  }
  void Flush() {
    if (!series_.empty()) appender_.AddRow(time_, series_, values_);
    series_.clear();
    values_.clear();
  }

 private:
  storage::Appender& appender_;
  TimeMs time_;
  std::vector<storage::SeriesId> series_;
  std::vector<double> values_;
};

}  // namespace

struct RemoteWriteReceiver::Impl {
  Impl(storage::Storage& s, const Clock& c, prometheus::Registry& registry, const RemoteWriteOptions& o)
      : storage(s), clock(c), options(o), metrics(registry), cache(o.series_cache_entries) {}

  struct Batch;
  Result<storage::SeriesId> Find(PushedSeries& series, Batch& batch);
  Status Take(PushedSeries& series, Batch& batch);
  Status Commit(Batch& batch);
  void NoteHistograms(std::size_t count);

  storage::Storage& storage;
  const Clock& clock;
  const RemoteWriteOptions options;
  Metrics metrics;
  SeriesCache cache;
  std::atomic<std::int64_t> last_histogram_log_ms{0};
};

/// One request on its way into the store.
struct RemoteWriteReceiver::Impl::Batch {
  explicit Batch(const Impl& impl)
      : appender(impl.storage.NewAppender()), row(*appender), newest(impl.clock.Now() + kMaxAhead) {}

  std::unique_ptr<storage::Appender> appender;
  RowBuffer row;
  const TimeMs newest;
  RemoteWriteOutcome outcome;
  std::size_t out_of_bounds = 0;
  std::string example;  // one series that had such a sample
};

/// kNone: the series is skipped.
Result<storage::SeriesId> RemoteWriteReceiver::Impl::Find(PushedSeries& series, Batch& batch) {
  const SeriesCache::Key key = cache.KeyOf(series.label_bytes);
  if (const storage::SeriesId known = cache.Find(key); known != storage::SeriesId::kNone) {
    metrics.cached->Increment();
    return known;
  }
  metrics.parsed->Increment();
  VEDETTE_CHECK(series.ReadLabels());
  if (!NormalizeLabels(series.labels)) {
    metrics.bad_labels->Increment(static_cast<double>(series.samples.size()));
    return storage::SeriesId::kNone;
  }
  const auto id = batch.appender->Series(Labels::FromSorted(series.labels));
  if (id) {
    cache.Add(key, *id);
    return *id;
  }
  if (id.error().code != Code::kLimit && id.error().code != Code::kBadData) return id.error();
  auto* const counter = id.error().code == Code::kLimit ? metrics.series_limit : metrics.bad_labels;
  counter->Increment(static_cast<double>(series.samples.size()));
  return storage::SeriesId::kNone;
}

Status RemoteWriteReceiver::Impl::Take(PushedSeries& series, Batch& batch) {
  ++batch.outcome.series;
  if (series.histograms > 0) {
    NoteHistograms(series.histograms);
    batch.outcome.dropped_samples += series.histograms;
    if (series.samples.empty()) return Ok();
  }
  VEDETTE_TRY(const storage::SeriesId id, Find(series, batch));
  if (id == storage::SeriesId::kNone) {
    ++batch.outcome.skipped_series;
    batch.outcome.dropped_samples += series.samples.size();
    return Ok();
  }
  for (const storage::Sample& sample : series.samples) {
    if (sample.time >= TimeMs(0) && sample.time <= batch.newest) {
      batch.row.Add(id, sample.time, sample.value);
      ++batch.outcome.samples;
      continue;
    }
    (sample.time < TimeMs(0) ? metrics.before_1970 : metrics.too_new)->Increment();
    ++batch.out_of_bounds;
    if (batch.example.empty() && series.ReadLabels() && NormalizeLabels(series.labels)) {
      batch.example = Labels::FromSorted(series.labels).ToString();
    }
  }
  return Ok();
}

Status RemoteWriteReceiver::Impl::Commit(Batch& batch) {
  batch.row.Flush();
  VEDETTE_TRY(const storage::AppendOutcome outcome, batch.appender->Commit());
  const std::size_t lost = outcome.too_old + outcome.too_new;
  batch.outcome.samples -= std::min(batch.outcome.samples, lost);
  metrics.too_old->Increment(static_cast<double>(outcome.too_old));
  metrics.too_new->Increment(static_cast<double>(outcome.too_new));
  metrics.samples->Increment(static_cast<double>(batch.outcome.samples));
  if (outcome.unknown > 0) {
    cache.Clear();
    return Fail(Code::kUnavailable, "{} samples of series that the store has forgotten: send them again",
                outcome.unknown);
  }
  batch.out_of_bounds += lost;
  batch.outcome.dropped_samples += batch.out_of_bounds;
  if (batch.out_of_bounds == 0) return Ok();
  return Fail(Code::kBadData,
              "out of bounds: {} samples are older than the retention or too far in the future and were dropped{}{}",
              batch.out_of_bounds, batch.example.empty() ? "" : ", for instance of ", batch.example);
}

void RemoteWriteReceiver::Impl::NoteHistograms(std::size_t count) {
  metrics.native_histogram->Increment(static_cast<double>(count));
  const std::int64_t now = clock.Now().ms;
  std::int64_t last = last_histogram_log_ms.load();
  if (now - last < Millis(kLogEvery).count() || !last_histogram_log_ms.compare_exchange_strong(last, now)) return;
  LogWarn("collector", "native histograms by remote write are not stored", {{"dropped", count}});
}

RemoteWriteReceiver::RemoteWriteReceiver(storage::Storage& storage, const Clock& clock, prometheus::Registry& registry,
                                         const RemoteWriteOptions& options)
    : impl_(std::make_unique<Impl>(storage, clock, registry, options)) {}

RemoteWriteReceiver::~RemoteWriteReceiver() = default;

Result<RemoteWriteOutcome> RemoteWriteReceiver::Ingest(std::string_view compressed) {
  Impl::Batch batch(*impl_);
  const auto run = [&]() -> Status {
    VEDETTE_TRY(const std::string message, DecompressSnappy(compressed, impl_->options.max_decoded_bytes));
    VEDETTE_CHECK(ReadWriteRequest(message, [&](PushedSeries& series) { return impl_->Take(series, batch); }));
    return impl_->Commit(batch);
  };
  const Status status = run();
  if (status) {
    impl_->metrics.ok->Increment();
    return batch.outcome;
  }
  const bool senders_fault = status.error().code == Code::kBadData || status.error().code == Code::kLimit;
  (senders_fault ? impl_->metrics.refused : impl_->metrics.failed)->Increment();
  return status.error();
}

std::optional<PushRefusal> CheckRemoteWriteHeaders(std::string_view method, std::string_view content_type,
                                                   std::string_view content_encoding) {
  if (method != "POST") return PushRefusal{405, "remote write takes POST only"};
  const std::string media = MediaType(content_type);
  if (!media.empty() && media != "application/x-protobuf") {
    return PushRefusal{415, fmt::format("unsupported content type {}", Quote(content_type.substr(0, 200)))};
  }
  const std::string message = MediaParameter(content_type, "proto");
  if (!message.empty() && message != "prometheus.writerequest") {
    return PushRefusal{415, fmt::format("protobuf message {} is not accepted by this server; only "
                                        "prometheus.WriteRequest is",
                                        Quote(std::string_view(message).substr(0, 200)))};
  }
  const std::string encoding = NormalizedToken(content_encoding);
  if (!encoding.empty() && encoding != "snappy") {
    return PushRefusal{415, fmt::format("{} encoding (compression) is not accepted by this server; only snappy is",
                                        Quote(std::string_view(encoding).substr(0, 200)))};
  }
  return std::nullopt;
}

}  // namespace vedette::collector
