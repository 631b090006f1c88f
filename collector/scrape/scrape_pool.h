// All targets of one job: its discoveries say which there are, and each gets a loop.
//
// Thread-safe: discoveries report from worker threads while a reload or the API calls in.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
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
  /// One discovery, and what it said last.
  struct Source {
    DiscoveryConfig config;
    std::unique_ptr<Discovery> discovery;  // touched by the manager's calls only
    KnownGroups groups;                    // GUARDED_BY(mutex_); nothing before its first report
  };
  KnownGroups KnownBefore(const DiscoveryConfig& wanted) const;
  void StartDiscoveries();
  void StartDiscovery(const std::shared_ptr<Source>& source);
  void Take(const Source& source, std::vector<TargetGroup> groups);
  void SyncIfKnown();
  void Sync(bool reset);
  void SyncLoops(std::vector<Target> targets, bool reset);
  void CountTargets(std::size_t active_before, std::size_t dropped_before) const;

  ScrapeRuntime& runtime_;
  mutable std::mutex mutex_;
  // GUARDED_BY(mutex_):
  std::shared_ptr<const JobSettings> settings_;
  std::vector<std::shared_ptr<Source>> sources_;                // empty: stopped
  bool reset_pending_ = false;                                  // a Configure() that no Sync() has carried out
  std::map<std::uint64_t, std::shared_ptr<TargetLoop>> loops_;  // by Target::Key()
  std::vector<Labels> dropped_;                                 // at most keep_dropped_targets
  std::size_t dropped_count_ = 0;
};

}  // namespace vedette::collector
