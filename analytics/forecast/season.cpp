#include "analytics/forecast/season.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace vedette::analytics {
namespace {

constexpr Eigen::Index kMaxSearched = 2048;
constexpr double kMinCorrelation = 0.3;
constexpr double kNoiseFactor = 4;
constexpr double kNearlyHighest = 0.95;

/// y minus the least-squares line through what is finite; missing samples become 0 and are marked in `present`.
Eigen::VectorXd Detrended(const Eigen::Ref<const Eigen::VectorXd>& y, Eigen::VectorXd& present) {
  const Eigen::Index n = y.size();
  present = y.unaryExpr([](double value) { return std::isfinite(value) ? 1.0 : 0.0; });
  const double count = present.sum();
  if (count < 3) return Eigen::VectorXd::Zero(n);
  const Eigen::VectorXd t = Eigen::VectorXd::LinSpaced(n, 0, static_cast<double>(n - 1));
  const Eigen::VectorXd filled = y.unaryExpr([](double value) { return std::isfinite(value) ? value : 0.0; });
  const double t_mean = t.dot(present) / count, y_mean = filled.sum() / count;
  const Eigen::VectorXd t_centred = (t.array() - t_mean).matrix().cwiseProduct(present);
  const Eigen::VectorXd y_centred = (filled.array() - y_mean).matrix().cwiseProduct(present);
  const double slope = t_centred.dot(y_centred) / t_centred.squaredNorm();
  return y_centred - slope * t_centred;
}

/// `x` has 0 where a sample is missing, so missing pairs add nothing; `present` counts the others.
double CorrelationAt(const Eigen::VectorXd& x, const Eigen::VectorXd& present, Eigen::Index lag) {
  const Eigen::Index pairs = x.size() - lag;
  const double both = present.head(pairs).dot(present.tail(pairs));
  const double variance = x.squaredNorm() / std::max(present.sum(), 1.0);
  if (both < 2 || !(variance > 0) || !std::isfinite(variance)) return 0;
  return x.head(pairs).dot(x.tail(pairs)) / both / variance;
}

/// Means of `factor` neighbours each.
Eigen::VectorXd AveragedDown(const Eigen::Ref<const Eigen::VectorXd>& y, Eigen::Index factor) {
  Eigen::VectorXd out(y.size() / factor);
  for (Eigen::Index i = 0; i < out.size(); ++i) {
    double sum = 0;
    int count = 0;
    for (Eigen::Index k = 0; k < factor; ++k) {
      const double value = y[i * factor + k];
      if (!std::isfinite(value)) continue;
      sum += value;
      ++count;
    }
    out[i] = count == 0 ? std::numeric_limits<double>::quiet_NaN() : sum / count;
  }
  return out;
}

/// The lag of the shortest of the high peaks; 1 when there is none.
Eigen::Index FindPeak(const Eigen::VectorXd& x, const Eigen::VectorXd& present) {
  const Eigen::Index longest = x.size() / 3;
  std::vector<double> correlation(static_cast<std::size_t>(longest) + 2);
  for (std::size_t lag = 1; lag < correlation.size(); ++lag) {
    correlation[lag] = CorrelationAt(x, present, static_cast<Eigen::Index>(lag));
  }
  const auto is_peak = [&](std::size_t lag) {
    return correlation[lag] >= correlation[lag - 1] && correlation[lag] > correlation[lag + 1];
  };
  double highest = std::max(kMinCorrelation, kNoiseFactor / std::sqrt(std::max(present.sum(), 1.0)));
  std::size_t found = 1;
  for (std::size_t lag = 2; lag + 1 < correlation.size(); ++lag) {
    if (is_peak(lag) && correlation[lag] > highest) {
      if (found == 1 || correlation[lag] * kNearlyHighest > highest) found = lag;
      highest = correlation[lag];
    }
  }
  return static_cast<Eigen::Index>(found);
}

}  // namespace

double Autocorrelation(const Eigen::Ref<const Eigen::VectorXd>& y, Eigen::Index lag) {
  Eigen::VectorXd present;
  const Eigen::VectorXd x = Detrended(y, present);
  return CorrelationAt(x, present, lag);
}

Eigen::Index DetectSeason(const Eigen::Ref<const Eigen::VectorXd>& y) {
  constexpr Eigen::Index kFewest = 8;
  if (y.size() < kFewest) return 1;
  const Eigen::Index factor = (y.size() + kMaxSearched - 1) / kMaxSearched;
  Eigen::VectorXd present;
  const Eigen::VectorXd coarse = Detrended(AveragedDown(y, factor), present);
  const Eigen::Index peak = FindPeak(coarse, present);
  if (peak == 1 || factor == 1) return peak;
  const Eigen::VectorXd fine = Detrended(y, present);
  Eigen::Index best = peak * factor;
  double highest = -1;
  for (Eigen::Index lag = (peak - 1) * factor; lag <= std::min((peak + 1) * factor, y.size() - 1); ++lag) {
    const double correlation = CorrelationAt(fine, present, lag);
    if (correlation > highest) {
      highest = correlation;
      best = lag;
    }
  }
  return best;
}

}  // namespace vedette::analytics
