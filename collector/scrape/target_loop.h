// The life of one target: wait until it is due, fetch, read and store, again.
//
// One coroutine per target, on one io_context with one thread from the request to the commit: a scrape wakes nobody
// else. Only long pages and in-process sources go to the worker pool. Made and stopped by the scrape pool of its job,
// read by the API.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "collector/discovery/discovery.h"
#include "collector/exposition/parser.h"
#include "collector/scrape/failure_logs.h"
#include "collector/scrape/manager.h"
#include "collector/scrape/metadata.h"
#include "collector/scrape/scrape_metrics.h"
#include "collector/scrape/target.h"
#include "core/http_client.h"

namespace vedette::collector {

/// Counts the loops that run, so that Stop() can wait for the last one.
class LoopCount {
 public:
  void Begin();
  void End();
  void WaitForNone();

 private:
  std::mutex mutex_;
  std::condition_variable none_;
  std::size_t running_ = 0;  // GUARDED_BY(mutex_)
};

/// What all loops share. Outlives them.
struct ScrapeRuntime {
  std::vector<boost::asio::io_context*> ios;  // not empty; a target belongs to one of them
  boost::asio::thread_pool& workers;
  storage::Storage& storage;
  const Clock& clock;
  ScrapeMetrics& metrics;
  MetadataPool& metadata;
  LoopCount& loops;
  const FailureLogs& failures;
  const DiscoveryEnvironment& discovery;
};

/// What the loops of one job share; replaced as a whole by a reload.
struct JobSettings {
  ScrapeConfig config;
  std::string accept;                  // the Accept header
  std::shared_ptr<HttpClient> client;  // null for a job with an in-process source
  InProcessSource source;
  ExpositionFormat source_format = ExpositionFormat::kText;
  std::string refusal;  // when not empty: every scrape fails with this (target_limit)
};

class TargetLoop {
 public:
  /// Starts to scrape `target` in the rhythm that its key gives.
  static std::shared_ptr<TargetLoop> Start(ScrapeRuntime& runtime, std::string pool, Target target,
                                           std::shared_ptr<const JobSettings> settings);
  virtual ~TargetLoop() = default;

  /// From the next scrape on. The target has the same key as before. `reset`: the job has changed in a way that may
  /// give a series text other labels.
  virtual void Update(Target target, std::shared_ptr<const JobSettings> settings, bool reset) = 0;

  /// Ends the loop once the scrape under way is over. `mark`: its series get staleness markers. A request that is
  /// waiting is cut short when nobody else holds the settings' client.
  virtual void Stop(bool mark) = 0;

  virtual TargetView View() const = 0;
  virtual std::vector<SharedMetadata> Metadata(std::string_view metric) const = 0;
  virtual Labels labels() const = 0;
};

}  // namespace vedette::collector
