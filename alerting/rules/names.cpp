#include "alerting/rules/alert.h"
#include "alerting/rules/views.h"

namespace vedette::alerting {

std::string_view AlertStateName(AlertState state) {
  switch (state) {
    case AlertState::kInactive:
      return "inactive";
    case AlertState::kPending:
      return "pending";
    case AlertState::kFiring:
      return "firing";
  }
  return "?";
}

std::string_view AlertKindName(AlertKind kind) {
  switch (kind) {
    case AlertKind::kRule:
      return "rule";
    case AlertKind::kAnomaly:
      return "anomaly";
    case AlertKind::kForecast:
      return "forecast";
  }
  return "?";
}

std::string_view RuleHealthName(RuleHealth health) {
  switch (health) {
    case RuleHealth::kUnknown:
      return "unknown";
    case RuleHealth::kGood:
      return "ok";
    case RuleHealth::kBad:
      return "err";
  }
  return "?";
}

}  // namespace vedette::alerting
