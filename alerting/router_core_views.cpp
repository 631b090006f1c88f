// What the alert router shows: messages as they leave, and copies for the API.
#include <algorithm>

#include "alerting/router_core.h"

namespace vedette::alerting {
namespace {

/// Alerts carried by one message; receivers show far fewer. A webhook may want all there are.
constexpr std::size_t kMaxMessageAlerts = 1000;

std::string TitleOf(const Incident& incident) {
  std::string title(incident.group_labels.Get("alertname"));
  for (const std::string_view name : {"service", "job", "instance"}) {
    if (const std::string_view value = incident.group_labels.Get(name); !value.empty()) {
      title.append(title.empty() ? "" : " ").append(value);
    }
  }
  if (title.empty() && !incident.alerts.empty()) title = incident.alerts.begin()->second.Name();
  return title;
}

}  // namespace

Notification RouterCore::MakeNotification(const OutboxJob& job, TimeMs now) const {
  Notification n;
  n.event = job.message.event;
  n.receiver = job.target.receiver;
  n.incident_id = job.incident_id;
  n.number = job.message.incident;
  n.episodes = job.message.episodes;
  n.priority = job.message.priority;
  n.started_at = n.now = now;
  n.external_url = options_.external_url;
  const Incident* incident = book_.Find(job.message.incident);
  if (incident == nullptr) return n;  // forgotten: the end can still be told by its id
  n.reasons = incident->reasons;
  n.priority = incident->priority;
  n.group_labels = incident->group_labels;
  n.started_at = incident->started_at;
  n.resolved_at = incident->resolved_at;
  if (!incident->open() && n.event == DeliveryEvent::kTrigger) n.event = DeliveryEvent::kFiredAndResolved;
  if (incident->open() && !incident->acknowledged_at) n.respond_by = incident->RespondBy(options_.incidents);
  const auto group = groups_.find({job.message.incident, job.target.receiver});
  for (const auto& [fingerprint, alert] : incident->alerts) {
    // Of a closed group nothing is left but the incident: then all of it is told.
    const bool wanted = group == groups_.end() || group->second.closed() ||
                        group->second.members().count(fingerprint) > 0 ||
                        group->second.told_resolved().count(fingerprint) > 0;
    if (!wanted) continue;
    if (n.alerts.size() == kMaxMessageAlerts) {
      ++n.omitted;
    } else {
      n.alerts.push_back(alert);
    }
  }
  FinishNotification(n);
  return n;
}

IncidentView RouterCore::ViewOf(const Incident& incident, std::size_t max_alerts) const {
  IncidentView view;
  view.number = incident.number;
  view.id = incident.id;
  view.group_labels = incident.group_labels;
  view.title = TitleOf(incident);
  view.priority = incident.priority;
  view.reasons = incident.reasons;
  view.why = ReasonText(incident.priority, incident.reasons);
  view.state = !incident.open() ? "resolved" : incident.acknowledged_at ? "acknowledged" : "open";
  view.started_at = incident.started_at;
  view.updated_at = incident.updated_at;
  view.respond_by = incident.RespondBy(options_.incidents);
  view.acknowledged_at = incident.acknowledged_at;
  view.resolved_at = incident.resolved_at;
  view.acknowledged_by = incident.acknowledged_by;
  view.firing = incident.firing;
  for (const bool firing : {true, false}) {
    for (const auto& [fingerprint, alert] : incident.alerts) {
      if (view.alerts.size() < max_alerts && alert.firing() == firing) view.alerts.push_back(alert);
    }
  }
  for (const auto& [receiver, integrations] : integrations_) {
    if (groups_.count({incident.number, receiver}) == 0) continue;
    for (const Integration& integration : integrations) {
      DeliveryView delivery;
      delivery.target = integration.target;
      delivery.state = outbox_.StateOf(integration.target, incident.id, incident.number);
      if (const Delivery* row = outbox_.Find(integration.target, incident.id)) {
        delivery.delivered_at = row->delivered_at;
        delivery.last_error = row->last_error;
        for (const OutboxMessage& message : row->queue) {
          if (message.incident != incident.number) continue;
          delivery.next_attempt = message.not_before;
          delivery.attempts = message.attempts;
          if (!message.last_error.empty()) delivery.last_error = message.last_error;
          break;
        }
      }
      view.deliveries.push_back(std::move(delivery));
    }
  }
  return view;
}

std::vector<IncidentView> RouterCore::Incidents(const IncidentFilter& filter) const {
  std::vector<IncidentView> out;
  const auto& incidents = book_.incidents();
  for (auto it = incidents.rbegin(); it != incidents.rend() && out.size() < filter.limit; ++it) {
    if (it->second.open() ? filter.open : filter.resolved) out.push_back(ViewOf(it->second, filter.max_alerts));
  }
  return out;
}

std::optional<IncidentView> RouterCore::FindIncident(std::uint64_t number) const {
  const Incident* incident = book_.Find(number);
  if (incident == nullptr) return std::nullopt;
  return ViewOf(*incident, SIZE_MAX);
}

std::vector<TargetView> RouterCore::Targets() const {
  std::vector<TargetView> out;
  for (const auto& [receiver, integrations] : integrations_) {
    for (const Integration& i : integrations) out.push_back({i.target, outbox_.depth(i.target)});
  }
  return out;
}

std::size_t RouterCore::OpenCount(Priority priority) const {
  return static_cast<std::size_t>(
      std::count_if(book_.incidents().begin(), book_.incidents().end(),
                    [&](const auto& entry) { return entry.second.open() && entry.second.priority == priority; }));
}

bool RouterCore::IsQuiet() const {
  const auto is_open = [](const auto& entry) { return entry.second.open(); };
  return unsettled_.empty() && std::ranges::none_of(book_.incidents(), is_open) &&
         std::ranges::all_of(outbox_.DepthByKind(), [](const auto& entry) { return entry.second == 0; });
}

}  // namespace vedette::alerting
