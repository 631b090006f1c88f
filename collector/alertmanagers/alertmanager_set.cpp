#include "collector/alertmanagers/alertmanager_set.h"

#include <algorithm>
#include <utility>

#include "core/log.h"

namespace vedette::collector {

AlertmanagerSet::AlertmanagerSet(Environment environment, const AlertmanagerConfig& config,
                                 std::shared_ptr<HttpClient> client)
    : environment_(std::move(environment)), config_(config), client_(std::move(client)) {}

void AlertmanagerSet::Start() {
  const std::vector<DiscoveryConfig> all = DiscoveriesOf(config_.found);
  groups_.resize(all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    auto discovery = NewDiscovery(environment_.discovery, all[i], std::nullopt);
    if (!discovery) {  // what CheckDiscoveries() let pass
      LogError("collector", "a discovery of Alertmanagers cannot be made", {{"error", discovery.error()}});
      continue;
    }
    discoveries_.push_back(*std::move(discovery));
    discoveries_.back()->Start([weak = weak_from_this(), i](TargetUpdate update) {
      if (const auto self = weak.lock()) self->Take(i, std::move(update));
    });
  }
}

void AlertmanagerSet::Take(std::size_t source, TargetUpdate update) {
  Queues gone;  // may die here, but not under the lock: they take their metrics with them
  std::unique_lock lock(mutex_);
  if (closed_) return;
  auto& groups = groups_[source];
  if (update.complete) groups.clear();
  for (TargetGroup& group : update.groups) {
    std::string name = group.source;
    if (update.complete) {
      while (groups.contains(name)) name += '\'';  // a source that says so twice means both
    }
    groups[name] = std::move(group);
  }
  gone = Sync();
  lock.unlock();
  for (const auto& [url, queue] : gone) queue->Close();
}

/// Under the mutex: a queue for each that is there now. Those that stay go on; the others are returned.
AlertmanagerSet::Queues AlertmanagerSet::Sync() {
  Queues next;
  dropped_.clear();
  for (const auto& groups : groups_) {
    for (const auto& [name, group] : groups) {
      for (const Labels& target : group.targets) {
        const auto found = FindAlertmanager(config_, target, group.labels);
        if (!found) {
          LogError("collector", "an Alertmanager cannot be used", {{"error", found.error()}});
        } else if (found->dropped) {
          dropped_.push_back(found->url);
        } else if (!next.contains(found->url)) {
          const auto old = queues_.find(found->url);
          next[found->url] = old != queues_.end() ? old->second
                                                  : std::make_shared<AlertQueue>(
                                                        found->url, config_.timeout, client_, environment_.queue,
                                                        environment_.metrics(found->url), environment_.idle);
        }
      }
    }
  }
  queues_.swap(next);
  environment_.count(static_cast<double>(queues_.size()) - static_cast<double>(next.size()));
  std::erase_if(next, [this](const auto& entry) { return queues_.contains(entry.first); });
  return next;
}

std::vector<std::shared_ptr<AlertQueue>> AlertmanagerSet::QueuesNow() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<AlertQueue>> out;
  for (const auto& [url, queue] : queues_) out.push_back(queue);
  return out;
}

void AlertmanagerSet::Add(std::span<const AlertText> alerts) const {
  for (const auto& queue : QueuesNow()) queue->Add(alerts);
}

bool AlertmanagerSet::IsIdle() const {
  return std::ranges::all_of(QueuesNow(), [](const auto& queue) { return queue->IsIdle(); });
}

void AlertmanagerSet::Close() {
  discoveries_.clear();
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(closed_, true)) return;
    environment_.count(-static_cast<double>(queues_.size()));
  }
  for (const auto& queue : QueuesNow()) queue->Close();
}

void AlertmanagerSet::AppendTo(Notifier::View& view) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [url, queue] : queues_) view.active.push_back(url);
  view.dropped.insert(view.dropped.end(), dropped_.begin(), dropped_.end());
}

}  // namespace vedette::collector
