// Sums, means and variances that keep the digits Prometheus keeps: aggregations and *_over_time share them.
//
// Compensated after Kahan and Neumaier (Neumaier, ZAMM 54, 1974). The translation units are compiled without
// contraction, and nobody may compile them with -ffast-math.
#pragma once

#include <cmath>
#include <limits>

namespace vedette::promql {

inline constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
inline constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// A running sum and the low-order part that its additions lost.
struct CompensatedSum {
  double sum = 0, lost = 0;

  void Add(double value) {
    const double total = sum + value;
    if (std::isinf(total)) {
      lost = 0;
    } else if (std::fabs(sum) >= std::fabs(value)) {
      lost += (sum - total) + value;
    } else {
      lost += (value - total) + sum;
    }
    sum = total;
  }
  /// Two partial sums to one.
  void Merge(const CompensatedSum& other) {
    Add(other.sum);
    if (!std::isinf(sum)) lost += other.lost;
  }
  double Value() const { return std::isinf(sum) ? sum : sum + lost; }
};

/// Arithmetic mean: sum over count, and an incremental mean from the moment the sum would overflow.
class CompensatedMean {
 public:
  void Add(double value) {
    ++count_;
    if (count_ == 1) {
      sum_.sum = value;
      return;
    }
    if (!incremental_) {
      CompensatedSum next = sum_;
      next.Add(value);
      if (!std::isinf(next.sum)) {
        sum_ = next;
        return;
      }
      incremental_ = true;
      sum_.sum /= count_ - 1;
      sum_.lost /= count_ - 1;
    }
    const double weight = (count_ - 1) / count_;
    sum_.sum *= weight;
    sum_.lost *= weight;
    sum_.Add(value / count_);
  }
  double Value() const { return incremental_ ? sum_.sum + sum_.lost : sum_.sum / count_ + sum_.lost / count_; }
  double count() const { return count_; }

 private:
  CompensatedSum sum_;
  double count_ = 0;
  bool incremental_ = false;
};

/// Population variance by Welford's recurrence, its sums compensated.
struct CompensatedVariance {
  double count = 0;
  CompensatedSum mean, squares;

  void Add(double value) {
    ++count;
    const double delta = value - (mean.sum + mean.lost);
    mean.Add(delta / count);
    squares.Add(delta * (value - (mean.sum + mean.lost)));
  }
  double Value() const { return (squares.sum + squares.lost) / count; }
};

/// Population variance by Welford's recurrence as the aggregation operators compute it: a first value that is not
/// finite gives NaN.
struct PlainVariance {
  double count = 0, mean = 0, squares = 0;

  void Add(double value) {
    ++count;
    if (count == 1) {
      mean = value;
      squares = std::isfinite(value) ? 0 : kNaN;
      return;
    }
    const double delta = value - mean;
    mean += delta / count;
    squares += delta * (value - mean);
  }
  double Value() const { return squares / count; }
};

/// Order with NaN before every number, as quantiles rank it.
inline bool LessNanFirst(double a, double b) { return std::isnan(a) ? !std::isnan(b) : a < b; }

/// Quantile of values sorted by LessNanFirst, weighted between the two neighbours of the rank. NaN for NaN or no
/// values; infinite for a quantile outside [0, 1].
template <class Values>
double QuantileOfSorted(double quantile, const Values& sorted) {
  if (sorted.empty() || std::isnan(quantile)) return kNaN;
  if (quantile < 0) return -kInfinity;
  if (quantile > 1) return kInfinity;
  const double last = static_cast<double>(sorted.size() - 1);
  const double rank = quantile * last;
  const double lower = std::fmax(0, std::floor(rank));
  const double upper = std::fmin(last, lower + 1);
  const double weight = rank - std::floor(rank);
  return sorted[static_cast<std::size_t>(lower)] * (1 - weight) + sorted[static_cast<std::size_t>(upper)] * weight;
}

}  // namespace vedette::promql
