#include "tests/support/fake_clock.h"

namespace vedette::test {

void FakeClock::Advance(Millis span) {
  now_ms_ += span.count();
  monotonic_ms_ += span.count();
}

void FakeClock::Jump(TimeMs to) { now_ms_ = to.ms; }

}  // namespace vedette::test
