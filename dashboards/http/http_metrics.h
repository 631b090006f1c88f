// What the web server counts about itself. Thread-safe.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

namespace vedette::dashboards {

class HttpMetrics {
 public:
  explicit HttpMetrics(prometheus::Registry& registry);

  /// `pattern`: the route's, which must live as long as this; "other" for paths that no route has.
  void Answered(std::string_view pattern, int status, double seconds, std::size_t body_bytes);
  /// `reason`: one of "max_connections", "malformed", "too_large", "timeout", "method".
  void Refused(std::string_view reason);
  /// The client left before its answer was complete.
  void HungUp() { hung_up_.Increment(); }

  prometheus::Gauge& connections;

 private:
  prometheus::Family<prometheus::Counter>& requests_;
  prometheus::Family<prometheus::Histogram>& durations_;
  prometheus::Family<prometheus::Counter>& refused_;
  prometheus::Counter& hung_up_;
  prometheus::Counter& sent_bytes_;

  std::mutex mutex_;
  std::map<std::pair<std::string_view, int>, prometheus::Counter*> by_code_;  // guarded by mutex_
  std::map<std::string_view, prometheus::Histogram*> by_pattern_;             // guarded by mutex_
};

}  // namespace vedette::dashboards
