#include "alerting/route/group.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "alerting/incident/incident_codec.h"
#include "alerting/incident/row_fields.h"

namespace vedette::alerting {

std::string_view DeliveryEventName(DeliveryEvent event) {
  switch (event) {
    case DeliveryEvent::kTrigger:
      return "trigger";
    case DeliveryEvent::kUpdate:
      return "update";
    case DeliveryEvent::kRepeat:
      return "repeat";
    case DeliveryEvent::kResolve:
      return "resolve";
    case DeliveryEvent::kFiredAndResolved:
      return "fired_and_resolved";
  }
  return "unknown";
}

std::string GroupKey(std::uint64_t incident, std::string_view receiver) {
  return fmt::format("{}/{}", IncidentKey(incident), receiver);
}

bool NotificationGroup::Join(std::uint64_t fingerprint, TimeMs started_at, const RouteNode& route, TimeMs now) {
  bool changed = members_.insert(fingerprint).second || detached_ || interval_ != route.group_interval ||
                 repeat_ != route.repeat_interval;
  detached_ = false;
  interval_ = route.group_interval;
  repeat_ = route.repeat_interval;
  if (!due_) {
    // Alertmanager's rule: trouble older than group_wait (seen before a restart, say) has waited enough.
    due_ = std::min(now + route.group_wait, std::max(now, started_at + route.group_wait));
    changed = true;
  }
  return changed;
}

bool NotificationGroup::Hurry(Priority priority, TimeMs now) {
  if (!due_ || !told_at_ || priority >= told_priority_ || *due_ <= now) return false;
  due_ = now;
  return true;
}

std::optional<GroupNews> NotificationGroup::News(const GroupAlerts& alerts, const std::set<std::uint64_t>& resolved,
                                                 Priority priority, bool acknowledged, TimeMs now) const {
  if (alerts.firing.empty()) {
    if (told_firing_.empty()) return std::nullopt;
    return GroupNews{DeliveryEvent::kResolve, false};
  }
  if (detached_) return std::nullopt;
  if (!told_at_) return GroupNews{DeliveryEvent::kTrigger, false};
  const bool grew =
      !std::includes(told_firing_.begin(), told_firing_.end(), alerts.firing.begin(), alerts.firing.end());
  if (grew || priority < told_priority_) return GroupNews{DeliveryEvent::kUpdate, false};
  if (!resolved.empty()) return GroupNews{DeliveryEvent::kUpdate, true};
  if (!acknowledged && now - *told_at_ >= repeat_) return GroupNews{DeliveryEvent::kRepeat, false};
  return std::nullopt;
}

std::optional<GroupNews> NotificationGroup::Flush(const GroupAlerts& alerts, Priority priority, bool acknowledged,
                                                  bool keep_told, TimeMs now) {
  std::set<std::uint64_t> resolved;  // those that the receiver knows as firing
  std::set_intersection(alerts.resolved.begin(), alerts.resolved.end(), told_firing_.begin(), told_firing_.end(),
                        std::inserter(resolved, resolved.end()));
  const auto news = News(alerts, resolved, priority, acknowledged, now);
  if (news) {
    if (!keep_told) told_resolved_.clear();
    told_resolved_.insert(resolved.begin(), resolved.end());
    told_firing_ = alerts.firing;
    told_at_ = now;
    told_priority_ = priority;
  }
  for (const std::uint64_t fingerprint : alerts.resolved) members_.erase(fingerprint);
  if (alerts.firing.empty() && !alerts.muted) {
    due_.reset();  // over; Join() starts anew
    told_at_.reset();
    told_firing_.clear();
  } else {
    due_ = now + interval_;
  }
  return news;
}

std::string NotificationGroup::Encode(const NotificationGroup& group) {
  nlohmann::json row = {{"incident", group.incident_},
                        {"receiver", group.receiver_},
                        {"interval", group.interval_.count()},
                        {"repeat", group.repeat_.count()},
                        {"detached", group.detached_},
                        {"members", group.members_},
                        {"told_firing", group.told_firing_},
                        {"told_resolved", group.told_resolved_},
                        {"told_priority", static_cast<int>(group.told_priority_)}};
  if (group.due_) row["due"] = group.due_->ms;
  if (group.told_at_) row["told_at"] = group.told_at_->ms;
  return PrintRow(row);
}

Result<NotificationGroup> NotificationGroup::Decode(std::string_view bytes) {
  VEDETTE_TRY(const nlohmann::json row, ParseRow(bytes));
  RowFields fields(row);
  const auto numbers = [&](const char* name) {
    const auto list = fields.Numbers(name);
    return std::set<std::uint64_t>(list.begin(), list.end());
  };
  NotificationGroup out(fields.Number("incident"), fields.Text("receiver"));
  out.interval_ = fields.Span("interval");
  out.repeat_ = fields.Span("repeat");
  out.detached_ = fields.Flag("detached");
  out.members_ = numbers("members");
  out.told_firing_ = numbers("told_firing");
  out.told_resolved_ = numbers("told_resolved");
  out.told_priority_ = static_cast<Priority>(fields.Int("told_priority", 0, 3));
  out.due_ = fields.OptionalTime("due");
  out.told_at_ = fields.OptionalTime("told_at");
  VEDETTE_CHECK(fields.status());
  return out;
}

}  // namespace vedette::alerting
