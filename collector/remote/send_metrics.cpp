#include "collector/remote/send_metrics.h"

#include <prometheus/registry.h>

#include "core/log.h"

namespace vedette::collector {
namespace {

auto& CounterFamily(prometheus::Registry& registry, const char* what, const char* help) {
  return prometheus::BuildCounter()
      .Name(std::string("vedette_collector_remote_write_") + what)
      .Help(help)
      .Register(registry);
}
auto& GaugeFamily(prometheus::Registry& registry, const char* what, const char* help) {
  return prometheus::BuildGauge()
      .Name(std::string("vedette_collector_remote_write_") + what)
      .Help(help)
      .Register(registry);
}
const prometheus::Histogram::BucketBoundaries kRequestSeconds{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,
                                                              2.5,   5,    10,    25,   60,  120,  300};

}  // namespace

SendMetricFamilies::SendMetricFamilies(prometheus::Registry& r)
    : samples(CounterFamily(r, "samples_total", "Samples that the remote end has taken.")),
      histograms(CounterFamily(r, "histograms_total", "Native histograms that the remote end has taken.")),
      exemplars(CounterFamily(r, "exemplars_total", "Exemplars that the remote end has taken.")),
      metadata(CounterFamily(r, "metadata_total", "Metadata entries that the remote end has taken.")),
      failed(CounterFamily(r, "samples_failed_total", "Samples that the remote end refused for good.")),
      retried(CounterFamily(r, "samples_retried_total", "Samples of requests that were tried again.")),
      dropped(CounterFamily(r, "samples_dropped_total", "Samples that were not sent, by reason.")),
      bytes(CounterFamily(r, "bytes_total", "Bytes of request bodies, compressed, that the remote end has taken.")),
      requests(CounterFamily(r, "requests_total", "Requests by result.")),
      pending(GaugeFamily(r, "samples_pending", "Samples in the queues of the shards.")),
      shards(GaugeFamily(r, "shards", "Shards that send now.")),
      shards_desired(GaugeFamily(r, "shards_desired", "Shards that the last calculation asked for.")),
      shards_max(GaugeFamily(r, "shards_max", "Most shards there may be.")),
      shards_min(GaugeFamily(r, "shards_min", "Fewest shards there may be.")),
      capacity(GaugeFamily(r, "shard_capacity", "Samples that a shard queues.")),
      highest_seen(GaugeFamily(r, "highest_timestamp_seconds", "Newest time of the samples read from the store.")),
      highest_sent(
          GaugeFamily(r, "highest_sent_timestamp_seconds", "Newest time of the samples that the end has taken.")),
      backlog_bytes(GaugeFamily(r, "backlog_bytes", "Bytes of the journal that wait to be read, about.")),
      series(GaugeFamily(r, "series", "Series whose labels are kept in the form they are sent.")),
      series_bytes(GaugeFamily(r, "series_bytes", "Bytes that these take.")),
      seconds(prometheus::BuildHistogram()
                  .Name("vedette_collector_remote_write_request_duration_seconds")
                  .Help("Time from a request to its reply.")
                  .Register(r)) {}

prometheus::Counter& SendMetrics::Reason(const char* reason) {
  auto labels = labels_;
  labels["reason"] = reason;
  return families_.dropped.Add(labels);
}

SendMetrics::SendMetrics(SendMetricFamilies& f, const std::string& name, const std::string& url)
    : families_(f),
      labels_{{"remote_name", name}, {"url", Redacted(url)}},
      samples(f.samples.Add(labels_)),
      histograms(f.histograms.Add(labels_)),
      exemplars(f.exemplars.Add(labels_)),
      metadata(f.metadata.Add(labels_)),
      failed(f.failed.Add(labels_)),
      dropped_relabelled(Reason("relabelled")),
      dropped_too_old(Reason("too_old")),
      dropped_backlog(Reason("backlog_limit")),
      dropped_unknown(Reason("unknown_series")),
      dropped_lost(Reason("lost")),
      dropped_unsupported(Reason("unsupported")),
      retried(f.retried.Add(labels_)),
      bytes(f.bytes.Add(labels_)),
      requests_ok(f.requests.Add({{"remote_name", name}, {"url", Redacted(url)}, {"result", "ok"}})),
      requests_refused(f.requests.Add({{"remote_name", name}, {"url", Redacted(url)}, {"result", "refused"}})),
      requests_failed(f.requests.Add({{"remote_name", name}, {"url", Redacted(url)}, {"result", "failed"}})),
      pending(f.pending.Add(labels_)),
      shards(f.shards.Add(labels_)),
      shards_desired(f.shards_desired.Add(labels_)),
      shards_max(f.shards_max.Add(labels_)),
      shards_min(f.shards_min.Add(labels_)),
      capacity(f.capacity.Add(labels_)),
      highest_seen(f.highest_seen.Add(labels_)),
      highest_sent(f.highest_sent.Add(labels_)),
      backlog_bytes(f.backlog_bytes.Add(labels_)),
      series(f.series.Add(labels_)),
      series_bytes(f.series_bytes.Add(labels_)),
      seconds(f.seconds.Add(labels_, kRequestSeconds)) {}

SendMetrics::~SendMetrics() {
  families_.samples.Remove(&samples);
  families_.histograms.Remove(&histograms);
  families_.exemplars.Remove(&exemplars);
  families_.metadata.Remove(&metadata);
  families_.failed.Remove(&failed);
  for (prometheus::Counter* dropped : {&dropped_relabelled, &dropped_too_old, &dropped_backlog, &dropped_unknown,
                                       &dropped_lost, &dropped_unsupported}) {
    families_.dropped.Remove(dropped);
  }
  families_.retried.Remove(&retried);
  families_.bytes.Remove(&bytes);
  for (prometheus::Counter* requests : {&requests_ok, &requests_refused, &requests_failed}) {
    families_.requests.Remove(requests);
  }
  families_.pending.Remove(&pending);
  families_.shards.Remove(&shards);
  families_.shards_desired.Remove(&shards_desired);
  families_.shards_max.Remove(&shards_max);
  families_.shards_min.Remove(&shards_min);
  families_.capacity.Remove(&capacity);
  families_.highest_seen.Remove(&highest_seen);
  families_.highest_sent.Remove(&highest_sent);
  families_.backlog_bytes.Remove(&backlog_bytes);
  families_.series.Remove(&series);
  families_.series_bytes.Remove(&series_bytes);
  families_.seconds.Remove(&seconds);
}

}  // namespace vedette::collector
