// Waiting for a place, with an end in sight.
#include "analytics/promql/engine_gate.h"

#include <algorithm>

namespace vedette::promql {

Result<QueryGate::Place> QueryGate::Enter(const Deadline& deadline, std::stop_token stop) {
  // The deadline follows a clock that only its owner moves, so it is looked at every now and then.
  constexpr Millis kLongestNap(100);
  std::unique_lock lock(mutex_);
  ++waiting_;
  while (free_ == 0 && !stop.stop_requested() && !deadline.Passed()) {
    freed_.wait_for(lock, stop, std::clamp(deadline.Left(), Millis(1), kLongestNap), [this] { return free_ > 0; });
  }
  --waiting_;
  if (free_ > 0) {
    --free_;
    return Place(*this);
  }
  if (stop.stop_requested()) return Fail(Code::kCanceled, "query was canceled in query queue");
  return Fail(Code::kTimeout, "query timed out in query queue");
}

std::size_t QueryGate::waiting() const {
  const std::lock_guard lock(mutex_);
  return waiting_;
}

void QueryGate::Leave() {
  {
    const std::lock_guard lock(mutex_);
    ++free_;
  }
  freed_.notify_one();
}

}  // namespace vedette::promql
