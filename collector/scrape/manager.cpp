#include "collector/scrape/manager.h"

#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <set>
#include <tuple>

#include "collector/discovery/discovery_metrics.h"
#include "collector/discovery/kinds.h"
#include "collector/discovery/kubernetes/clusters.h"
#include "collector/scrape/failure_logs.h"
#include "collector/scrape/fetch.h"
#include "collector/scrape/scrape_pool.h"

namespace vedette::collector {
namespace {

using PoolMap = std::map<std::string, std::shared_ptr<ScrapePool>, std::less<>>;

ScrapeEnvironment Completed(ScrapeEnvironment environment) {
  if (!environment.new_client) environment.new_client = HttpClient::Create;
  if (environment.scrape_loops.empty()) environment.scrape_loops = {&environment.io};
  return environment;
}

}  // namespace

std::string_view TargetHealthName(TargetHealth health) {
  constexpr std::array<std::string_view, 3> kNames = {"unknown", "up", "down"};
  return kNames[static_cast<std::size_t>(health)];
}

struct ScrapeManager::Impl {
  explicit Impl(ScrapeEnvironment env)
      : environment(Completed(std::move(env))),
        metrics(environment.registry),
        discovery_metrics(environment.registry),
        discovery{environment.io,    environment.workers,    environment.clock,
                  discovery_metrics, environment.new_client, &clusters},
        runtime{environment.scrape_loops,
                environment.workers,
                environment.storage,
                environment.clock,
                metrics,
                metadata,
                loops,
                failures,
                discovery} {}

  Result<std::shared_ptr<const JobSettings>> MakeSettings(const ScrapeConfig& job, const JobSettings* old) const;
  PoolMap PoolsNow() const {
    const std::lock_guard lock(mutex);
    return pools;
  }

  ScrapeEnvironment environment;
  ScrapeMetrics metrics;
  MetadataPool metadata;
  LoopCount loops;
  FailureLogs failures;
  DiscoveryMetrics discovery_metrics;
  KubernetesClusters clusters;
  const DiscoveryEnvironment discovery;
  ScrapeRuntime runtime;
  std::map<std::string, std::pair<InProcessSource, ExpositionFormat>> sources;

  std::mutex applying;   // one Apply, Start or Stop at a time
  bool started = false;  // GUARDED_BY(applying)
  bool stopped = false;  // GUARDED_BY(applying)

