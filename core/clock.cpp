#include "core/clock.h"

namespace vedette {
namespace {

class OsClock final : public Clock {
 public:
  TimeMs Now() const override {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return TimeMs(std::chrono::floor<Millis>(now).count());
  }
  std::chrono::nanoseconds Monotonic() const override { return std::chrono::steady_clock::now().time_since_epoch(); }
};

}  // namespace

const Clock& SystemClock() {
  static const OsClock clock;
  return clock;
}

}  // namespace vedette
