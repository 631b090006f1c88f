// Where the time comes from. Everything that reads the time takes a Clock&, so that tests decide what time it is.
#pragma once

#include "core/time.h"

namespace vedette {

class Clock {
 public:
  virtual ~Clock() = default;
  /// Wall-clock time. May jump.
  virtual TimeMs Now() const = 0;
  /// Time that only goes forward, from an arbitrary origin: for time-outs and durations.
  virtual std::chrono::nanoseconds Monotonic() const = 0;
};

/// The clocks of the operating system. Thread-safe; lives as long as the process.
const Clock& SystemClock();

/// When a piece of waiting has to end, in monotonic time.
class Deadline {
 public:
  Deadline(const Clock& clock, Millis span) : clock_(&clock), end_(clock.Monotonic() + span) {}
  bool Passed() const { return clock_->Monotonic() >= end_; }
  /// Time left, zero when it has passed.
  Millis Left() const {
    const auto left = end_ - clock_->Monotonic();
    return left.count() > 0 ? std::chrono::ceil<Millis>(left) : Millis(0);
  }

 private:
  const Clock* clock_;
  std::chrono::nanoseconds end_;
};

}  // namespace vedette