  mutable std::mutex mutex;
  PoolMap pools;  // GUARDED_BY(mutex); changed under `applying` as well
};

ScrapeManager::ScrapeManager(ScrapeEnvironment environment) : impl_(std::make_unique<Impl>(std::move(environment))) {}

ScrapeManager::~ScrapeManager() { Stop(); }

void ScrapeManager::RegisterSource(std::string name, InProcessSource source, ExpositionFormat format) {
  impl_->sources[std::move(name)] = {std::move(source), format};
}

/// A job whose HTTP settings stay the same keeps its client and with it the open connections.
Result<std::shared_ptr<const JobSettings>> ScrapeManager::Impl::MakeSettings(const ScrapeConfig& job,
                                                                             const JobSettings* old) const {
  auto settings = std::make_shared<JobSettings>();
  settings->config = job;
  settings->accept =
      AcceptHeader(job.scrape_protocols, job.metric_name_escaping_scheme.value_or(NameEscaping::kAllowUtf8));
  if (!job.in_process_source.empty()) {
    const auto source = sources.find(job.in_process_source);
    if (source == sources.end()) {
      return Fail(Code::kBadData, "job {}: there is no in-process source {}", Quote(job.job_name),
                  Quote(job.in_process_source));
    }
    settings->source = source->second.first;
    settings->source_format = source->second.second;
  } else if (old != nullptr && old->client && old->config.http == job.http) {
    settings->client = old->client;
  } else {
    auto client = environment.new_client(environment.io, job.http);
    if (!client) return Annotate("job " + Quote(job.job_name), std::move(client).error());
    settings->client = *std::move(client);
  }
  if (const Status valid = CheckDiscoveries(job); !valid) {
    return Annotate("job " + Quote(job.job_name), valid.error());
  }
  return std::shared_ptr<const JobSettings>(std::move(settings));
}

Status ScrapeManager::Apply(const std::vector<ScrapeConfig>& jobs) {
  const std::lock_guard applying(impl_->applying);
  if (impl_->stopped) return Fail(Code::kUnavailable, "the scrape manager has been stopped");
  const PoolMap old = impl_->PoolsNow();

  // First everything that can fail, then the change.
  std::vector<std::pair<const ScrapeConfig*, std::shared_ptr<const JobSettings>>> changes;
  std::set<std::string_view> names;
  for (const ScrapeConfig& job : jobs) {
    if (!names.insert(job.job_name).second) {
      return Fail(Code::kBadData, "found multiple scrape configs with job name {}", Quote(job.job_name));
    }
    const auto pool = old.find(job.job_name);
    const auto before = pool == old.end() ? nullptr : pool->second->settings();
    if (before && before->config == job) continue;
    VEDETTE_TRY(auto settings, impl_->MakeSettings(job, before.get()));
    changes.emplace_back(&job, std::move(settings));
  }

  VEDETTE_TRY(FailureLogs::Files failure_files, FailureLogs::Open(jobs));

  impl_->failures.Use(std::move(failure_files));
  PoolMap next;
  for (const auto& [name, pool] : old) {
    if (names.count(name) > 0) {
      next.emplace(name, pool);
    } else {
      pool->Stop(true);
    }
  }
  for (auto& [job, settings] : changes) {
    auto& pool = next[job->job_name];
    if (pool && impl_->started) {
      pool->Configure(std::move(settings));
      continue;
    }
    pool = std::make_shared<ScrapePool>(impl_->runtime, std::move(settings));
    if (impl_->started) pool->Start();
  }
  const std::lock_guard lock(impl_->mutex);
  impl_->pools = std::move(next);
  return Ok();
}

void ScrapeManager::Start() {
  const std::lock_guard applying(impl_->applying);
  if (impl_->started || impl_->stopped) return;
  impl_->started = true;
  for (const auto& [name, pool] : impl_->PoolsNow()) pool->Start();
}

void ScrapeManager::Stop() {
  const std::lock_guard applying(impl_->applying);
  if (std::exchange(impl_->stopped, true)) return;
  for (const auto& [name, pool] : impl_->PoolsNow()) pool->Stop(false);
  impl_->loops.WaitForNone();
}

TargetsView ScrapeManager::Targets(std::string_view pool) const {
  TargetsView view;
  for (const auto& [name, entry] : impl_->PoolsNow()) {
    if (pool.empty() || pool == name) entry->AppendTo(view);
  }
  return view;
}

std::vector<std::string> ScrapeManager::Pools() const {
  std::vector<std::string> names;
  for (const auto& [name, pool] : impl_->PoolsNow()) names.push_back(name);
  return names;
}

std::optional<ScrapeConfig> ScrapeManager::PoolConfig(std::string_view pool) const {
  const PoolMap pools = impl_->PoolsNow();
  const auto found = pools.find(pool);
  return found == pools.end() ? std::nullopt : std::optional(found->second->settings()->config);
}

std::vector<TargetMetadata> ScrapeManager::MetadataByTarget(const std::function<bool(const Labels&)>& match_target,
                                                            std::string_view metric, std::size_t limit) const {
  std::vector<TargetMetadata> all;
  for (const auto& [name, pool] : impl_->PoolsNow()) {
    for (const auto& loop : pool->Loops()) {
      const Labels labels = loop->labels();
      if (match_target && !match_target(labels)) continue;
      for (const SharedMetadata& metadata : loop->Metadata(metric)) {
        if (limit > 0 && all.size() >= limit) return all;
        all.push_back({labels, *metadata});
      }
    }
  }
  return all;
}

std::vector<MetricMetadata> ScrapeManager::Metadata(std::string_view metric) const {
  std::set<SharedMetadata> distinct;  // equal ones are one object
  for (const auto& [name, pool] : impl_->PoolsNow()) {
    for (const auto& loop : pool->Loops()) {
      for (SharedMetadata& metadata : loop->Metadata(metric)) distinct.insert(std::move(metadata));
    }
  }
  std::vector<MetricMetadata> all;
  for (const SharedMetadata& metadata : distinct) all.push_back(*metadata);
  std::sort(all.begin(), all.end(), [](const MetricMetadata& a, const MetricMetadata& b) {
    return std::tie(a.metric, a.type, a.help, a.unit) < std::tie(b.metric, b.type, b.help, b.unit);
  });
  return all;
}

}  // namespace vedette::collector
