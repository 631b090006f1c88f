// Sums, means, variances, counts and the ends of a range.
#include <cmath>

#include "analytics/promql/eval_numerics.h"
#include "analytics/promql/window_slide.h"

namespace vedette::promql::fn {

namespace {

/// Sum and mean together: the mean needs a second way when the sum overflows.
struct MeanTotal {
  CompensatedSum sum;
  double count = 0;
  bool overflow = false;

  void Add(double value) {
    sum.Add(value);
    ++count;
    overflow = overflow || std::isinf(sum.sum);
  }
  void Merge(const MeanTotal& other) {
    sum.Merge(other.sum);
    count += other.count;
    overflow = overflow || other.overflow || std::isinf(sum.sum);
  }
};

/// Variances of two parts to that of both (Chan, Golub, LeVeque, 1979).
struct VarianceTotal {
  CompensatedVariance part;

  void Add(double value) { part.Add(value); }
  void Merge(const VarianceTotal& other) {
    if (other.part.count == 0) return;
    if (part.count == 0) {
      part = other.part;
      return;
    }
    const double count = part.count + other.part.count;
    const double delta = (other.part.mean.sum + other.part.mean.lost) - (part.mean.sum + part.mean.lost);
    part.mean.Add(delta * (other.part.count / count));
    part.squares.Merge(other.part.squares);
    part.squares.Add(delta * delta * part.count * (other.part.count / count));
    part.count = count;
  }
};

double DirectMean(std::span<const double> values) {
  CompensatedMean mean;
  for (const double value : values) mean.Add(value);
  return mean.Value();
}

template <class Pick>
Status Each(const WindowInput& input, std::span<double> out, const Pick& pick) {
  return ForEachWindow(input, [&](std::size_t step, const Window& window) { out[step] = pick(window); });
}

}  // namespace

Status SumOverTime(const WindowInput& input, std::span<double> out) {
  return SlideTotals<CompensatedSum>(input, out, [](const CompensatedSum& total) { return total.Value(); });
}

Status AvgOverTime(const WindowInput& input, std::span<double> out) {
  if (DirectIsCheap(input)) {
    return Each(input, out,
                [&](const Window& window) { return DirectMean(input.values.subspan(window.begin, window.size())); });
  }
  SlidingTotal<MeanTotal> sliding(input.values);
  return Each(input, out, [&](const Window& window) {
    const MeanTotal total = sliding.At(window);
    if (total.overflow) return DirectMean(input.values.subspan(window.begin, window.size()));
    return total.sum.sum / total.count + total.sum.lost / total.count;
  });
}

Status StdvarOverTime(const WindowInput& input, std::span<double> out) {
  return SlideTotals<VarianceTotal>(input, out, [](const VarianceTotal& total) { return total.part.Value(); });
}

Status StddevOverTime(const WindowInput& input, std::span<double> out) {
  return SlideTotals<VarianceTotal>(input, out,
                                    [](const VarianceTotal& total) { return std::sqrt(total.part.Value()); });
}

Status CountOverTime(const WindowInput& input, std::span<double> out) {
  return Each(input, out, [](const Window& window) { return static_cast<double>(window.size()); });
}

Status PresentOverTime(const WindowInput& input, std::span<double> out) {
  return Each(input, out, [](const Window&) { return 1.0; });
}

Status FirstOverTime(const WindowInput& input, std::span<double> out) {
  return Each(input, out, [&](const Window& window) { return input.values[window.begin]; });
}

Status LastOverTime(const WindowInput& input, std::span<double> out) {
  return Each(input, out, [&](const Window& window) { return input.values[window.end - 1]; });
}

Status TsOfFirstOverTime(const WindowInput& input, std::span<double> out) {
  return Each(input, out,
              [&](const Window& window) { return static_cast<double>(input.times[window.begin]) / 1000.0; });
}

Status TsOfLastOverTime(const WindowInput& input, std::span<double> out) {
  return Each(input, out,
              [&](const Window& window) { return static_cast<double>(input.times[window.end - 1]) / 1000.0; });
}

}  // namespace vedette::promql::fn
