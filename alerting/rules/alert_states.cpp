#include "alerting/rules/alert_states.h"

#include <algorithm>
#include <span>
#include <unordered_set>

namespace vedette::alerting {
namespace {

constexpr std::string_view kAlertsMetric = "ALERTS";
constexpr std::string_view kForStateMetric = "ALERTS_FOR_STATE";
constexpr std::string_view kStateLabel = "alertstate";

void SetState(TrackedAlert& alert, AlertState state) {
  alert.state = state;
  alert.alerts_series =
      LabelsBuilder(alert.labels).Set(kMetricName, kAlertsMetric).Set(kStateLabel, AlertStateName(state)).Build();
}

template <class Alert>
void SortByLabels(std::vector<Alert*>& alerts) {
  std::sort(alerts.begin(), alerts.end(), [](const Alert* a, const Alert* b) { return a->labels < b->labels; });
}

bool NeedsSending(const TrackedAlert& alert, TimeMs slot, Millis resend_delay) {
  if (alert.state == AlertState::kPending) return false;
  if (!alert.last_sent_at) return true;
  if (alert.resolved_at && *alert.resolved_at > *alert.last_sent_at) return true;
  return *alert.last_sent_at + resend_delay < slot;
}

}  // namespace

/// An alert that is missing from the result.
void AlertStates::Miss(TrackedAlert& alert, TimeMs slot, Millis keep_firing) {
  if (alert.state == AlertState::kFiring && keep_firing > Millis(0)) {
    if (!alert.keep_firing_since) alert.keep_firing_since = slot;
    if (slot - *alert.keep_firing_since < keep_firing) return;
  }
  if (alert.state == AlertState::kInactive) return;
  SetState(alert, AlertState::kInactive);
  alert.resolved_at = slot;
}

Status AlertStates::Apply(TimeMs slot, std::vector<PresentAlert> present, const AlertPolicy& policy) {
  std::unordered_set<Labels> seen;
  for (const PresentAlert& alert : present) {
    if (!seen.insert(alert.labels).second) {
      return Fail(Code::kBadData, "vector contains metrics with the same labelset after applying alert labels: {}",
                  alert.labels.ToString());
    }
  }
  for (PresentAlert& now : present) {
    auto [place, is_new] = alerts_.try_emplace(now.labels);
    TrackedAlert& alert = place->second;
    if (is_new || alert.state == AlertState::kInactive) {
      const bool announced = alert.announced;  // its resolve has not arrived yet
      alert = TrackedAlert();
      alert.announced = announced;
      alert.labels = now.labels;
      alert.active_at = slot;
      alert.for_series = LabelsBuilder(now.labels).Set(kMetricName, kForStateMetric).Build();
      SetState(alert, AlertState::kPending);
    }
    alert.value = now.value;
    alert.annotations = std::move(now.annotations);
    alert.keep_firing_since.reset();
  }

  std::size_t active = 0;
  for (auto place = alerts_.begin(); place != alerts_.end();) {
    TrackedAlert& alert = place->second;
    if (!seen.contains(alert.labels)) {
      const bool over = alert.resolved_at && slot - *alert.resolved_at > kResolvedRetention && !alert.announced;
      const bool unknown = alert.state == AlertState::kPending && !alert.announced;
      if (over || unknown) {
        place = alerts_.erase(place);
        continue;
      }
      Miss(alert, slot, policy.keep_firing);
    }
    ++place;
    if (alert.state == AlertState::kInactive) continue;
    ++active;
    const bool held = slot - alert.active_at >= policy.hold;
    if (alert.state == AlertState::kPending && held) {
      SetState(alert, AlertState::kFiring);
      alert.fired_at = slot;
    } else if (alert.state == AlertState::kFiring && !held) {  // a reload raised `for`
      SetState(alert, AlertState::kPending);
    }
  }
  if (policy.limit > 0 && active > policy.limit) {
    alerts_.clear();
    return Fail(Code::kLimit, "exceeded limit of {} with {} alerts", policy.limit, active);
  }
  return Ok();
}

std::vector<TrackedAlert*> AlertStates::Due(TimeMs slot, Millis resend_delay) {
  std::vector<TrackedAlert*> due;
  for (auto& [labels, alert] : alerts_) {
    if (NeedsSending(alert, slot, resend_delay)) due.push_back(&alert);
  }
  SortByLabels(due);
  return due;
}

void AlertStates::MarkSent(std::span<TrackedAlert* const> alerts, TimeMs slot) {
  for (TrackedAlert* alert : alerts) {
    alert->last_sent_at = slot;
    alert->announced = alert->state == AlertState::kFiring;
  }
}

std::vector<const TrackedAlert*> AlertStates::Active() const {
  std::vector<const TrackedAlert*> active;
  for (const auto& [labels, alert] : alerts_) {
    if (alert.state != AlertState::kInactive) active.push_back(&alert);
  }
  SortByLabels(active);
  return active;
}

std::vector<TrackedAlert*> AlertStates::Active() {
  std::vector<TrackedAlert*> active;
  for (auto& [labels, alert] : alerts_) {
    if (alert.state != AlertState::kInactive) active.push_back(&alert);
  }
  return active;
}

std::vector<TrackedAlert*> AlertStates::Announced() {
  std::vector<TrackedAlert*> announced;
  for (auto& [labels, alert] : alerts_) {
    if (alert.announced) announced.push_back(&alert);
  }
  SortByLabels(announced);
  return announced;
}

AlertStates::Counts AlertStates::Count() const {
  Counts counts;
  for (const auto& [labels, alert] : alerts_) {
    if (alert.state == AlertState::kPending) ++counts.pending;
    if (alert.state == AlertState::kFiring) ++counts.firing;
  }
  return counts;
}

AlertState AlertStates::Worst() const {
  const Counts counts = Count();
  return counts.firing > 0 ? AlertState::kFiring : counts.pending > 0 ? AlertState::kPending : AlertState::kInactive;
}

}  // namespace vedette::alerting
