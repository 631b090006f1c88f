// The Alertmanagers of one section: what its discoveries find, and a queue for each.
//
// Discoveries report from worker threads, alerts come from the rules' threads. Thread-safe.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "collector/alertmanagers/alert_queue.h"
#include "collector/alertmanagers/notifier.h"
#include "collector/alertmanagers/options.h"
#include "collector/discovery/discovery.h"
#include "collector/discovery/kinds.h"

namespace vedette::collector {

class AlertmanagerSet : public std::enable_shared_from_this<AlertmanagerSet> {
 public:
  struct Environment {
    const DiscoveryEnvironment& discovery;  // outlives it
    AlertQueueOptions queue;
    std::function<std::shared_ptr<const AlertQueueMetrics>(const std::string& url)> metrics;
    std::function<void(double change)> count;  // of those that are there
    std::function<void()> idle;
  };
  AlertmanagerSet(Environment environment, const AlertmanagerConfig& config, std::shared_ptr<HttpClient> client);

  const AlertmanagerConfig& config() const { return config_; }
  /// Begins to look for them.
  void Start();
  void Add(std::span<const AlertText> alerts) const;
  bool IsIdle() const;
  /// Final.
  void Close();
  void AppendTo(Notifier::View& view) const;

 private:
  using Queues = std::map<std::string, std::shared_ptr<AlertQueue>>;  // by URL

  void Take(std::size_t source, TargetUpdate update);
  Queues Sync();
  std::vector<std::shared_ptr<AlertQueue>> QueuesNow() const;

  const Environment environment_;
  const AlertmanagerConfig config_;
  const std::shared_ptr<HttpClient> client_;
  std::vector<std::unique_ptr<Discovery>> discoveries_;

  mutable std::mutex mutex_;                                // guards what follows
  std::vector<std::map<std::string, TargetGroup>> groups_;  // of each discovery, by source
  Queues queues_;
  std::vector<std::string> dropped_;
  bool closed_ = false;
};

}  // namespace vedette::collector
