// When a rule group is evaluated: wall-clock slots at multiples of the interval plus an offset that is the group's own,
// so that load is spread and the slots are the same after a restart.
#pragma once

#include <cstddef>
#include <string_view>

#include "core/time.h"

namespace vedette::alerting {

class GroupSchedule {
 public:
  /// The offset is a hash of file and group name, modulo the interval. `interval` > 0.
  GroupSchedule(std::string_view file, std::string_view group, Millis interval);

  Millis interval() const { return interval_; }
  Millis offset() const { return offset_; }
  /// The last slot that is not after `time`.
  TimeMs SlotAt(TimeMs time) const;
  /// The first slot after `time`.
  TimeMs SlotAfter(TimeMs time) const { return SlotAt(time) + interval_; }

  struct Next {
    TimeMs slot;
    std::size_t missed = 0;  // whole slots that passed meanwhile
  };
  /// What comes after the evaluation of `last` that ended at `now`. Slots before now's are skipped; a clock that was
  /// set back by more than an interval starts anew from `now`.
  Next After(TimeMs last, TimeMs now) const;

 private:
  Millis interval_, offset_;
};

}  // namespace vedette::alerting
