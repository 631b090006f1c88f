// The state machine of the alerts of one rule: pending, firing, resolved. Pure: no clock, no store, no locks.
//
// Semantics are Prometheus' (reference: its rules/alerting.go), with one addition: an alert that the sink was told
// about is never forgotten without a resolve.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "alerting/rules/alert.h"
#include "core/labels.h"
#include "core/result.h"
#include "core/time.h"

namespace vedette::alerting {

/// Resolved alerts are kept and sent again for this long.
inline constexpr Millis kResolvedRetention = std::chrono::minutes(15);

/// One element of the rule's result, rendered.
struct PresentAlert {
  Labels labels, annotations;
  double value = 0;
};

struct TrackedAlert {
  Labels labels, annotations;
  AlertState state = AlertState::kPending;
  double value = 0;
  TimeMs active_at;
  std::optional<TimeMs> fired_at, resolved_at, keep_firing_since, last_sent_at;
  bool announced = false;            // the sink knows it as firing
  Labels alerts_series, for_series;  // ALERTS{...} for the state, ALERTS_FOR_STATE{...}
};

struct AlertPolicy {
  Millis hold{0}, keep_firing{0};
  std::size_t limit = 0;  // of pending and firing alerts together; 0 = none
};

class AlertStates {
 public:
  /// One evaluation: `present` is the whole result.
  /// Errors: kBadData when two elements have the same labels (nothing changes), kLimit (all alerts are dropped).
  Status Apply(TimeMs slot, std::vector<PresentAlert> present, const AlertPolicy& policy);

  /// Alerts to hand to the sink at `slot`, sorted by labels; then MarkSent() for them if it took them.
  std::vector<TrackedAlert*> Due(TimeMs slot, Millis resend_delay);
  static void MarkSent(std::span<TrackedAlert* const> alerts, TimeMs slot);

  /// Pending and firing ones, sorted by labels.
  std::vector<const TrackedAlert*> Active() const;
  std::vector<TrackedAlert*> Active();
  /// Known to the sink as firing: they need a resolve when the rule goes.
  std::vector<TrackedAlert*> Announced();
  AlertState Worst() const;
  struct Counts {
    std::size_t pending = 0, firing = 0;
  };
  Counts Count() const;

 private:
  void Miss(TrackedAlert& alert, TimeMs slot, Millis keep_firing);

  std::unordered_map<Labels, TrackedAlert> alerts_;
};

}  // namespace vedette::alerting
