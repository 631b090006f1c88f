// Who hears of which alert: Alertmanager's routing tree and inhibition rules as plain data.
//
// config/ fills these from `route`, `inhibit_rules` and `receivers` in Alertmanager's shape; route/tree.h compiles
// them. What is left out in a child route is inherited from its parent (RouteTree does that, not the options).
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/matcher.h"
#include "core/result.h"
#include "core/time.h"

namespace vedette::alerting {

/// What the root route assumes where nothing is said; Alertmanager's defaults.
inline constexpr Millis kDefaultGroupWait = std::chrono::seconds(30);
inline constexpr Millis kDefaultGroupInterval = std::chrono::minutes(5);
inline constexpr Millis kDefaultRepeatInterval = std::chrono::hours(4);

/// What tells one trouble from another where the configuration names no group_by at all. (Alertmanager would then put
/// everything into one group, in which a second trouble goes unnoticed.)
inline constexpr std::array<std::string_view, 5> kDefaultGroupBy = {"alertname", "cluster", "job", "namespace",
                                                                    "service"};

/// In group_by: every label, so that each alert is a group of its own.
inline constexpr std::string_view kGroupByAll = "...";

struct RouteOptions {
  std::string receiver;           // empty: the parent's; the root must name one
  std::vector<Matcher> matchers;  // all have to hold; `match` and `match_re` end up here as well (route/matchers.h)
  /// Label names; "..." alone: every label. An empty list overrides the parent's (one incident for everything),
  /// absence inherits it. Named nowhere, kDefaultGroupBy holds: an incident is one trouble.
  std::optional<std::vector<std::string>> group_by;
  bool continue_matching = false;  // `continue`: look at the following siblings too
  std::optional<Millis> group_wait, group_interval, repeat_interval;
  std::vector<std::string> mute_time_intervals, active_time_intervals;
  std::vector<RouteOptions> routes;

  /// Checks this route as the root of a tree. Errors: kBadData names the route by its path and the offending value.
  /// Receivers and time intervals have to be among the names given.
  Status Validate(std::span<const std::string> receivers, std::span<const std::string> time_intervals) const;
};

/// Alerts that match `target` are muted while another alert matches `source` and agrees in the `equal` labels.
struct InhibitRule {
  std::vector<Matcher> source_matchers, target_matchers;
  std::vector<std::string> equal;

  Status Validate() const;
};

}  // namespace vedette::alerting
