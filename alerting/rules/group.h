// A rule group: its rules, evaluated one after the other at the group's slots.
//
// The manager's worker calls EvaluateAt(), never twice at the same time; View() is for everybody. Deterministic: the
// slot is the only time that matters, which is how tests drive it.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "alerting/rules/rule_state.h"
#include "alerting/rules/schedule.h"

namespace vedette::alerting {

class RuleGroup {
 public:
  /// `restore`: the agent has just started; after two evaluations the `for` states of an earlier run are taken back.
  RuleGroup(const std::string& file, RuleGroupSpec spec, std::shared_ptr<const RuleOptions> options,
            const RuleContext& context, bool restore);

  const GroupSettings& settings() const { return settings_; }
  const GroupSchedule& schedule() const { return schedule_; }
  std::size_t CountRules(bool alerting) const;

  /// Evaluates every rule in order; a later one reads what an earlier one wrote. Ends early when stopped.
  void EvaluateAt(TimeMs slot, const std::stop_token& stop = {});

  /// Goes on where `old` is, rule by rule (equal keys, the n-th to the n-th). Neither is being evaluated.
  void TakeOver(RuleGroup& old);
  /// Ends what is left in it: series, and announced alerts, whose resolves are returned.
  std::vector<ActiveAlert> Retire(TimeMs now);
  /// Resolves to hand to the sink at the next evaluation.
  void AddResolves(std::vector<ActiveAlert> resolves);

  RuleGroupView View() const;

 private:
  void SendResolves();

  const GroupSettings settings_;
  const GroupSchedule schedule_;
  const RuleContext& context_;
  std::vector<std::unique_ptr<RuleState>> rules_;
  int evaluations_before_restore_;
  std::vector<ActiveAlert> resolves_;

  mutable std::mutex mutex_;
  std::chrono::nanoseconds evaluation_time_{0};
  std::optional<TimeMs> last_evaluation_;
};

}  // namespace vedette::alerting
