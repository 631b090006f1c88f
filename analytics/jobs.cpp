#include "analytics/jobs.h"

#include <condition_variable>
#include <mutex>
#include <thread>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>

#include "analytics/job.h"
#include "core/log.h"

namespace vedette::analytics {
namespace {

class AnalyticsJobsImpl final : public AnalyticsJobs {
 public:
  AnalyticsJobsImpl(const AnalyticsOptions& options, RangeQuery query, storage::Storage& storage,
                    storage::StateStore& state, const Clock& clock, prometheus::Registry& registry)
      : options_(options), query_(std::move(query)), state_(state), clock_(clock) {
    if (!options_.enabled) return;
    for (const JobOptions& job : options_.jobs) {
      metrics_.push_back(std::make_unique<JobMetrics>(registry, job.name));
      const JobContext context{job, query_, storage, state, *metrics_.back()};
      jobs_.push_back(job.kind == JobKind::kAnomaly ? NewAnomalyJob(context) : NewForecastJob(context));
    }
  }
  ~AnalyticsJobsImpl() override { Stop(); }

  Status Load() {
    for (const auto& job : jobs_) VEDETTE_CHECK(job->Load());
    return DeleteForeignRows();
  }

  Status RunOnce(TimeMs now) override {
    Status first = Ok();
    for (std::size_t i = 0; i < jobs_.size(); ++i) {
      if (!Due(i, now)) continue;
      const auto start = clock_.Monotonic();
      Status status = jobs_[i]->Run(AlignDown(now, options_.jobs[i].interval));
      JobMetrics& metrics = *metrics_[i];
      metrics.runs.Increment();
      metrics.duration_seconds.Set(std::chrono::duration<double>(clock_.Monotonic() - start).count());
      tried_[i] = AlignDown(now, options_.jobs[i].interval);
      if (status) continue;
      metrics.failures.Increment();
      if (first) first = Annotate("analytics job '" + options_.jobs[i].name + "'", std::move(status).error());
    }
    if (!last_save_) last_save_ = now;
    if (now - *last_save_ < options_.save_interval) return first;
    last_save_ = now;
    const Status saved = Save();
    return first ? saved : first;
  }

  Status Save() override {
    storage::StateBatch batch;
    for (const auto& job : jobs_) job->Save(batch);
    return batch.empty() ? Ok() : state_.Write(batch);
  }

  void Start() override {
    if (jobs_.empty() || thread_.joinable()) return;
    thread_ = std::jthread([this](const std::stop_token& stop) { Loop(stop); });
  }

  void Stop() override {
    if (!thread_.joinable()) return;
    thread_.request_stop();
    thread_.join();
    const Status saved = Save();
    if (!saved) LogError("analytics", "cannot save model states", {{"error", saved.error()}});
  }

 private:
  /// Once per multiple of the interval, also after a restart.
  bool Due(std::size_t i, TimeMs now) const {
    const TimeMs slot = AlignDown(now, options_.jobs[i].interval);
    if (tried_[i] && *tried_[i] >= slot) return false;
    const auto last = jobs_[i]->LastRun();
    return !last || AlignDown(*last, options_.jobs[i].interval) < slot;
  }

  /// Rows of jobs that are no longer configured.
  Status DeleteForeignRows() {
    storage::StateBatch batch;
    VEDETTE_CHECK(state_.Scan(kModelTable, {}, [&](std::string_view key, std::string_view) {
      const std::string_view job = key.substr(0, key.find('/'));
      const auto known = [&](const JobOptions& options) { return options.name == job; };
      if (std::none_of(options_.jobs.begin(), options_.jobs.end(), known)) batch.Delete(kModelTable, key);
      return true;
    }));
    return batch.empty() ? Ok() : state_.Write(batch);
  }

  void Loop(const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any wake;
    while (!stop.stop_requested()) {
      const TimeMs now = clock_.Now();
      const Status status = RunOnce(now);
      if (!status) LogWarn("analytics", "analytics run failed", {{"error", status.error()}});
      std::unique_lock lock(mutex);
      wake.wait_for(lock, stop, UntilNext(clock_.Now()), [] { return false; });
    }
  }

  Millis UntilNext(TimeMs now) const {
    constexpr Millis kLongest = std::chrono::minutes(1);  // the wall clock may be set
    Millis wait = kLongest;
    for (const JobOptions& job : options_.jobs) {
      wait = std::min(wait, AlignDown(now, job.interval) + job.interval - now);
    }
    return wait;
  }

  const AnalyticsOptions options_;
  const RangeQuery query_;
  storage::StateStore& state_;
  const Clock& clock_;
  std::vector<std::unique_ptr<JobMetrics>> metrics_;
  std::vector<std::unique_ptr<Job>> jobs_;
  std::vector<std::optional<TimeMs>> tried_ = std::vector<std::optional<TimeMs>>(options_.jobs.size());
  std::optional<TimeMs> last_save_;
  std::jthread thread_;
};

}  // namespace

Result<std::unique_ptr<AnalyticsJobs>> AnalyticsJobs::Open(const AnalyticsOptions& options, RangeQuery query,
                                                           storage::Storage& storage, storage::StateStore& state,
                                                           const Clock& clock, prometheus::Registry& registry) {
  VEDETTE_CHECK(options.Validate());
  auto jobs = std::make_unique<AnalyticsJobsImpl>(options, std::move(query), storage, state, clock, registry);
  VEDETTE_CHECK(jobs->Load());
  return std::unique_ptr<AnalyticsJobs>(std::move(jobs));
}

}  // namespace vedette::analytics
