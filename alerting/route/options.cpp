#include "alerting/route/options.h"

#include <algorithm>

#include "core/labels.h"

namespace vedette::alerting {
namespace {

/// Routes nest as deep as people write them; this is far beyond and keeps every walk off the stack's end.
constexpr int kMaxDepth = 64;

bool Contains(std::span<const std::string> names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Status CheckGroupBy(const std::vector<std::string>& group_by, const std::string& path) {
  for (std::size_t i = 0; i < group_by.size(); ++i) {
    const std::string& name = group_by[i];
    if (name == kGroupByAll) {
      if (group_by.size() > 1) return Fail(Code::kBadData, "{}: group_by '...' cannot stand beside other labels", path);
    } else if (name.empty() || !IsValidUtf8(name)) {
      return Fail(Code::kBadData, "{}: group_by {} is not a label name", path, Quote(name));
    }
    if (Contains(std::span(group_by).first(i), name)) {
      return Fail(Code::kBadData, "{}: group_by names '{}' twice", path, name);
    }
  }
  return Ok();
}

Status CheckRoute(const RouteOptions& route, std::span<const std::string> receivers,
                  std::span<const std::string> intervals, const std::string& path, int depth) {
  if (depth > kMaxDepth) return Fail(Code::kBadData, "{}: routes are nested more than {} deep", path, kMaxDepth);
  if (!route.receiver.empty() && !Contains(receivers, route.receiver)) {
    return Fail(Code::kBadData, "{}: receiver '{}' is not defined", path, route.receiver);
  }
  if (route.group_by) VEDETTE_CHECK(CheckGroupBy(*route.group_by, path));
  if (route.group_wait && *route.group_wait < Millis(0)) {
    return Fail(Code::kBadData, "{}: group_wait is negative", path);
  }
  if (route.group_interval && *route.group_interval <= Millis(0)) {
    return Fail(Code::kBadData, "{}: group_interval cannot be zero", path);
  }
  if (route.repeat_interval && *route.repeat_interval <= Millis(0)) {
    return Fail(Code::kBadData, "{}: repeat_interval cannot be zero", path);
  }
  for (const auto* names : {&route.mute_time_intervals, &route.active_time_intervals}) {
    for (const std::string& name : *names) {
      if (!Contains(intervals, name)) return Fail(Code::kBadData, "{}: time interval '{}' is not defined", path, name);
    }
  }
  for (std::size_t i = 0; i < route.routes.size(); ++i) {
    VEDETTE_CHECK(CheckRoute(route.routes[i], receivers, intervals, fmt::format("{}.routes[{}]", path, i), depth + 1));
  }
  return Ok();
}

}  // namespace

Status RouteOptions::Validate(std::span<const std::string> receivers,
                              std::span<const std::string> time_intervals) const {
  if (receiver.empty()) return Fail(Code::kBadData, "route: the root route must name a receiver");
  if (!matchers.empty())
    return Fail(Code::kBadData, "route: the root route takes every alert and cannot have matchers");
  if (!mute_time_intervals.empty() || !active_time_intervals.empty()) {
    return Fail(Code::kBadData, "route: the root route cannot have mute or active time intervals");
  }
  if (continue_matching) return Fail(Code::kBadData, "route: the root route has no siblings to continue with");
  return CheckRoute(*this, receivers, time_intervals, "route", 0);
}

Status InhibitRule::Validate() const {
  for (const std::string& name : equal) {
    if (name.empty() || !IsValidUtf8(name)) {
      return Fail(Code::kBadData, "inhibit_rules: equal {} is not a label name", Quote(name));
    }
  }
  return Ok();
}

}  // namespace vedette::alerting
