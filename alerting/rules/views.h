// Copies of the state of rules for the API and the page; reference: Prometheus' /api/v1/rules and /api/v1/alerts.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "alerting/rules/alert.h"
#include "core/labels.h"
#include "core/time.h"

namespace vedette::alerting {

enum class RuleHealth : std::uint8_t { kUnknown, kGood, kBad };
/// "unknown", "ok", "err".
std::string_view RuleHealthName(RuleHealth health);

struct AlertView {
  Labels labels, annotations;
  AlertState state = AlertState::kInactive;  // kPending or kFiring
  TimeMs active_at;
  std::optional<TimeMs> keep_firing_since;
  double value = 0;
};

using NamedTexts = std::vector<std::pair<std::string, std::string>>;  // sorted by name

struct RuleView {
  bool alerting = false;
  std::string name, query;
  AlertState state = AlertState::kInactive;  // the worst of its alerts
  Millis duration{0}, keep_firing_for{0};
  NamedTexts labels, annotations;  // as written
  std::vector<AlertView> alerts;   // pending and firing, sorted by labels
  RuleHealth health = RuleHealth::kUnknown;
  std::string last_error;  // empty unless kBad
  std::chrono::nanoseconds evaluation_time{0};
  std::optional<TimeMs> last_evaluation;
};

struct RuleGroupView {
  std::string name, file;
  Millis interval{0}, query_offset{0};
  std::size_t limit = 0;
  std::vector<RuleView> rules;
  std::chrono::nanoseconds evaluation_time{0};
  std::optional<TimeMs> last_evaluation;
};

}  // namespace vedette::alerting
