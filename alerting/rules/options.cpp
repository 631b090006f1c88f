#include "alerting/rules/options.h"

namespace vedette::alerting {

Status RuleOptions::Validate() const {
  // A group is a timer and a query each time: a shorter interval is a mistake in the unit.
  constexpr Millis kShortestInterval(10);
  if (evaluation_interval < kShortestInterval) {
    return Fail(Code::kBadData, "evaluation_interval: '{}' is too short", FormatDuration(evaluation_interval));
  }
  if (query_offset < Millis(0)) return Fail(Code::kBadData, "rule_query_offset must not be negative");
  if (resend_delay < Millis(0)) return Fail(Code::kBadData, "rules.alert.resend-delay must not be negative");
  if (outage_tolerance < Millis(0) || grace_period < Millis(0)) {
    return Fail(Code::kBadData, "rules.alert.for-outage-tolerance and for-grace-period must not be negative");
  }
  if (max_alerts_per_rule == 0) return Fail(Code::kBadData, "max_alerts_per_rule must be positive");
  return Ok();
}

}  // namespace vedette::alerting
