// One rule with what it remembers between evaluations, and the evaluation itself.
//
// Evaluate() and Restore() run on one thread at a time; View() may run beside them: it sees the state before or after,
// for which the state is changed under `mutex_` only. Queries, templates, the store and the sink are used outside of
// it.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "alerting/rules/alert.h"
#include "alerting/rules/alert_states.h"
#include "alerting/rules/metrics.h"
#include "alerting/rules/options.h"
#include "alerting/rules/output.h"
#include "alerting/rules/queries.h"
#include "alerting/rules/rule_file.h"
#include "alerting/rules/views.h"
#include "core/clock.h"

namespace vedette::alerting {

/// What an evaluation works with; outlives groups and rules.
struct RuleContext {
  storage::Storage& storage;
  RuleQueries& queries;
  AlertSink& sink;
  const Clock& clock;
  RuleMetrics& metrics;
};

/// What the group decides for its rules.
struct GroupSettings {
  std::string file, name;
  std::string query_origin;  // of its queries, for the query log
  Millis interval{0}, query_offset{0};
  std::size_t limit = 0;
  std::shared_ptr<const RuleOptions> options;
};

class RuleState {
 public:
  /// `restored`: no state of an earlier run has to be waited for. `settings` outlives the rule.
  RuleState(Rule rule, const GroupSettings& settings, const RuleContext& context, bool restored);

  const Rule& rule() const { return rule_; }
  /// Equal for rules whose state may be carried over: kind, name and labels.
  std::string Key() const;

  /// Evaluates at `slot`: query, state machine, sink, series. What fails is kept for View() and counted.
  void Evaluate(TimeMs slot, const std::stop_token& stop);

  /// Takes back when the alerts became active from ALERTS_FOR_STATE; from then on state is written.
  void Restore(TimeMs now);

  /// Goes on where `old` is; `old` is empty afterwards.
  void TakeOver(RuleState& old);

  /// The rule is gone: ends its series and gives the resolves of its announced alerts, for the sink.
  std::vector<ActiveAlert> Retire(TimeMs now);

  RuleView View() const;

 private:
  Status EvaluateRecording(TimeMs slot, const std::stop_token& stop);
  Status EvaluateAlerting(TimeMs slot, const std::stop_token& stop);
  std::vector<PresentAlert> Render(TimeMs slot, std::vector<VectorSample> result, const std::stop_token& stop);
  Status Send(TimeMs slot);
  Status Settle(TimeMs slot);
  Status WriteSeries(TimeMs slot, std::span<const OutputSample> samples);
  ActiveAlert Leaving(const TrackedAlert& alert, TimeMs slot) const;
  Status Failed(RuleMetrics::Failure reason, Error error);
  void CountAlerts();

  const Rule rule_;
  const GroupSettings& settings_;
  const RuleContext& context_;
  RuleOutput output_;
  bool restored_;
  bool settled_ = false;
  std::size_t pending_ = 0, firing_ = 0;  // as last told to the metrics

  mutable std::mutex mutex_;
  AlertStates alerts_;  // read without the mutex by the evaluating thread, which alone changes it
  RuleHealth health_ = RuleHealth::kUnknown;
  std::string last_error_;
  std::chrono::nanoseconds evaluation_time_{0};
  std::optional<TimeMs> last_evaluation_;
};

}  // namespace vedette::alerting
