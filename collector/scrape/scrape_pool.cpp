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

/// Under the mutex: of a place that is only asked in another way now.
KnownGroups ScrapePool::KnownBefore(const DiscoveryConfig& wanted) const {
  for (const auto& source : sources_) {
    if (source && AskSamePlace(source->config, wanted)) return source->groups;
  }
  return std::nullopt;
}

void ScrapePool::StartDiscoveries() {
  const std::vector<DiscoveryConfig> all = DiscoveriesOf(settings()->config);
  std::vector<std::shared_ptr<Source>> next, fresh, gone;
  {
    const std::lock_guard lock(mutex_);
    for (const DiscoveryConfig& wanted : all) {
      // One that is told the same goes on with what it knows.
      const auto old = std::ranges::find_if(sources_, [&](const auto& s) { return s && s->config == wanted; });
      if (old != sources_.end()) {
        next.push_back(std::move(*old));
      } else {
        next.push_back(std::make_shared<Source>(wanted, nullptr, KnownBefore(wanted)));
        fresh.push_back(next.back());
      }
    }
    gone = std::exchange(sources_, std::move(next));
  }
  gone.clear();  // not under the lock, and before others begin
  for (const std::shared_ptr<Source>& source : fresh) StartDiscovery(source);
  const std::lock_guard lock(mutex_);
  SyncIfKnown();
}

void ScrapePool::StartDiscovery(const std::shared_ptr<Source>& source) {
  KnownGroups known;
  {
    const std::lock_guard lock(mutex_);
    known = source->groups;
  }
  auto discovery = NewDiscovery(runtime_.discovery, source->config, std::move(known));
  if (!discovery) {  // what CheckDiscoveries() let pass
    LogError("collector", "a discovery cannot be made, it has no targets", {{"error", discovery.error()}});
    return Take(*source, {});
  }
  source->discovery = *std::move(discovery);
  source->discovery->Start([pool = weak_from_this(), weak = std::weak_ptr(source)](std::vector<TargetGroup> groups) {
    const auto self = pool.lock();
    const auto same = weak.lock();
    if (self && same) self->Take(*same, std::move(groups));
  });
}

void ScrapePool::Take(const Source& source, std::vector<TargetGroup> groups) {
  const std::lock_guard lock(mutex_);
  const auto at = std::ranges::find(sources_, &source, &std::shared_ptr<Source>::get);
  if (at == sources_.end()) return;  // it was replaced meanwhile
  (*at)->groups = std::move(groups);
  SyncIfKnown();
}

/// Under the mutex.
void ScrapePool::SyncIfKnown() {
  const auto known = [](const std::shared_ptr<Source>& source) { return source->groups.has_value(); };
  if (!sources_.empty() && std::ranges::all_of(sources_, known)) Sync(std::exchange(reset_pending_, false));
}

/// Under the mutex: what the discoveries know becomes loops.
void ScrapePool::Sync(bool reset) {
  std::vector<TargetGroup> all;
  for (const auto& source : sources_) all.insert(all.end(), source->groups->begin(), source->groups->end());
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
  std::vector<std::shared_ptr<Source>> gone;  // ends after the lock
  const std::lock_guard lock(mutex_);
  gone.swap(sources_);  // late reports are nobody's
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
