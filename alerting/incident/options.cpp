#include "alerting/incident/options.h"

#include "core/matcher.h"

namespace vedette::alerting {

std::string_view PriorityName(Priority priority) {
  constexpr std::array<std::string_view, 4> kNames = {"P0", "P1", "P2", "P3"};
  return kNames[static_cast<std::size_t>(priority)];
}

Result<Priority> ParsePriority(std::string_view text) {
  std::string_view digits = text;
  if (digits.starts_with('P') || digits.starts_with('p')) digits.remove_prefix(1);
  if (digits.size() != 1 || digits[0] < '0' || digits[0] > '5') {
    return Fail(Code::kBadData, "'{}' is not a priority (P0, P1, P2, P3)", text.substr(0, 64));
  }
  return static_cast<Priority>(std::min(digits[0] - '0', 3));  // other tools count to P4 or P5
}

std::vector<std::pair<std::string, Priority>> IncidentOptions::DefaultSeverityMap() {
  return {
      {"emergency", Priority::kP0}, {"fatal", Priority::kP0},  {"page", Priority::kP1},   {"critical", Priority::kP1},
      {"error", Priority::kP1},     {"major", Priority::kP1},  {"high", Priority::kP1},   {"warning", Priority::kP2},
      {"warn", Priority::kP2},      {"minor", Priority::kP2},  {"medium", Priority::kP2}, {"ticket", Priority::kP2},
      {"info", Priority::kP3},      {"notice", Priority::kP3}, {"low", Priority::kP3},    {"none", Priority::kP3}};
}

std::vector<KindRule> IncidentOptions::DefaultKinds() {
  // Patterns follow the names people and the common rule collections give their alerts.
  return {
      {"data loss", "data_?loss|corrupt|split_?brain|unrecoverable", Priority::kP0},
      {"security", "security|breach|intrusion|certificate_?expired", Priority::kP0},
      {"info", "^(watchdog|info_?inhibitor|dead_?mans?_?switch)$|info$", Priority::kP3},
      {"own agent", "vedette|agent_?(down|fail)|scrape_?(pool|sync)|rule_?(evaluation)?_?fail|notification.*fail",
       Priority::kP1},
      {"target down",
       "down$|^down|(instance|target|service|host|node|endpoint|probe|job)_?.*(down|absent|unreachable|fail)",
       Priority::kP0},
      {"errors", "error|5xx|failure|fail(ed|ing)?$|crash|oom|panic", Priority::kP1},
      {"latency", "latency|slow|timeout|p9[0-9]|response_?time|duration", Priority::kP1},
      {"forecast", "forecast|predict|will_?(fill|run)|exhaust", Priority::kP2},
      {"anomaly", "anomal|outlier|unusual", Priority::kP2},
      {"resource", "cpu|memory|mem_|disk|filesystem|inode|swap|load|network|quota|saturat|pressure|capacity",
       Priority::kP2},
  };
}

Status IncidentOptions::Validate() const {
  if (!(wide_share > 0 && wide_share <= 1)) {
    return Fail(Code::kBadData, "incidents: wide_share {} is outside (0, 1]", wide_share);
  }
  for (std::size_t i = 0; i < response_targets.size(); ++i) {
    if (response_targets[i] <= Millis(0)) {
      return Fail(Code::kBadData, "incidents: the response target of P{} must be positive", i);
    }
  }
  if (deescalate_after < Millis(0)) return Fail(Code::kBadData, "incidents: deescalate_after is negative");
  if (max_open == 0 || max_alerts == 0) {
    return Fail(Code::kBadData, "incidents: max_open and max_alerts must be positive");
  }
  for (const KindRule& rule : kinds) {
    if (auto regex = Regex::Compile("(?i)" + rule.pattern); !regex) {
      return Annotate(fmt::format("incidents: kind '{}'", rule.kind), std::move(regex).error());
    }
  }
  return Ok();
}

}  // namespace vedette::alerting
