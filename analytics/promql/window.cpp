// Where the windows of a range function lie.
#include "analytics/promql/window.h"

#include <algorithm>
#include <cstdint>

namespace vedette::promql {

namespace {

/// Moves on to the first sample behind a time. Samples mostly come at one distance, so that where it is can be guessed.
class Place {
 public:
  /// `stride`: ms from one step to the next.
  Place(std::span<const std::int64_t> times, std::int64_t stride) : times_(times) {
    constexpr std::int64_t kWorthGuessing = 12;
    if (times.size() < 2) return;
    const std::int64_t distance = times[1] - times[0];
    if (distance > 0 && stride / distance >= kWorthGuessing) distance_ = distance;
  }

  /// `time` does not go back.
  std::size_t Behind(std::int64_t time) {
    if (distance_ > 0 && at_ < times_.size() && times_[at_] <= time) {
      const auto skipped = static_cast<std::uint64_t>(MinusSaturated(time, times_[at_]) / distance_);
      const std::size_t guess = std::min<std::uint64_t>(skipped, times_.size() - 1 - at_) + at_ + 1;
      if (times_[guess - 1] <= time) at_ = guess;  // else there are gaps: one by one
    }
    while (at_ < times_.size() && times_[at_] <= time) ++at_;
    return at_;
  }

 private:
  const std::span<const std::int64_t> times_;
  std::int64_t distance_ = 0;  // 0: no guessing
  std::size_t at_ = 0;
};

}  // namespace

void FindWindows(std::span<const std::int64_t> times, const Steps& steps, const RangeShape& range,
                 std::vector<Window>& out) {
  out.resize(steps.count);
  // From the first sample on, a single step is far.
  const std::int64_t stride = steps.count > 1 ? steps.step : INT64_MAX;
  Place begin(times, stride), end(times, stride);
  for (std::size_t step = 0; step < steps.count; ++step) {
    const std::int64_t at = steps.At(step);
    const std::size_t last = end.Behind(MinusSaturated(range.End(at), -range.after_ms));
    const std::size_t first = begin.Behind(MinusSaturated(range.Start(at), range.before_ms));
    out[step] = {std::min(first, last), last};
  }
}

std::span<const Window> WindowMemo::Find(std::span<const std::int64_t> times, const Steps& steps,
                                         const RangeShape& range) {
  if (known_ && std::ranges::equal(times, times_)) return windows_;
  FindWindows(times, steps, range, windows_);
  times_.assign(times.begin(), times.end());
  rates.reset();
  known_ = true;
  return windows_;
}

}  // namespace vedette::promql
