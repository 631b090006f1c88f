// The objects that one discovery knows, and which target groups have to be made again because of what changed.
//
// Making a group notes every object that was looked at; when one of these changes, exactly the groups that looked at it
// are due. One thread at a time.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "collector/discovery/discovery.h"
#include "collector/discovery/kubernetes/objects.h"

namespace vedette::collector::kube {

/// What has to be listed and watched. `ns` empty: everything there is.
struct Watched {
  Resource resource;
  std::string ns;
  auto operator<=>(const Watched&) const = default;
};

class Store {
 public:
  /// `namespaces` empty: all.
  Store(const KubernetesSdConfig& config, std::vector<std::string> namespaces);

  const std::vector<Watched>& watched() const { return watched_; }

  enum class Change { kNone, kAdded, kUpdated, kDeleted };
  /// kNone when nothing is different that a label could show.
  Change Put(Resource resource, Object object);
  Change Erase(Resource resource, const std::string& key);
  /// Everything of `watched` was listed: what is not in `keys` is gone. How many that were.
  std::size_t KeepOnly(const Watched& watched, const std::unordered_set<std::string>& keys);
  /// It was listed for the first time. The groups of a namespace come out when all that they need was listed.
  void SetListed(const Watched& watched);
  bool AllListed() const { return unlisted_.empty(); }

  /// Whether TakeChanges() would say something.
  bool HasChanges() const { return !due_.empty(); }
  /// The groups that changed since the last call. One without targets may be of an object that is gone, or have had too
  /// many.
  std::vector<TargetGroup> TakeChanges();
  /// Groups that stayed empty since the last call: theirs were more than kMaxGroupTargets, or all would have been more
  /// than kMaxDiscoveredTargets.
  struct Emptied {
    std::size_t group_limit = 0, total_limit = 0;
    std::string example;  // the source of one
  };
  Emptied TakeEmptied() { return std::exchange(emptied_, {}); }
  /// Every group that has targets, after TakeChanges().
  std::vector<TargetGroup> AllGroups();
  std::size_t size() const;

 private:
  using Map = std::unordered_map<std::string, Body>;
  Map& Of(Resource resource) { return objects_[static_cast<std::size_t>(resource)]; }
  bool Ready(std::string_view key) const;
  void Due(const std::string& key) { (Ready(key) ? due_ : waiting_).insert(key); }
  void Touch(Resource resource, const std::string& key);
  TargetGroup Make(const std::string& key, std::vector<std::string>& uses);
  void Limit(const std::string& key, TargetGroup& group);
  void NoteUses(const std::string& group, std::vector<std::string> uses);

  const KubernetesSdConfig::Attached attach_;
  const Resource primary_;
  std::vector<Watched> watched_;
  std::set<Watched> unlisted_;
  std::map<std::string, std::size_t, std::less<>> unlisted_in_;  // how many of them there are in a namespace
  std::array<Map, kResourceCount> objects_;
  std::unordered_map<std::string, std::size_t> target_counts_;  // of groups with targets, by the key of the object
  std::size_t target_count_ = 0;                                // of all of them
  Emptied emptied_;
  // Groups that have to be made again, by the key of the primary object: at once, or when enough was listed.
  std::set<std::string> due_, waiting_;
  std::unordered_map<std::string, std::vector<std::string>> uses_;          // what each group looked at
  std::unordered_map<std::string, std::unordered_set<std::string>> users_;  // and who looked at an object
};

}  // namespace vedette::collector::kube
