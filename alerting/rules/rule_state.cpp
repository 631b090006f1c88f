#include "alerting/rules/rule_state.h"

#include <algorithm>
#include <unordered_set>

#include "alerting/template/alert_template.h"
#include "core/log.h"

namespace vedette::alerting {
namespace {

constexpr std::string_view kAlertName = "alertname";
/// Receivers may forget a firing alert after so many missed repetitions.
constexpr int kMissedSends = 4;

/// What templates ask for: queries run at the slot, without the group's offset.
class AtSlot final : public tmpl::Environment {
 public:
  AtSlot(RuleQueries& queries, TimeMs slot, const std::stop_token& stop, const std::string& external_url,
         const std::string& origin)
      : queries_(queries), slot_(slot), stop_(stop), external_url_(external_url), origin_(origin) {}
  Result<std::vector<QuerySample>> Query(std::string_view expr) override {
    return queries_.Run(expr, slot_, stop_, origin_);
  }
  TimeMs Now() const override { return slot_; }
  std::string ExternalUrl() const override { return external_url_; }

 private:
  RuleQueries& queries_;
  const TimeMs slot_;
  const std::stop_token& stop_;
  const std::string& external_url_;
  const std::string& origin_;
};

}  // namespace

RuleState::RuleState(Rule rule, const GroupSettings& settings, const RuleContext& context, bool restored)
    : rule_(std::move(rule)), settings_(settings), context_(context), restored_(restored) {}

std::string RuleState::Key() const {
  std::string key = fmt::format("{}{}{}", rule_.alerting ? 'a' : 'r', rule_.name, '\0');
  for (const TemplatedLabel& label : rule_.labels) key += fmt::format("{}={}{}", label.name, label.text, '\0');
  return key;
}

void RuleState::Evaluate(TimeMs slot, const std::stop_token& stop) {
  const auto start = context_.clock.Monotonic();
  const Status status = rule_.alerting ? EvaluateAlerting(slot, stop) : EvaluateRecording(slot, stop);
  const auto spent = context_.clock.Monotonic() - start;
  context_.metrics.Evaluated(std::chrono::duration<double>(spent).count());
  CountAlerts();
  const std::string error = status ? std::string() : status.error().message;
  if (!error.empty() && error != last_error_) {
    LogWarn("alerting", "rule failed",
            {{"file", settings_.file}, {"group", settings_.name}, {"rule", rule_.name}, {"error", error}});
  }
  const std::lock_guard lock(mutex_);
  const auto bad = [](RuleHealth health) { return health == RuleHealth::kBad ? 1 : 0; };
  const RuleHealth before = std::exchange(health_, status ? RuleHealth::kGood : RuleHealth::kBad);
  context_.metrics.AddUnhealthy(bad(health_) - bad(before));
  last_error_ = error;
  evaluation_time_ = spent;
  last_evaluation_ = slot;
}

Status RuleState::Failed(RuleMetrics::Failure reason, Error error) {
  context_.metrics.Failed(reason);
  return error;
}

Status RuleState::EvaluateRecording(TimeMs slot, const std::stop_token& stop) {
  auto result = context_.queries.Run(*rule_.expr, slot - settings_.query_offset, stop, settings_.query_origin);
  if (!result) return Failed(RuleMetrics::Failure::kQuery, result.error());
  std::vector<OutputSample> samples;
  std::unordered_set<Labels> seen;
  for (const VectorSample& sample : *result) {
    LabelsBuilder labels(sample.labels);
    labels.Set(kMetricName, rule_.name);
    for (const TemplatedLabel& label : rule_.labels) labels.Set(label.name, label.text);
    samples.push_back({labels.Build(), sample.value, sample.histogram});
    if (!seen.insert(samples.back().labels).second) {
      return Failed(
          RuleMetrics::Failure::kDuplicate,
          Fail(Code::kBadData, "vector contains metrics with the same labelset after applying rule labels: {}",
               samples.back().labels.ToString()));
    }
  }
  if (settings_.limit > 0 && samples.size() > settings_.limit) {
    return Failed(RuleMetrics::Failure::kLimit,
                  Fail(Code::kLimit, "exceeded limit of {} with {} series", settings_.limit, samples.size()));
  }
  return WriteSeries(slot, samples);
}

Status RuleState::WriteSeries(TimeMs slot, std::span<const OutputSample> samples) {
  const auto written = output_.Write(context_.storage, slot - settings_.query_offset, samples);
  if (!written) return Failed(RuleMetrics::Failure::kStorage, written.error());
  context_.metrics.SamplesWritten(*written);
  return Ok();
}

std::vector<PresentAlert> RuleState::Render(TimeMs slot, std::vector<VectorSample> result,
                                            const std::stop_token& stop) {
  const RuleOptions& options = *settings_.options;
  AtSlot environment(context_.queries, slot, stop, options.external_url, settings_.query_origin);
  std::vector<PresentAlert> present;
  present.reserve(result.size());
  for (VectorSample& sample : result) {
    const tmpl::AlertTemplateData data{sample.labels, sample.value, options.external_labels, options.external_url};
    const auto expand = [&](const TemplatedLabel& label) {
      if (label.rendered == nullptr) return label.text;
      bool failed = false;
      std::string text = tmpl::ExpandAlertTemplate(*label.rendered, environment, data, failed);
      if (failed) context_.metrics.TemplateFailed();
      return text;
    };
    LabelsBuilder labels(sample.labels), annotations;
    labels.Delete(kMetricName);
    for (const TemplatedLabel& label : rule_.labels) labels.Set(label.name, expand(label));
    labels.Set(kAlertName, rule_.name);
    for (const TemplatedLabel& annotation : rule_.annotations) annotations.Set(annotation.name, expand(annotation));
    present.push_back({labels.Build(), annotations.Build(), sample.value});
  }
  return present;
}

Status RuleState::EvaluateAlerting(TimeMs slot, const std::stop_token& stop) {
  auto result = context_.queries.Run(*rule_.expr, slot - settings_.query_offset, stop, settings_.query_origin);
  if (!result) return Failed(RuleMetrics::Failure::kQuery, result.error());
  // Before anything is rendered: what is too much costs nothing, and the alerts stay as they are.
  if (result->size() > settings_.options->max_alerts_per_rule) {
    return Failed(RuleMetrics::Failure::kLimit, Fail(Code::kLimit, "the result has {} elements, more than {}",
                                                     result->size(), settings_.options->max_alerts_per_rule));
  }
  const AlertPolicy policy{rule_.hold, rule_.keep_firing, settings_.limit};
  std::vector<PresentAlert> present = Render(slot, *std::move(result), stop);
  {
    const std::lock_guard lock(mutex_);
    if (const Status applied = alerts_.Apply(slot, std::move(present), policy); !applied) {
      const bool dropped = applied.error().code == Code::kLimit;
      if (dropped) settled_ = false;
      return Failed(dropped ? RuleMetrics::Failure::kLimit : RuleMetrics::Failure::kDuplicate, applied.error());
    }
  }
  const Status sent = Send(slot);
  if (!restored_) return sent;
  std::vector<OutputSample> samples;
  for (const TrackedAlert* alert : std::as_const(alerts_).Active()) {
    samples.push_back({alert->alerts_series, 1});
    samples.push_back({alert->for_series, static_cast<double>(alert->active_at.ms / 1000)});
  }
  VEDETTE_CHECK(WriteSeries(slot, samples));
  return sent;
}

Status RuleState::Send(TimeMs slot) {
  const std::vector<TrackedAlert*> due = alerts_.Due(slot, settings_.options->resend_delay);
  if (!due.empty()) {
    std::vector<ActiveAlert> leaving;
    std::size_t firing = 0;
    for (const TrackedAlert* alert : due) {
      leaving.push_back(Leaving(*alert, slot));
      if (alert->state == AlertState::kFiring) ++firing;
    }
    if (const Status accepted = context_.sink.Accept(leaving); !accepted) {
      return Failed(RuleMetrics::Failure::kSink, Annotate("alerts were not accepted", accepted.error()));
    }
    AlertStates::MarkSent(due, slot);
    context_.metrics.AlertsSent(firing, due.size() - firing);
  }
  return settled_ || !restored_ ? Ok() : Settle(slot);
}

Status RuleState::Settle(TimeMs slot) {
  std::vector<ActiveAlert> active;
  for (const TrackedAlert* alert : std::as_const(alerts_).Active()) active.push_back(Leaving(*alert, slot));
  const Status settled = context_.sink.Settle({settings_.file, settings_.name, rule_.name}, active);
  if (!settled) return Failed(RuleMetrics::Failure::kSink, Annotate("alerts were not settled", settled.error()));
  settled_ = true;
  return Ok();
}

ActiveAlert RuleState::Leaving(const TrackedAlert& alert, TimeMs slot) const {
  const RuleOptions& options = *settings_.options;
  ActiveAlert out;
  out.labels = alert.labels;
  out.annotations = alert.annotations;
  out.state = alert.state;
  out.value = alert.value;
  out.active_at = alert.active_at;
  out.fired_at = alert.fired_at.value_or(alert.active_at);
  out.resolved_at = alert.resolved_at;
  out.keep_firing_since = alert.keep_firing_since;
  out.evaluated_at = slot;
  out.ends_at = alert.resolved_at.value_or(slot + kMissedSends * std::max(settings_.interval, options.resend_delay));
  out.generator_url = options.external_url + tmpl::ExpressionLink(rule_.query, 1);
  out.rule = {settings_.file, settings_.name, rule_.name};
  out.kind = AlertKind::kRule;
  out.evidence = {{"expression", rule_.query}, {"for", FormatDuration(rule_.hold)}};
  return out;
}

void RuleState::TakeOver(RuleState& old) {
  output_ = std::exchange(old.output_, {});
  restored_ = old.restored_;
  settled_ = old.settled_;
  pending_ = std::exchange(old.pending_, 0);
  firing_ = std::exchange(old.firing_, 0);
  const std::scoped_lock lock(mutex_, old.mutex_);
  alerts_ = std::exchange(old.alerts_, {});
  health_ = std::exchange(old.health_, RuleHealth::kUnknown);
  last_error_ = old.last_error_;
  evaluation_time_ = old.evaluation_time_;
  last_evaluation_ = old.last_evaluation_;
}

std::vector<ActiveAlert> RuleState::Retire(TimeMs now) {
  if (const Status ended = output_.End(context_.storage, now); !ended) {
    LogWarn("alerting", "series of a removed rule were not ended", {{"rule", rule_.name}, {"error", ended.error()}});
  }
  std::vector<ActiveAlert> resolves;
  {
    const std::lock_guard lock(mutex_);
    for (TrackedAlert* alert : alerts_.Announced()) {
      alert->state = AlertState::kInactive;
      alert->resolved_at = now;
      resolves.push_back(Leaving(*alert, now));
      resolves.back().evidence.push_back({"resolved", "the rule was removed or renamed"});
    }
    alerts_ = {};
    if (std::exchange(health_, RuleHealth::kUnknown) == RuleHealth::kBad) context_.metrics.AddUnhealthy(-1);
  }
  CountAlerts();
  return resolves;
}

void RuleState::CountAlerts() {
  const auto [pending, firing] = alerts_.Count();
  context_.metrics.AddAlerts(static_cast<std::ptrdiff_t>(pending) - static_cast<std::ptrdiff_t>(pending_),
                             static_cast<std::ptrdiff_t>(firing) - static_cast<std::ptrdiff_t>(firing_));
  pending_ = pending;
  firing_ = firing;
}

}  // namespace vedette::alerting
