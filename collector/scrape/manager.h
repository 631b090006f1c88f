// Runs all scrape jobs: discovers targets, scrapes each in its own loop, and shows their state to the API.
//
// One ScrapeManager lives in the agent. app starts it, a reload calls Apply(), the API reads the views. Each loop
// runs on one of the io_contexts that are for it, from the request to the commit.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "collector/exposition/parser.h"
#include "collector/options.h"
#include "core/clock.h"
#include "core/labels.h"
#include "core/result.h"
#include "core/time.h"
#include "storage/storage.h"

namespace boost::asio {
class io_context;
class thread_pool;
}  // namespace boost::asio
namespace prometheus {
class Registry;
}

namespace vedette::collector {

enum class TargetHealth : std::uint8_t { kUnknown, kUp, kDown };
/// "unknown", "up", "down"
std::string_view TargetHealthName(TargetHealth health);

struct TargetView {
  std::string scrape_pool;  // job_name
  Labels discovered_labels;
  Labels labels;
  std::string scrape_url;
  TargetHealth health = TargetHealth::kUnknown;
  std::string last_error;
  TimeMs last_scrape;  // 0: never
  double last_scrape_seconds = 0;
  Millis scrape_interval{0};
  Millis scrape_timeout{0};
  std::size_t samples_scraped = 0;  // of the last scrape
};

struct DroppedTargetView {
  std::string scrape_pool;
  Labels discovered_labels;
};

struct TargetsView {
  std::vector<TargetView> active;                                   // by pool, then by labels
  std::vector<DroppedTargetView> dropped;                           // at most keep_dropped_targets per pool
  std::vector<std::pair<std::string, std::size_t>> dropped_counts;  // all of them, per pool
};

struct MetricMetadata {
  std::string metric;
  std::string type;  // counter, gauge, histogram, gaugehistogram, summary, info, stateset, unknown
  std::string help;
  std::string unit;
  bool operator==(const MetricMetadata&) const = default;
};

struct TargetMetadata {
  Labels target;
  MetricMetadata metadata;
};

/// Produces a page inside this process. Called on a worker thread.
using InProcessSource = std::function<std::string()>;

/// What the scrape loops need from the rest of the agent. Everything outlives the manager.
struct ScrapeEnvironment {
  boost::asio::io_context& io;
  boost::asio::thread_pool& workers;
  storage::Storage& storage;
  const Clock& clock;
  prometheus::Registry& registry;
  /// Makes the client of a job; HttpClient::Create unless a test says otherwise.
  std::function<Result<std::unique_ptr<HttpClient>>(boost::asio::io_context&, const HttpConfig&)> new_client;
  /// The targets are spread over these, each with one thread; empty: all are scraped on `io`.
  std::vector<boost::asio::io_context*> scrape_loops{};
};

/// Thread-safe.
class ScrapeManager {
 public:
  explicit ScrapeManager(ScrapeEnvironment environment);
  /// Stops.
  ~ScrapeManager();

  /// Before Start(). `name` is what ScrapeConfig::in_process_source refers to. `format`: of its pages, text (0.0.4) or
  /// protobuf.
  void RegisterSource(std::string name, InProcessSource source, ExpositionFormat format = ExpositionFormat::kText);

  /// Makes `jobs` (after CollectorOptions::Finish) the ones that run: all of them or, on an error, none. Targets that
  /// stay the same keep their rhythm and their state; targets that go get staleness markers. Errors: kBadData for a
  /// client that cannot be made or a source that nobody registered; kIo for a file of failures that cannot be opened.
  Status Apply(const std::vector<ScrapeConfig>& jobs);

  /// Begins to scrape. Apply() may come before or after.
  void Start();

  /// Stops all loops and waits for the scrapes under way. No staleness markers: a restart goes on where this ended. The
  /// io_context and the pool must still run; never call it from one of their threads.
  void Stop();

  /// `pool` empty: all.
  TargetsView Targets(std::string_view pool = {}) const;
  std::vector<std::string> Pools() const;  // sorted job names
  /// What a job was told; nothing for an unknown one.
  std::optional<ScrapeConfig> PoolConfig(std::string_view pool) const;

  /// Metadata per target, as its HELP, TYPE and UNIT lines said at its last scrapes. `metric` empty: all metrics.
  /// `limit` 0: all.
  std::vector<TargetMetadata> MetadataByTarget(const std::function<bool(const Labels&)>& match_target,
                                               std::string_view metric, std::size_t limit) const;
  /// Distinct metadata over all targets, sorted by metric.
  std::vector<MetricMetadata> Metadata(std::string_view metric = {}) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vedette::collector
