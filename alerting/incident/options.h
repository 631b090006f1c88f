// How trouble is weighed and what is promised: the `incidents:` section.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/result.h"
#include "core/time.h"

namespace vedette::alerting {

/// Smaller is more urgent. Values are stored; never renumber.
enum class Priority : std::uint8_t { kP0 = 0, kP1 = 1, kP2 = 2, kP3 = 3 };
/// "P0" ... "P3"
std::string_view PriorityName(Priority priority);
/// "P0", "p1", "2", "P4" (counts as P3). Errors: kBadData.
Result<Priority> ParsePriority(std::string_view text);

/// A kind of trouble, recognised by the alert's name or a label, when no label states a priority.
struct KindRule {
  std::string kind;     // shown in the reason: "target down"
  std::string pattern;  // RE2, unanchored, case-insensitive, over alertname (or over the label `kind` when present)
  Priority priority = Priority::kP2;
};

struct IncidentOptions {
  /// Labels that state the priority itself ("P0" ... "P3"); the first present one decides, nothing adjusts it.
  std::vector<std::string> priority_labels = {"priority"};
  /// Labels whose value is looked up in `severity_map`; the result is the base and the floor.
  std::vector<std::string> severity_labels = {"severity"};
  std::vector<std::pair<std::string, Priority>> severity_map = DefaultSeverityMap();
  /// Checked in order; the first match decides. An alert that matches none is of kind "threshold", P2.
  std::vector<KindRule> kinds = DefaultKinds();
  /// Blast radius: this share of the known targets of a job or more raises by one step ...
  double wide_share = 0.5;
  /// ... and a single target of at least this many lowers by one (there is redundancy). Zero switches it off.
  std::size_t redundant_targets = 3;
  /// A priority falls only after the evidence for less has lasted this long; it rises at once.
  Millis deescalate_after = std::chrono::minutes(15);
  /// From the start to the first human acknowledgement, for P0, P1, P2, P3.
  std::array<Millis, 4> response_targets = {std::chrono::minutes(5), std::chrono::minutes(30), std::chrono::hours(2),
                                            std::chrono::hours(24)};
  /// Resolved incidents kept for the list, by number and by age.
  std::size_t keep_resolved = 1000;
  Millis keep_resolved_for = std::chrono::hours(24 * 30);
  /// Open incidents and alerts in all of them; beyond it new alerts are refused and counted.
  std::size_t max_open = 10'000;
  std::size_t max_alerts = 100'000;

  static std::vector<std::pair<std::string, Priority>> DefaultSeverityMap();
  static std::vector<KindRule> DefaultKinds();
  /// Errors: kBadData for a share outside (0, 1], a response target that is not positive, a pattern that does not
  /// compile.
  Status Validate() const;
};

}  // namespace vedette::alerting
