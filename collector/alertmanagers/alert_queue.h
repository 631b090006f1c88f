// The alerts that wait for one Alertmanager, and the requests that take them there: one at a time.
//
// As in Prometheus nothing is sent twice: who misses a batch gets its alerts again when the rules say them again, every
// resend delay. So an Alertmanager that is slow or away costs the others nothing. Thread-safe.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <stop_token>
#include <string>

#include "collector/alertmanagers/options.h"
#include "core/http_client.h"
#include "core/result.h"

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
}  // namespace prometheus

namespace vedette::collector {

/// An alert as API v2 takes it, shared by the queues it waits in.
using AlertText = std::shared_ptr<const std::string>;

/// Of one Alertmanager.
struct AlertQueueMetrics {
  prometheus::Counter *sent, *errors, *dropped;
  prometheus::Gauge* length;
  prometheus::Histogram* seconds;
};

class AlertQueue : public std::enable_shared_from_this<AlertQueue> {
 public:
  /// `client` is shared with other queues. `idle` is called, on any thread, whenever nothing is left.
  AlertQueue(std::string url, Millis timeout, std::shared_ptr<HttpClient> client, const AlertQueueOptions& options,
             std::shared_ptr<const AlertQueueMetrics> metrics, std::function<void()> idle);

  const std::string& url() const { return url_; }

  void Add(std::span<const AlertText> alerts);
  /// Nothing waits and nothing is under way.
  bool IsIdle() const;
  /// What waits is dropped, and a request under way ends. Final.
  void Close();

 private:
  void SendNext();
  void Answered(std::size_t count, std::chrono::steady_clock::time_point started, const Result<HttpResponse>& result);
  Status StatusOf(const Result<HttpResponse>& result) const;

  const std::string url_;
  const Millis timeout_;
  const std::shared_ptr<HttpClient> client_;
  const AlertQueueOptions options_;
  const std::shared_ptr<const AlertQueueMetrics> metrics_;
  const std::function<void()> idle_;
  std::stop_source stop_;

  mutable std::mutex mutex_;  // guards what follows
  std::deque<AlertText> waiting_;
  bool sending_ = false, closed_ = false, failing_ = false;
  bool full_ = false;  // alerts were dropped since it was last empty
};

}  // namespace vedette::collector
