// Where the windows of a range function lie.
#include "analytics/promql/window.h"

#include <algorithm>

namespace vedette::promql {

void FindWindows(std::span<const std::int64_t> times, const Steps& steps, const RangeShape& range,
                 std::vector<Window>& out) {
  out.resize(steps.count);
  Window window;
  for (std::size_t step = 0; step < steps.count; ++step) {
    const std::int64_t at = steps.At(step);
    const std::int64_t last = MinusSaturated(range.End(at), -range.after_ms);
    const std::int64_t before_first = MinusSaturated(range.Start(at), range.before_ms);
    while (window.end < times.size() && times[window.end] <= last) ++window.end;
    while (window.begin < window.end && times[window.begin] <= before_first) ++window.begin;
    out[step] = window;
  }
}

}  // namespace vedette::promql
