// Where the windows of a range function lie.
#include "analytics/promql/window.h"

#include <algorithm>
#include <cstdint>

namespace vedette::promql {

namespace {

/// Moves on to the first sample behind a time. Samples and steps mostly come at one distance each, so that it is as far
/// as the last time.
class Place {
 public:
  /// `first`: the first time that is asked for.
  Place(std::span<const std::int64_t> times, std::int64_t first)
      : times_(times), at_(static_cast<std::size_t>(std::ranges::upper_bound(times, first) - times.begin())) {}

  /// `time` does not go back.
  std::size_t Behind(std::int64_t time) {
    const std::size_t before = at_;
    at_ = std::min(before + advance_, times_.size());
    // Back no further than it went forward at once, so all steps together cost no more than the samples.
    while (at_ > before && times_[at_ - 1] > time) --at_;
    while (at_ < times_.size() && times_[at_] <= time) ++at_;
    advance_ = at_ - before;
    return at_;
  }

 private:
  const std::span<const std::int64_t> times_;
  std::size_t at_, advance_ = 0;
};

}  // namespace

void FindWindows(std::span<const std::int64_t> times, const Steps& steps, const RangeShape& range,
                 std::vector<Window>& out) {
  const auto end_at = [&](std::int64_t at) { return MinusSaturated(range.End(at), -range.after_ms); };
  const auto begin_at = [&](std::int64_t at) { return MinusSaturated(range.Start(at), range.before_ms); };
  out.resize(steps.count);
  Place begin(times, begin_at(steps.start)), end(times, end_at(steps.start));
  for (std::size_t step = 0; step < steps.count; ++step) {
    const std::int64_t at = steps.At(step);
    const std::size_t last = end.Behind(end_at(at));
    const std::size_t first = begin.Behind(begin_at(at));
    out[step] = {std::min(first, last), last};
  }
}

std::span<const Window> WindowMemo::Find(std::span<const std::int64_t> times, const Steps& steps,
                                         const RangeShape& range) {
  // To compare many samples with those of few windows takes longer than to find these.
  constexpr std::size_t kManySamples = 8;
  const bool compares = times.size() <= kManySamples * steps.count;
  if (compares && known_ && std::ranges::equal(times, times_)) return windows_;
  FindWindows(times, steps, range, found_);
  if (!SameEnds(times)) rates.reset();
  windows_.swap(found_);
  known_ = compares;
  if (compares) times_.assign(times.begin(), times.end());
  return windows_;
}

bool WindowMemo::SameEnds(std::span<const std::int64_t> times) {
  bool same = found_.size() == windows_.size() && ends_.size() == found_.size();
  ends_.resize(found_.size());
  for (std::size_t step = 0; step < found_.size(); ++step) {
    const Window& window = found_[step];
    const Ends ends = window.size() == 0 ? Ends{} : Ends{times[window.begin], times[window.end - 1]};
    same = same && ends == ends_[step] && window.size() == windows_[step].size();
    ends_[step] = ends;
  }
  return same;
}

}  // namespace vedette::promql
