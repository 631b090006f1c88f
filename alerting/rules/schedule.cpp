#include "alerting/rules/schedule.h"

#include "core/labels.h"

namespace vedette::alerting {

GroupSchedule::GroupSchedule(std::string_view file, std::string_view group, Millis interval) : interval_(interval) {
  const std::uint64_t hash = Labels{{"file", file}, {"group", group}}.Hash();
  offset_ = Millis(static_cast<std::int64_t>(hash % static_cast<std::uint64_t>(interval.count())));
}

TimeMs GroupSchedule::SlotAt(TimeMs time) const {
  const std::int64_t interval = interval_.count();
  std::int64_t past = (time.ms - offset_.count()) % interval;
  if (past < 0) past += interval;
  return time - Millis(past);
}

GroupSchedule::Next GroupSchedule::After(TimeMs last, TimeMs now) const {
  if (now + interval_ < last) return {SlotAfter(now), 0};
  const TimeMs next = last + interval_;
  if (now < next + interval_) return {next, 0};
  // The slot that is due now is evaluated late, those before it are gone.
  const TimeMs due = SlotAt(now);
  return {due, static_cast<std::size_t>((due - next).count() / interval_.count())};
}

}  // namespace vedette::alerting
