// The alert router without threads, clocks and sockets: alerts and time go in, messages to send come out.
//
// An alert finds its groups in the routing tree; each distinct set of group labels is an incident (incident/book.h);
// what each receiver is to hear and when is a group (route/group.h); what has to reach whom waits in the outbox
// (notify/outbox.h). Every step changes memory, then writes all changed rows in one batch. When that write fails the
// step reports it and nothing is acknowledged, but messages go on leaving: a full disk must not keep a page from
// people.
//
// Not thread-safe: AlertRouter holds the lock. Tests drive it directly.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "alerting/incident/book.h"
#include "alerting/notify/notification.h"
#include "alerting/notify/outbox.h"
#include "alerting/options.h"
#include "alerting/route/group.h"
#include "alerting/route/inhibitor.h"
#include "alerting/route/tree.h"
#include "alerting/router_views.h"
#include "alerting/rules/alert.h"
#include "core/result.h"
#include "storage/state.h"

namespace vedette::alerting {

/// A message that should leave now.
struct SendJob {
  OutboxJob outbox;
  Notification notification;
};

/// What happened since it was last asked for: for metrics.
struct RouterCounts {
  std::uint64_t accepted = 0;
  std::map<std::string, std::uint64_t> refused;  // reason -> alerts
  std::map<std::string, std::uint64_t> opened;   // priority -> incidents
  std::uint64_t resolved = 0;
  std::uint64_t bad_rows = 0, failed_writes = 0;
};

class RouterCore {
 public:
  /// `options` have been validated. `census` may be null. The store outlives the core.
  RouterCore(storage::StateStore& store, const AlertingOptions& options, const TargetCensus* census,
             std::uint64_t seed);

  /// Reads what an earlier process left. Errors: of the store.
  Status Load(TimeMs now);
  /// Routes, receivers and the rest change; incidents stay.
  void Configure(const AlertingOptions& options, TimeMs now);

  /// AlertSink's contract. Errors: kLimit (some alerts were refused), those of the store.
  Status Accept(std::span<const ActiveAlert> alerts, TimeMs now);
  Status Settle(const RuleRef& rule, std::span<const ActiveAlert> active, TimeMs now);
  /// After each load of rules, with one entry per alerting rule, also for rules of the same name: alerts of rules that
  /// no longer exist come to an end, and Settle() knows how many rules speak for a name.
  Status RetainRules(std::span<const RuleRef> rules, TimeMs now);
  /// Errors: kNotFound.
  Status Acknowledge(std::uint64_t number, const std::string& who, TimeMs now);

  /// Fires all timers that are due. Errors: of the store.
  Status Tick(TimeMs now);
  /// Messages to send now; each must be answered by Report().
  std::vector<SendJob> TakeDue(TimeMs now);
  OutboxReport Report(const OutboxJob& job, const Verdict& verdict, TimeMs now);

  std::vector<IncidentView> Incidents(const IncidentFilter& filter) const;
  std::optional<IncidentView> FindIncident(std::uint64_t number) const;
  std::vector<TargetView> Targets() const;
  std::size_t OpenCount(Priority priority) const;
  /// No incident is open or has an end to tell of, and no message waits: nothing falls due by itself.
  bool IsQuiet() const;
  const Outbox& outbox() const { return outbox_; }
  std::vector<OutboxDrop> TakeDrops() { return outbox_.TakeDrops(); }
  RouterCounts TakeCounts() { return std::exchange(counts_, {}); }
  const Integration* FindIntegration(const Target& target) const;

 private:
  using RuleKey = std::tuple<std::string, std::string, std::string>;  // file, group, name
  using GroupId = std::pair<std::uint64_t, std::string>;              // incident, receiver

  /// Rules of one group that share a name settle one after the other.
  struct Settling {
    std::size_t rules = 1;    // of that name
    std::size_t settled = 0;  // of them, so far
    std::set<std::uint64_t> firing, pending;
  };

  Status Write();
  /// Both note the incidents that have to be weighed again.
  Status AcceptFiring(const IncidentAlert& alert, TimeMs now, std::set<std::uint64_t>& touched);
  void AcceptResolved(const ActiveAlert& alert, TimeMs now, std::set<std::uint64_t>& touched);
  Result<std::uint64_t> IncidentFor(const std::string& id, const Labels& group_labels, const IncidentAlert& alert,
                                    const std::vector<std::string>& wanted, TimeMs now);
  void Reclassify(std::uint64_t number, TimeMs now);
  void EndUnconfirmed(TimeMs now);
  void FlushGroups(TimeMs now);
  void Flush(NotificationGroup& group, const Inhibitor* inhibitor, TimeMs now);
  void Tell(const NotificationGroup& group, const Incident& incident, const GroupNews& news, TimeMs now);
  std::optional<Inhibitor> MakeInhibitor() const;
  void SettleIncidents();
  void KeepHouse(TimeMs now);
  void DropEndedAlerts(const Incident& incident, TimeMs now);
  void ReviveDead(TimeMs now);
  void DetachGroups();
  Notification MakeNotification(const OutboxJob& job, TimeMs now) const;
  IncidentView ViewOf(const Incident& incident, std::size_t max_alerts) const;

  storage::StateStore& store_;
  AlertingOptions options_;
  std::unique_ptr<RouteTree> tree_;
  std::map<std::string, std::vector<Integration>> integrations_;  // by receiver
  IncidentBook book_;
  Outbox outbox_;
  std::map<GroupId, NotificationGroup> groups_;
  std::set<GroupId> changed_groups_;
  std::set<std::uint64_t> unsettled_;  // resolved, some group may still have to say so
  std::map<RuleKey, Settling> settling_;
  std::optional<TimeMs> housekeeping_at_;
  RouterCounts counts_;
};

}  // namespace vedette::alerting
