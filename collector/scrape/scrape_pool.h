// All targets of one job: its discoveries say which there are, and each gets a loop.
//
// Thread-safe: discoveries report from worker threads while a reload or the API calls in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "collector/discovery/kinds.h"
#include "collector/scrape/target_loop.h"

namespace vedette::collector {

class ScrapePool : public std::enable_shared_from_this<ScrapePool> {
 public:
  ScrapePool(ScrapeRuntime& runtime, std::shared_ptr<const JobSettings> settings);

  std::shared_ptr<const JobSettings> settings() const;

  /// Starts the discoveries. Until each has reported once, nothing is scraped (or, after Configure, nothing changes).
  void Start();
  /// The job is another one now. Discoveries and targets that stay go on in their rhythm.
  void Configure(std::shared_ptr<const JobSettings> settings);
  /// `mark`: the series of all targets get staleness markers.
  void Stop(bool mark);

  void AppendTo(TargetsView& view) const;
  std::vector<std::shared_ptr<TargetLoop>> Loops() const;

 private:
  /// A group, and what became of it.
  struct Found {
    TargetGroup group;
    std::vector<std::uint64_t> active;  // keys of its targets
    std::vector<Labels> dropped;
  };
  using Groups = std::map<std::string, Found>;  // by their sources

  /// One discovery, and what it said last.
  struct Source {
    DiscoveryConfig config;
    std::unique_ptr<Discovery> discovery;  // touched by the manager's calls only
    bool known = false;                    // GUARDED_BY(mutex_); it has reported
    Groups groups;                         // GUARDED_BY(mutex_)
  };
  struct Running {
    std::shared_ptr<TargetLoop> loop;
    std::size_t groups = 0;  // that have this target
  };
  /// Groups that are about to be replaced, with the targets that come of them.
  struct Change {
    Source* source;
    std::string name;
    TargetGroup group;
    TargetSet targets;
  };

  const Source* SameBefore(const DiscoveryConfig& wanted) const;
  void StartDiscoveries();
  void StartDiscovery(const std::shared_ptr<Source>& source);
  void Take(const Source& source, TargetUpdate update);
  std::vector<Change> ChangesOf(Source& source, TargetUpdate update) const;
  void SyncIfKnown();
  void SyncAll(bool reset);
  void SyncChanges(std::vector<Change> changes);
  std::size_t CountAfter(const std::vector<Change>& changes) const;
  bool SetRefusal(std::size_t targets);
  void Release(const Change& change, std::vector<std::uint64_t>& keys);
  void Adopt(Change change, bool reset);
  void StopUnused();
  void CountTargets(std::size_t active_before, std::size_t dropped_before) const;

  ScrapeRuntime& runtime_;
  mutable std::mutex mutex_;
  // GUARDED_BY(mutex_):
  std::shared_ptr<const JobSettings> settings_;
  std::vector<std::shared_ptr<Source>> sources_;  // empty: stopped
  bool reset_pending_ = false;                    // a Configure() that no SyncAll() has carried out
  bool all_due_ = true;                           // the loops are not what the groups say: wait for SyncAll()
  std::map<std::uint64_t, Running> loops_;        // by Target::Key()
  std::size_t dropped_count_ = 0;
};

}  // namespace vedette::collector
