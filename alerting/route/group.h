// What one receiver is to hear of one incident, and when: Alertmanager's aggregation group with its three timers.
//
// A new group waits group_wait for company, then looks every group_interval whether there is news: more alerts firing,
// some resolved, a higher priority, or repeat_interval over. Pure state; the alert router calls it under its lock.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "alerting/incident/options.h"
#include "alerting/route/tree.h"
#include "core/result.h"
#include "core/time.h"

namespace vedette::alerting {

/// What a message says. Values are stored; never renumber.
enum class DeliveryEvent : std::uint8_t {
  kTrigger = 1,           // it has begun
  kUpdate = 2,            // there is more of it, or less, or it is more urgent
  kRepeat = 3,            // still there
  kResolve = 4,           // it is over
  kFiredAndResolved = 5,  // it began and ended before anybody could be told
};
std::string_view DeliveryEventName(DeliveryEvent event);

/// Fingerprints of the group's alerts at one moment.
struct GroupAlerts {
  std::set<std::uint64_t> firing;  // and either not muted or told of before
  std::set<std::uint64_t> resolved;
  bool muted = false;  // others fire, but are muted
};

struct GroupNews {
  DeliveryEvent event = DeliveryEvent::kTrigger;
  bool only_resolved = false;  // an update for those who want to hear of resolved alerts
};

class NotificationGroup {
 public:
  NotificationGroup() = default;
  NotificationGroup(std::uint64_t incident, std::string receiver)
      : incident_(incident), receiver_(std::move(receiver)) {}

  std::uint64_t incident() const { return incident_; }
  const std::string& receiver() const { return receiver_; }
  const std::set<std::uint64_t>& members() const { return members_; }
  /// Resolved alerts that the last news told of.
  const std::set<std::uint64_t>& told_resolved() const { return told_resolved_; }
  const std::set<std::uint64_t>& told_firing() const { return told_firing_; }
  /// When Flush() is due; nothing: there is nothing more to say.
  std::optional<TimeMs> due() const { return due_; }
  bool closed() const { return !due_; }

  /// A firing alert belongs to it. True when that changed the group.
  bool Join(std::uint64_t fingerprint, TimeMs started_at, const RouteNode& route, TimeMs now);
  /// No route leads here any more: only an end is still told of.
  void Detach() { detached_ = true; }
  /// Looks now: the priority has risen above what was told.
  bool Hurry(Priority priority, TimeMs now);

  /// To be called when due. Sets the next time. `keep_told`: the last message has not left yet, its resolved alerts are
  /// told of together with the new ones.
  std::optional<GroupNews> Flush(const GroupAlerts& alerts, Priority priority, bool acknowledged, bool keep_told,
                                 TimeMs now);

  static std::string Encode(const NotificationGroup& group);
  static Result<NotificationGroup> Decode(std::string_view bytes);

 private:
  std::optional<GroupNews> News(const GroupAlerts& alerts, const std::set<std::uint64_t>& resolved, Priority priority,
                                bool acknowledged, TimeMs now) const;

  std::uint64_t incident_ = 0;
  std::string receiver_;
  Millis interval_{0}, repeat_{0};
  std::optional<TimeMs> due_;
  bool detached_ = false;
  std::set<std::uint64_t> members_;
  std::set<std::uint64_t> told_firing_, told_resolved_;
  std::optional<TimeMs> told_at_;  // the last news of this episode
  Priority told_priority_ = Priority::kP3;
};

inline constexpr std::string_view kGroupTable = "notification_groups";
std::string GroupKey(std::uint64_t incident, std::string_view receiver);

}  // namespace vedette::alerting
