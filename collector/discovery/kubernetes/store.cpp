#include "collector/discovery/kubernetes/store.h"

#include <algorithm>

#include "collector/discovery/discovery_task.h"
#include "collector/discovery/kubernetes/groups.h"

namespace vedette::collector::kube {
namespace {

std::string UseKey(Resource resource, const std::string& key) {
  return static_cast<char>('a' + static_cast<int>(resource)) + key;
}

std::vector<Resource> Needed(const KubernetesSdConfig& config) {
  const KubernetesRole role = config.role;
  std::vector<Resource> out = {ResourceOf(role)};
  const bool endpoints = role == KubernetesRole::kEndpoints || role == KubernetesRole::kEndpointSlice;
  const bool pods = endpoints || role == KubernetesRole::kPod;
  if (endpoints) out.insert(out.end(), {Resource::kServices, Resource::kPods});
  if (pods && config.attach.node) out.push_back(Resource::kNodes);
  if (role != KubernetesRole::kNode && config.attach.namespace_labels) out.push_back(Resource::kNamespaces);
  if (pods && config.attach.deployment) out.push_back(Resource::kReplicaSets);
  if (pods && config.attach.cronjob) out.push_back(Resource::kJobs);
  return out;
}

}  // namespace

Store::Store(const KubernetesSdConfig& config, std::vector<std::string> namespaces)
    : attach_(config.attach), primary_(ResourceOf(config.role)) {
  if (namespaces.empty()) namespaces.emplace_back();
  for (const Resource resource : Needed(config)) {
    if (!InfoOf(resource).namespaced) {
      unlisted_.insert({resource, ""});
      continue;
    }
    for (const std::string& ns : namespaces) unlisted_.insert({resource, ns});
  }
  watched_.assign(unlisted_.begin(), unlisted_.end());
  for (const Watched& watched : unlisted_) ++unlisted_in_[watched.ns];
}

Store::Change Store::Put(Resource resource, Object object) {
  std::string key = object.Key();
  const auto [at, added] = Of(resource).try_emplace(std::move(key));
  if (!added && at->second == object.body) return Change::kNone;
  at->second = std::move(object.body);
  Touch(resource, at->first);
  return added ? Change::kAdded : Change::kUpdated;
}

Store::Change Store::Erase(Resource resource, const std::string& key) {
  if (Of(resource).erase(key) == 0) return Change::kNone;
  Touch(resource, key);
  return Change::kDeleted;
}

std::size_t Store::KeepOnly(const Watched& watched, const std::unordered_set<std::string>& keys) {
  const std::string prefix = watched.ns.empty() ? "" : watched.ns + "/";
  return std::erase_if(Of(watched.resource), [&](const auto& entry) {
    if (!entry.first.starts_with(prefix) || keys.contains(entry.first)) return false;
    Touch(watched.resource, entry.first);
    return true;
  });
}

void Store::Touch(Resource resource, const std::string& key) {
  if (resource == primary_) Due(key);
  const auto users = users_.find(UseKey(resource, key));
  if (users == users_.end()) return;
  for (const std::string& user : users->second) Due(user);
}

bool Store::Ready(std::string_view key) const {
  if (unlisted_in_.empty()) return true;
  return !unlisted_in_.contains(std::string_view()) && !unlisted_in_.contains(key.substr(0, key.find('/')));
}

void Store::SetListed(const Watched& watched) {
  if (unlisted_.erase(watched) == 0) return;
  const auto left = unlisted_in_.find(watched.ns);
  if (--left->second > 0) return;
  unlisted_in_.erase(left);
  for (auto at = waiting_.begin(); at != waiting_.end();) {
    const auto key = at++;
    if (Ready(*key)) due_.insert(waiting_.extract(key));
  }
}

std::vector<TargetGroup> Store::TakeChanges() {
  std::vector<TargetGroup> out;
  for (const std::string& key : due_) {
    std::vector<std::string> uses;
    Limit(key, out.emplace_back(Make(key, uses)));
    NoteUses(key, std::move(uses));
  }
  due_.clear();
  return out;
}

std::vector<TargetGroup> Store::AllGroups() {
  std::vector<TargetGroup> out;
  out.reserve(target_counts_.size());
  for (const auto& [key, count] : target_counts_) {
    std::vector<std::string> uses;  // as noted
    out.push_back(Make(key, uses));
  }
  return out;
}

TargetGroup Store::Make(const std::string& key, std::vector<std::string>& uses) {
  const Find find = [&](Resource resource, const std::string& other) -> const Body* {
    uses.push_back(UseKey(resource, other));
    const auto found = Of(resource).find(other);
    return found == Of(resource).end() ? nullptr : &found->second;
  };
  const auto found = Of(primary_).find(key);
  if (found == Of(primary_).end()) return {GroupSource(primary_, key), {}, {}};
  if (TargetBound(found->second, find) <= kMaxGroupTargets) {
    return BuildGroup(primary_, key, found->second, attach_, find);
  }
  ++emptied_.group_limit;
  emptied_.example = GroupSource(primary_, key);
  return {emptied_.example, {}, {}};
}

/// Empties what would be too much beside the others, and notes what counts.
void Store::Limit(const std::string& key, TargetGroup& group) {
  if (const auto before = target_counts_.find(key); before != target_counts_.end()) {
    target_count_ -= before->second;
    target_counts_.erase(before);
  }
  if (group.targets.size() > kMaxDiscoveredTargets - target_count_) {
    ++emptied_.total_limit;
    emptied_.example = group.source;
    group = {group.source, {}, {}};
  }
  if (group.targets.empty()) return;
  target_counts_.emplace(key, group.targets.size());
  target_count_ += group.targets.size();
}

void Store::NoteUses(const std::string& group, std::vector<std::string> uses) {
  std::ranges::sort(uses);
  uses.erase(std::unique(uses.begin(), uses.end()), uses.end());
  const auto known = uses_.find(group);
  if (known == uses_.end() ? uses.empty() : known->second == uses) return;
  if (known != uses_.end()) {
    for (const std::string& use : known->second) {
      const auto users = users_.find(use);
      users->second.erase(group);
      if (users->second.empty()) users_.erase(users);
    }
    uses_.erase(known);
  }
  if (uses.empty()) return;
  for (const std::string& use : uses) users_[use].insert(group);
  uses_.emplace(group, std::move(uses));
}

std::size_t Store::size() const {
  std::size_t total = 0;
  for (const Map& map : objects_) total += map.size();
  return total;
}

}  // namespace vedette::collector::kube
