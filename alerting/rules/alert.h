// How alerts leave the rules: the record, and the interface of who takes it.
//
// The rule manager hands alerts over after each successful evaluation of a rule, on a worker thread; several groups may
// do so at once. What Accept() took is the sink's to deliver, over any crash. Anomaly and forecast jobs use the same
// way.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/labels.h"
#include "core/result.h"
#include "core/time.h"

namespace vedette::alerting {

enum class AlertState : std::uint8_t { kInactive, kPending, kFiring };
/// "inactive", "pending", "firing".
std::string_view AlertStateName(AlertState state);

/// What noticed the trouble.
enum class AlertKind : std::uint8_t { kRule, kAnomaly, kForecast };
std::string_view AlertKindName(AlertKind kind);

/// Names a rule inside the agent, for people and for matching.
struct RuleRef {
  std::string file, group, name;
  bool operator==(const RuleRef&) const = default;
};

/// One fact that speaks for an alert: {"expression", "up == 0"}, {"score", "6.1"}.
struct Evidence {
  std::string name, value;
  bool operator==(const Evidence&) const = default;
};

struct ActiveAlert {
  /// The identity: labels of the result, of the rule, and alertname. External labels are not in it.
  Labels labels;
  Labels annotations;  // rendered at this evaluation
  /// Accept(): kFiring or kInactive (resolved). Settle(): kPending or kFiring.
  AlertState state = AlertState::kInactive;
  double value = 0;  // of the expression; of a resolved alert the last one
  TimeMs active_at;  // the condition is true since
  TimeMs fired_at;   // firing since; Alertmanager's startsAt
  std::optional<TimeMs> resolved_at;
  /// Firing only because of keep_firing_for since then.
  std::optional<TimeMs> keep_firing_since;
  TimeMs evaluated_at;  // the slot of the evaluation that sends this
  /// Alertmanager's endsAt: resolved_at, or the time at which a receiver that hears nothing more may give up,
  /// evaluated_at + 4 x max(interval, resend delay). An external Alertmanager needs it; who lives in this process
  /// should wait for the resolve instead: silence may be a failing evaluation.
  TimeMs ends_at;
  std::string generator_url;
  RuleRef rule;
  AlertKind kind = AlertKind::kRule;
  std::vector<Evidence> evidence;
};

class AlertSink {
 public:
  virtual ~AlertSink() = default;

  /// Takes firing and resolved alerts of one rule. Firing ones come again every resend delay, resolved ones too, for
  /// 15 minutes: equal labels are the same alert. Ok means durable. On an error the manager offers the same alerts
  /// again at the next evaluation. May write to disk, must not wait for the network.
  virtual Status Accept(std::span<const ActiveAlert> alerts) = 0;

  /// Called once per alerting rule when the manager can vouch for the rule's complete state again: after a restart (and
  /// the restore of `for`), or after its alerts were dropped over a limit. `active` are all its pending and firing
  /// alerts: whatever the sink still holds open of this rule and is not among them has ended unseen, and may be
  /// resolved.
  virtual Status Settle(const RuleRef& rule, std::span<const ActiveAlert> active) = 0;
};

}  // namespace vedette::alerting
