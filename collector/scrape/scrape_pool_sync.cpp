// From the groups that the discoveries of a job know to the loops of its targets.
#include <prometheus/gauge.h>

#include <algorithm>
#include <set>

#include "collector/scrape/scrape_pool.h"
#include "core/log.h"

namespace vedette::collector {
namespace {

/// `changes` have target sets.
template <class Changes>
void LogTargetErrors(const Changes& changes) {
  std::size_t count = 0;
  const Error* first = nullptr;
  for (const auto& change : changes) {
    if (first == nullptr && !change.targets.errors.empty()) first = &change.targets.errors.front();
    count += change.targets.errors.size();
  }
  if (first != nullptr) LogWarn("collector", "targets not usable", {{"targets", count}, {"first", *first}});
}

}  // namespace

/// Under the mutex.
void ScrapePool::SyncIfKnown() {
  if (sources_.empty() || !std::ranges::all_of(sources_, &Source::known)) return;
  all_due_ = false;
  SyncAll(std::exchange(reset_pending_, false));
}

/// Under the mutex: everything the discoveries know becomes loops, after the job's settings of now.
void ScrapePool::SyncAll(bool reset) {
  std::vector<Change> all;
  std::set<std::uint64_t> keys;
  for (const auto& source : sources_) {
    for (auto& [name, found] : source->groups) {
      all.push_back({source.get(), name, found.group, MakeTargets(settings_->config, {&found.group, 1})});
      for (const Target& target : all.back().targets.active) keys.insert(target.Key());
    }
  }
  LogTargetErrors(all);
  SetRefusal(keys.size());
  const std::size_t active_before = loops_.size(), dropped_before = std::exchange(dropped_count_, 0);
  for (const auto& source : sources_) source->groups.clear();
  for (auto& [key, running] : loops_) running.groups = 0;
  for (Change& change : all) Adopt(std::move(change), reset);
  StopUnused();
  CountTargets(active_before, dropped_before);
}

/// Under the mutex: some groups are others now. Costs as much as these have targets.
void ScrapePool::SyncChanges(std::vector<Change> changes) {
  for (Change& change : changes) change.targets = MakeTargets(settings_->config, {&change.group, 1});
  LogTargetErrors(changes);
  const bool refusal_changed = SetRefusal(CountAfter(changes));
  const std::size_t active_before = loops_.size(), dropped_before = dropped_count_;
  std::vector<std::uint64_t> released;
  for (const Change& change : changes) Release(change, released);
  for (Change& change : changes) Adopt(std::move(change), false);
  for (const std::uint64_t key : released) {
    const auto running = loops_.find(key);
    if (running == loops_.end() || running->second.groups > 0) continue;
    running->second.loop->Stop(true);
    loops_.erase(running);
  }
  CountTargets(active_before, dropped_before);
  if (refusal_changed) SyncAll(false);  // every loop has to know
}

/// Under the mutex: how many targets there will be.
std::size_t ScrapePool::CountAfter(const std::vector<Change>& changes) const {
  std::map<std::uint64_t, std::ptrdiff_t> more;
  for (const Change& change : changes) {
    const auto old = change.source->groups.find(change.name);
    if (old != change.source->groups.end()) {
      for (const std::uint64_t key : old->second.active) --more[key];
    }
    for (const Target& target : change.targets.active) ++more[target.Key()];
  }
  std::size_t count = loops_.size();
  for (const auto& [key, difference] : more) {
    const auto running = loops_.find(key);
    const std::ptrdiff_t now = running == loops_.end() ? 0 : static_cast<std::ptrdiff_t>(running->second.groups);
    if (now == 0 && difference > 0) ++count;
    if (now > 0 && now + difference == 0) --count;
  }
  return count;
}

/// Under the mutex. Whether the settings are others now.
bool ScrapePool::SetRefusal(std::size_t targets) {
  const ScrapeConfig& config = settings_->config;
  const std::size_t limit = config.target_limit.value_or(0);
  std::string refusal;
  if (limit > 0 && targets > limit) {
    refusal = fmt::format("target_limit exceeded (number of targets: {}, limit: {})", targets, limit);
  }
  if (refusal == settings_->refusal) return false;
  if (!refusal.empty()) {
    LogWarn("collector", "job over its target limit", {{"job", config.job_name}, {"targets", targets}});
  }
  auto changed = std::make_shared<JobSettings>(*settings_);
  changed->refusal = std::move(refusal);
  settings_ = std::move(changed);
  return true;
}

/// Under the mutex: the group is about to be replaced. Its targets are the next group's, or `keys` says who nobody has.
void ScrapePool::Release(const Change& change, std::vector<std::uint64_t>& keys) {
  const auto old = change.source->groups.find(change.name);
  if (old == change.source->groups.end()) return;
  for (const std::uint64_t key : old->second.active) {
    --loops_.at(key).groups;
    keys.push_back(key);
  }
  dropped_count_ -= old->second.dropped.size();
}

/// Under the mutex: loops for the targets of a group, whose old ones were released.
void ScrapePool::Adopt(Change change, bool reset) {
  Groups& groups = change.source->groups;
  if (change.group.targets.empty()) {
    groups.erase(change.name);
    return;
  }
  Found& found = groups[change.name];
  found = {std::move(change.group), {}, std::move(change.targets.dropped)};
  dropped_count_ += found.dropped.size();
  for (Target& target : change.targets.active) {
    const std::uint64_t key = target.Key();
    found.active.push_back(key);
    Running& running = loops_[key];
    if (running.groups++ > 0) continue;  // another group has the same target
    if (running.loop) {
      running.loop->Update(std::move(target), settings_, reset);
    } else {
      running.loop = TargetLoop::Start(runtime_, settings_->config.job_name, std::move(target), settings_);
    }
  }
}

/// Under the mutex.
void ScrapePool::StopUnused() {
  std::erase_if(loops_, [](const auto& entry) {
    if (entry.second.groups > 0) return false;
    entry.second.loop->Stop(true);
    return true;
  });
}

void ScrapePool::CountTargets(std::size_t active_before, std::size_t dropped_before) const {
  const auto change = [](std::size_t before, std::size_t after) {
    return static_cast<double>(after) - static_cast<double>(before);
  };
  runtime_.metrics.targets_active->Increment(change(active_before, loops_.size()));
  runtime_.metrics.targets_dropped->Increment(change(dropped_before, dropped_count_));
}

}  // namespace vedette::collector
