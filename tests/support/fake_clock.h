// A clock that stands still until a test moves it.
#pragma once

#include <atomic>

#include "core/clock.h"

namespace vedette::test {

class FakeClock final : public Clock {
 public:
  explicit FakeClock(TimeMs now = TimeMs(1'700'000'000'000)) : now_ms_(now.ms) {}
  TimeMs Now() const override { return TimeMs(now_ms_.load()); }
  std::chrono::nanoseconds Monotonic() const override { return Millis(monotonic_ms_.load()); }

  /// Both clocks go forward.
  void Advance(Millis span);
  /// The wall clock jumps, the monotonic one does not.
  void Jump(TimeMs to);

 private:
  std::atomic<std::int64_t> now_ms_;
  std::atomic<std::int64_t> monotonic_ms_{1'000'000};
};

}  // namespace vedette::test
