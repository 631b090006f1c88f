#include "alerting/rules/metrics.h"

#include <array>
#include <string>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

namespace vedette::alerting {
namespace {

constexpr std::array<std::string_view, 5> kReasons = {"query", "duplicate", "limit", "storage", "sink"};

using LabelMap = std::map<std::string, std::string>;

prometheus::Counter& Counter(prometheus::Registry& registry, const char* name, const char* help,
                             const LabelMap& labels = {}) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add(labels);
}
prometheus::Gauge& Gauge(prometheus::Registry& registry, const char* name, const char* help,
                         const LabelMap& labels = {}) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add(labels);
}
prometheus::Histogram& Seconds(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(registry).Add(
      {}, prometheus::Histogram::BucketBoundaries{0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60});
}

}  // namespace

struct RuleMetrics::Impl {
  explicit Impl(prometheus::Registry& r)
      : evaluations(Counter(r, "vedette_rules_evaluations_total", "Rules evaluated.")),
        missed(Counter(r, "vedette_rules_group_slots_missed_total",
                       "Slots skipped because the evaluation before them ran too long.")),
        template_failures(Counter(r, "vedette_rules_template_failures_total",
                                  "Labels and annotations that could not be expanded and carry the error instead.")),
        sent_firing(
            Counter(r, "vedette_rules_alerts_sent_total", "Alerts handed over for routing.", {{"state", "firing"}})),
        sent_resolved(
            Counter(r, "vedette_rules_alerts_sent_total", "Alerts handed over for routing.", {{"state", "resolved"}})),
        samples(
            Counter(r, "vedette_rules_samples_written_total", "Samples written by rules, staleness markers included.")),
        groups(Gauge(r, "vedette_rules_groups", "Rule groups loaded.")),
        recording(Gauge(r, "vedette_rules_loaded", "Rules loaded.", {{"kind", "recording"}})),
        alerting(Gauge(r, "vedette_rules_loaded", "Rules loaded.", {{"kind", "alerting"}})),
        pending(Gauge(r, "vedette_rules_alerts", "Active alerts.", {{"state", "pending"}})),
        firing(Gauge(r, "vedette_rules_alerts", "Active alerts.", {{"state", "firing"}})),
        unhealthy(Gauge(r, "vedette_rules_unhealthy", "Rules whose last evaluation failed.")),
        rule_seconds(Seconds(r, "vedette_rules_evaluation_duration_seconds", "Time to evaluate one rule.")),
        group_seconds(Seconds(r, "vedette_rules_group_evaluation_duration_seconds", "Time to evaluate one group.")),
        delay_seconds(
            Seconds(r, "vedette_rules_group_delay_seconds", "How late after its slot a group was evaluated.")) {
    for (std::size_t i = 0; i < kReasons.size(); ++i) {
      failures[i] = &Counter(r, "vedette_rules_evaluation_failures_total", "Rule evaluations that failed.",
                             {{"reason", std::string(kReasons[i])}});
    }
  }

  prometheus::Counter &evaluations, &missed, &template_failures, &sent_firing, &sent_resolved, &samples;
  prometheus::Gauge &groups, &recording, &alerting, &pending, &firing, &unhealthy;
  prometheus::Histogram &rule_seconds, &group_seconds, &delay_seconds;
  std::array<prometheus::Counter*, kReasons.size()> failures{};
};

RuleMetrics::RuleMetrics(prometheus::Registry& registry) : impl_(std::make_unique<Impl>(registry)) {}
RuleMetrics::~RuleMetrics() = default;

void RuleMetrics::Evaluated(double seconds) {
  impl_->evaluations.Increment();
  impl_->rule_seconds.Observe(seconds);
}
void RuleMetrics::Failed(Failure reason) { impl_->failures[static_cast<std::size_t>(reason)]->Increment(); }
void RuleMetrics::TemplateFailed() { impl_->template_failures.Increment(); }
void RuleMetrics::GroupEvaluated(double seconds, double seconds_late) {
  impl_->group_seconds.Observe(seconds);
  impl_->delay_seconds.Observe(seconds_late);
}
void RuleMetrics::SlotsMissed(std::size_t slots) { impl_->missed.Increment(static_cast<double>(slots)); }
void RuleMetrics::AlertsSent(std::size_t firing, std::size_t resolved) {
  impl_->sent_firing.Increment(static_cast<double>(firing));
  impl_->sent_resolved.Increment(static_cast<double>(resolved));
}
void RuleMetrics::SamplesWritten(std::size_t samples) { impl_->samples.Increment(static_cast<double>(samples)); }
void RuleMetrics::SetLoaded(std::size_t groups, std::size_t recording, std::size_t alerting) {
  impl_->groups.Set(static_cast<double>(groups));
  impl_->recording.Set(static_cast<double>(recording));
  impl_->alerting.Set(static_cast<double>(alerting));
}
void RuleMetrics::AddAlerts(std::ptrdiff_t pending, std::ptrdiff_t firing) {
  impl_->pending.Increment(static_cast<double>(pending));
  impl_->firing.Increment(static_cast<double>(firing));
}
void RuleMetrics::AddUnhealthy(std::ptrdiff_t rules) { impl_->unhealthy.Increment(static_cast<double>(rules)); }

}  // namespace vedette::alerting
