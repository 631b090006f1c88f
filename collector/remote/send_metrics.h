// What remote write says about itself: Prometheus' prometheus_remote_storage_* under our names, one set for each end.
#pragma once

#include <map>
#include <string>

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>

namespace prometheus {
class Registry;
}

namespace vedette::collector {

/// The families. Lives as long as the registry.
struct SendMetricFamilies {
  explicit SendMetricFamilies(prometheus::Registry& registry);

  prometheus::Family<prometheus::Counter>&samples, &histograms, &exemplars, &metadata, &failed, &retried, &dropped,
      &bytes, &requests;
  prometheus::Family<prometheus::Gauge>&pending, &shards, &shards_desired, &shards_max, &shards_min, &capacity,
      &highest_seen, &highest_sent, &backlog_bytes, &series, &series_bytes;
  prometheus::Family<prometheus::Histogram>& seconds;
};

/// Those of one end; they go with it.
class SendMetrics {
 public:
  SendMetrics(SendMetricFamilies& families, const std::string& name, const std::string& url);
  ~SendMetrics();
  SendMetrics(const SendMetrics&) = delete;
  SendMetrics& operator=(const SendMetrics&) = delete;

 private:
  SendMetricFamilies& families_;
  std::map<std::string, std::string> labels_;

  prometheus::Counter& Reason(const char* reason);

 public:
  // Taken by the end: 2xx.
  prometheus::Counter &samples, &histograms, &exemplars, &metadata;
  // Not taken, and never will be: the dead letters. `failed` counts what the end refused, by the others nobody was
  // asked.
  prometheus::Counter& failed;
  prometheus::Counter &dropped_relabelled, &dropped_too_old, &dropped_backlog, &dropped_unknown, &dropped_lost,
      &dropped_unsupported;
  prometheus::Counter &retried, &bytes;  // samples of requests that are tried again; bytes of request bodies
  prometheus::Counter &requests_ok, &requests_refused, &requests_failed;
  prometheus::Gauge &pending, &shards, &shards_desired, &shards_max, &shards_min, &capacity;
  prometheus::Gauge &highest_seen, &highest_sent;  // seconds
  prometheus::Gauge &backlog_bytes, &series, &series_bytes;
  prometheus::Histogram& seconds;
};

}  // namespace vedette::collector
