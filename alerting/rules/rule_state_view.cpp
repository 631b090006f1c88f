// RuleState: restoring after a restart, and copies for the API.
#include <unordered_map>

#include "alerting/rules/rule_state.h"
#include "core/log.h"
#include "core/numbers.h"

namespace vedette::alerting {
namespace {

/// The last sample of an ALERTS_FOR_STATE series.
struct WasActive {
  TimeMs seen;    // when it was written
  TimeMs active;  // its value
};

using ByLabels = std::unordered_map<Labels, WasActive>;

Result<ByLabels> ReadForState(const storage::Storage& storage, const std::string& alert, TimeRange range) {
  const std::unique_ptr<storage::Querier> querier = storage.NewQuerier(range);
  const Matcher matchers[] = {Matcher::Equal(std::string(kMetricName), "ALERTS_FOR_STATE"),
                              Matcher::Equal("alertname", alert)};
  VEDETTE_TRY(const std::vector<storage::SeriesEntry> series, querier->Select(matchers));
  ByLabels found;
  storage::Columns columns;
  for (const storage::SeriesEntry& entry : series) {
    columns.clear();
    VEDETTE_CHECK(querier->Read(entry.id, range, columns));
    if (columns.size() == 0 || IsStaleNan(columns.values.back())) continue;  // it had ended by itself
    found.emplace(
        LabelsBuilder(entry.labels).Delete(kMetricName).Build(),
        WasActive{TimeMs(columns.times.back()), TimeMs::FromSeconds(static_cast<std::int64_t>(columns.values.back()))});
  }
  return found;
}

/// When the alert counts as active, so that it fires at the right time from now on.
TimeMs RestoredActiveAt(const WasActive& was, TimeMs now, Millis hold, Millis grace) {
  const Millis remaining = hold - (was.seen - was.active);
  if (remaining <= Millis(0)) return was.active;     // it was firing
  if (remaining < grace) return now + grace - hold;  // nearly due: fires after the grace period
  return was.active + (now - was.seen);              // the outage does not count
}

NamedTexts TextsOf(const std::vector<TemplatedLabel>& labels) {
  NamedTexts texts;
  for (const TemplatedLabel& label : labels) texts.emplace_back(label.name, label.text);
  return texts;
}

}  // namespace

void RuleState::Restore(TimeMs now) {
  if (restored_) return;
  restored_ = true;
  const RuleOptions& options = *settings_.options;
  if (!rule_.alerting || rule_.hold < options.grace_period) return;
  const auto found = ReadForState(context_.storage, rule_.name, {now - options.outage_tolerance, now});
  if (!found) {
    LogWarn("alerting", "state of a rule was not restored", {{"rule", rule_.name}, {"error", found.error()}});
    return;
  }
  const std::lock_guard lock(mutex_);
  for (TrackedAlert* alert : alerts_.Active()) {
    const auto was = found->find(alert->labels);
    if (was == found->end()) continue;
    alert->active_at = RestoredActiveAt(was->second, now, rule_.hold, options.grace_period);
  }
}

RuleView RuleState::View() const {
  RuleView view;
  view.alerting = rule_.alerting;
  view.name = rule_.name;
  view.query = rule_.query;
  view.duration = rule_.hold;
  view.keep_firing_for = rule_.keep_firing;
  view.labels = TextsOf(rule_.labels);
  view.annotations = TextsOf(rule_.annotations);
  const std::lock_guard lock(mutex_);
  view.state = alerts_.Worst();
  for (const TrackedAlert* alert : alerts_.Active()) {
    view.alerts.push_back(
        {alert->labels, alert->annotations, alert->state, alert->active_at, alert->keep_firing_since, alert->value});
  }
  view.health = health_;
  view.last_error = last_error_;
  view.evaluation_time = evaluation_time_;
  view.last_evaluation = last_evaluation_;
  return view;
}

}  // namespace vedette::alerting
