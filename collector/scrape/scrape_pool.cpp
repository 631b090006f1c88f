#include "collector/scrape/scrape_pool.h"

#include <algorithm>
#include <optional>
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

/// Under the mutex: a source that is only asked in another way now, whose targets stay until the new one knows better.
const ScrapePool::Source* ScrapePool::SameBefore(const DiscoveryConfig& wanted) const {
  for (const auto& source : sources_) {
    if (source && AskSamePlace(source->config, wanted)) return source.get();
  }
  return nullptr;
}

void ScrapePool::StartDiscoveries() {
  const std::vector<DiscoveryConfig> all = DiscoveriesOf(settings()->config);
  std::vector<std::shared_ptr<Source>> next, fresh, gone;
  {
    const std::lock_guard lock(mutex_);
    all_due_ = true;
    for (const DiscoveryConfig& wanted : all) {
      // One that is told the same goes on with what it knows.
      const auto old = std::ranges::find_if(sources_, [&](const auto& s) { return s && s->config == wanted; });
      if (old != sources_.end()) {
        next.push_back(std::move(*old));
        continue;
      }
      const auto source = std::make_shared<Source>();
      source->config = wanted;
      if (const Source* const before = SameBefore(wanted)) {
        source->known = before->known;
        source->groups = before->groups;
      }
      next.push_back(source);
      fresh.push_back(source);
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
    if (source->known) {
      known.emplace();
      for (const auto& [name, found] : source->groups) known->push_back(found.group);
    }
  }
  auto discovery = NewDiscovery(runtime_.discovery, source->config, std::move(known));
  if (!discovery) {  // what CheckDiscoveries() let pass
    LogError("collector", "a discovery cannot be made, it has no targets", {{"error", discovery.error()}});
    return Take(*source, {});
  }
  source->discovery = *std::move(discovery);
  source->discovery->Start([pool = weak_from_this(), weak = std::weak_ptr(source)](TargetUpdate update) {
    const auto self = pool.lock();
    const auto same = weak.lock();
    if (self && same) self->Take(*same, std::move(update));
  });
}

void ScrapePool::Take(const Source& source, TargetUpdate update) {
  const std::lock_guard lock(mutex_);
  const auto at = std::ranges::find(sources_, &source, &std::shared_ptr<Source>::get);
  if (at == sources_.end()) return;  // it was replaced meanwhile
  (*at)->known = true;
  std::vector<Change> changes = ChangesOf(**at, std::move(update));
  if (!all_due_) return SyncChanges(std::move(changes));
  for (Change& change : changes) (*at)->groups[change.name].group = std::move(change.group);
  SyncIfKnown();
}

/// Under the mutex: what is different from what the source said before, without its targets yet.
std::vector<ScrapePool::Change> ScrapePool::ChangesOf(Source& source, TargetUpdate update) const {
  std::vector<Change> changes;
  std::set<std::string> names;
  for (TargetGroup& group : update.groups) {
    std::string name = group.source;
    while (!names.insert(name).second) name += '\'';  // a source that says so twice means both
    const auto old = source.groups.find(name);
    if (old == source.groups.end() ? group.targets.empty() : old->second.group == group) continue;
    changes.push_back({&source, std::move(name), std::move(group), {}});
  }
  if (!update.complete) return changes;
  for (const auto& [name, found] : source.groups) {
    if (!names.contains(name)) changes.push_back({&source, name, {found.group.source, {}, {}}, {}});
  }
  return changes;
}

void ScrapePool::Stop(bool mark) {
  std::vector<std::shared_ptr<Source>> gone;  // ends after the lock
  const std::lock_guard lock(mutex_);
  gone.swap(sources_);  // late reports are nobody's
  for (const auto& [key, running] : loops_) running.loop->Stop(mark);
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
  for (const auto& [key, running] : loops_) view.active.push_back(running.loop->View());
  std::sort(view.active.begin() + static_cast<std::ptrdiff_t>(first), view.active.end(),
            [](const TargetView& a, const TargetView& b) { return a.labels < b.labels; });
  const std::size_t keep = settings_->config.keep_dropped_targets.value_or(0);
  std::size_t left = keep == 0 ? dropped_count_ : keep;
  for (const auto& source : sources_) {
    for (const auto& [group, found] : source->groups) {
      for (const Labels& labels : found.dropped) {
        if (left == 0) break;
        view.dropped.push_back({name, labels});
        --left;
      }
    }
  }
  view.dropped_counts.emplace_back(name, dropped_count_);
}

std::vector<std::shared_ptr<TargetLoop>> ScrapePool::Loops() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<TargetLoop>> loops;
  loops.reserve(loops_.size());
  for (const auto& [key, running] : loops_) loops.push_back(running.loop);
  return loops;
}

}  // namespace vedette::collector
