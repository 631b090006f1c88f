// An incident: one trouble, from its first alert to its last, with a priority and the reason for it.
//
// Its id is made of the group labels alone, so that neither a new route, a renamed receiver nor another order of rules
// changes it; receivers use it to tell what belongs together (PagerDuty's dedup_key). Its number counts episodes: the
// same trouble coming back after it was resolved has the same id and a new number. Plain data; IncidentBook changes it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "alerting/incident/options.h"
#include "alerting/rules/alert.h"
#include "core/labels.h"
#include "core/time.h"

namespace vedette::alerting {

/// One alert as its incident knows it.
struct IncidentAlert {
  Labels labels, annotations;
  std::string generator_url;
  double value = 0;  // of the expression when last seen
  TimeMs starts_at;
  std::optional<TimeMs> ended_at;  // nothing: firing
  AlertKind kind = AlertKind::kRule;
  RuleRef rule;
  std::vector<Evidence> evidence;  // of the alert itself: scores, estimates
  /// Its rule does not know it any more: it counts as ended then, unless it is heard of again before.
  std::optional<TimeMs> ends_unless_confirmed;

  bool firing() const { return !ended_at.has_value(); }

  std::uint64_t Fingerprint() const { return labels.Hash(); }
  std::string_view Name() const { return labels.Get("alertname"); }
};

/// One input of the classification and what it did to the priority.
struct Reason {
  std::string input;  // "label", "kind", "blast_radius", "bound", "hold"
  std::string text;   // "severity=critical (label)"
  int weight = 0;     // steps towards P0; 0: base or no effect
  bool operator==(const Reason&) const = default;
};

/// "P1 because severity=critical (label), 3 of 4 targets of job api are affected (+1)"
std::string ReasonText(Priority priority, std::span<const Reason> reasons);

struct Incident {
  std::uint64_t number = 0;
  std::string id;
  Labels group_labels;
  Priority priority = Priority::kP3;
  std::vector<Reason> reasons;
  TimeMs started_at;
  TimeMs updated_at;
  std::optional<TimeMs> acknowledged_at;
  std::string acknowledged_by;
  std::optional<TimeMs> resolved_at;              // nothing: open
  std::optional<TimeMs> less_urgent_since;        // since when the evidence asks for a lower priority
  std::map<std::uint64_t, IncidentAlert> alerts;  // by fingerprint; resolved ones stay until the incident is forgotten
  std::size_t firing = 0;                         // of `alerts`
  /// Resolved, and every receiver that had to hear of it has a message on its way: the next alert opens a new episode.
  bool settled = false;

  bool open() const { return !resolved_at.has_value(); }
  /// Until when somebody should have acknowledged it.
  TimeMs RespondBy(const IncidentOptions& options) const {
    return started_at + options.response_targets[static_cast<std::size_t>(priority)];
  }
};

/// Stable id of a trouble: the alert's name for people, then a hash of the group labels. At most 100 characters of
/// [A-Za-z0-9_.-].
std::string IncidentId(const Labels& group_labels);

}  // namespace vedette::alerting
