#include "collector/scrape/scrape_pool.h"

#include <prometheus/gauge.h>

#include <algorithm>
#include <set>

#include "core/log.h"

namespace vedette::collector {
namespace {

/// Whether a series text may name another series, or be refused, under the new settings.
bool ChangesSeries(const ScrapeConfig& a, const ScrapeConfig& b) {
  return a.honor_labels != b.honor_labels || a.metric_relabel_configs != b.metric_relabel_configs ||
         a.metric_name_validation_scheme != b.metric_name_validation_scheme || a.label_limit != b.label_limit ||
         a.label_name_length_limit != b.label_name_length_limit ||
         a.label_value_length_limit != b.label_value_length_limit;
}

}  // namespace

ScrapePool::ScrapePool(ScrapeRuntime& runtime, std::shared_ptr<const JobSettings> settings)
    : runtime_(runtime), settings_(std::move(settings)) {}

std::shared_ptr<const JobSettings> ScrapePool::settings() const {
  const std::lock_guard lock(mutex_);
  return settings_;
}

void ScrapePool::Start() { StartDiscoveries(); }

void ScrapePool::Configure(std::shared_ptr<const JobSettings> settings) {
  {
    const std::lock_guard lock(mutex_);
    reset_pending_ = reset_pending_ || ChangesSeries(settings_->config, settings->config);
    settings_ = std::move(settings);
  }
  StartDiscoveries();
}

void ScrapePool::StartDiscoveries() {
  std::vector<std::unique_ptr<Discovery>> fresh;
  const std::shared_ptr<const JobSettings> now = settings();
  const ScrapeConfig& config = now->config;
  fresh.push_back(NewStaticDiscovery(config.static_configs));
  for (const FileSdConfig& files : config.file_sd_configs) {
    fresh.push_back(NewFileDiscovery(runtime_.io, runtime_.workers, files, *runtime_.metrics.file_read_failures));
  }
  std::size_t generation = 0;
  {
    const std::lock_guard lock(mutex_);
    generation = ++generation_;
    groups_.assign(fresh.size(), std::nullopt);
  }
  discoveries_ = std::move(fresh);
  for (std::size_t i = 0; i < discoveries_.size(); ++i) {
    discoveries_[i]->Start([weak = weak_from_this(), generation, i](std::vector<TargetGroup> groups) {
      if (const auto self = weak.lock()) self->Take(generation, i, std::move(groups));
    });
  }
}

void ScrapePool::Take(std::size_t generation, std::size_t discovery, std::vector<TargetGroup> groups) {
  const std::lock_guard lock(mutex_);
  if (generation != generation_) return;  // of discoveries that were replaced meanwhile
  groups_[discovery] = std::move(groups);
  const bool all = std::all_of(groups_.begin(), groups_.end(), [](const auto& found) { return found.has_value(); });
  if (all) Sync(std::exchange(reset_pending_, false));
}

/// Under the mutex: what the discoveries know becomes loops.
void ScrapePool::Sync(bool reset) {
  std::vector<TargetGroup> all;
  for (const auto& groups : groups_) all.insert(all.end(), groups->begin(), groups->end());
  const ScrapeConfig config = settings_->config;
  TargetSet set = MakeTargets(config, all);
  if (!set.errors.empty()) {
    LogWarn("collector", "targets not usable", {{"targets", set.errors.size()}, {"first", set.errors.front()}});
  }

  const std::size_t limit = config.target_limit.value_or(0);
  std::string refusal;
  if (limit > 0 && set.active.size() > limit) {
    refusal = fmt::format("target_limit exceeded (number of targets: {}, limit: {})", set.active.size(), limit);
    LogWarn("collector", "job over its target limit", {{"job", config.job_name}, {"targets", set.active.size()}});
  }
  if (refusal != settings_->refusal) {
    auto changed = std::make_shared<JobSettings>(*settings_);
    changed->refusal = refusal;
    settings_ = std::move(changed);
  }
  const std::size_t active_before = loops_.size();
  const std::size_t dropped_before = std::exchange(dropped_count_, set.dropped.size());
  const std::size_t keep = config.keep_dropped_targets.value_or(0);
  if (keep > 0 && set.dropped.size() > keep) set.dropped.resize(keep);
  dropped_ = std::move(set.dropped);
  SyncLoops(std::move(set.active), reset);
  CountTargets(active_before, dropped_before);
}

void ScrapePool::SyncLoops(std::vector<Target> targets, bool reset) {
  std::set<std::uint64_t> wanted;
  for (Target& target : targets) {
    const std::uint64_t key = target.Key();
    wanted.insert(key);
    auto& loop = loops_[key];
    if (loop) {
      loop->Update(std::move(target), settings_, reset);
    } else {
      loop = TargetLoop::Start(runtime_, settings_->config.job_name, std::move(target), settings_);
    }
  }
  std::erase_if(loops_, [&](const auto& entry) {
    if (wanted.count(entry.first) > 0) return false;
    entry.second->Stop(true);
    return true;
  });
}

void ScrapePool::Stop(bool mark) {
  discoveries_.clear();
  const std::lock_guard lock(mutex_);
  ++generation_;  // late reports are nobody's
  for (const auto& [key, loop] : loops_) loop->Stop(mark);
  const std::size_t active_before = loops_.size();
  const std::size_t dropped_before = std::exchange(dropped_count_, 0);
  loops_.clear();
  CountTargets(active_before, dropped_before);
  // Whoever holds the settings holds the client, and requests under way live as long as that.
  auto idle = std::make_shared<JobSettings>(*settings_);
  idle->client.reset();
  settings_ = std::move(idle);
}

void ScrapePool::AppendTo(TargetsView& view) const {
  const std::lock_guard lock(mutex_);
  const std::string& name = settings_->config.job_name;
  const std::size_t first = view.active.size();
  for (const auto& [key, loop] : loops_) view.active.push_back(loop->View());
  std::sort(view.active.begin() + static_cast<std::ptrdiff_t>(first), view.active.end(),
            [](const TargetView& a, const TargetView& b) { return a.labels < b.labels; });
  for (const Labels& labels : dropped_) view.dropped.push_back({name, labels});
  view.dropped_counts.emplace_back(name, dropped_count_);
}

std::vector<std::shared_ptr<TargetLoop>> ScrapePool::Loops() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<TargetLoop>> loops;
  loops.reserve(loops_.size());
  for (const auto& [key, loop] : loops_) loops.push_back(loop);
  return loops;
}

void ScrapePool::CountTargets(std::size_t active_before, std::size_t dropped_before) const {
  const auto change = [](std::size_t before, std::size_t after) {
    return static_cast<double>(after) - static_cast<double>(before);
  };
  runtime_.metrics.targets_active->Increment(change(active_before, loops_.size()));
  runtime_.metrics.targets_dropped->Increment(change(dropped_before, dropped_count_));
}

}  // namespace vedette::collector
