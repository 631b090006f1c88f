#include "analytics/forecast/interval.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "analytics/forecast/season.h"

namespace vedette::analytics {
namespace {

constexpr Eigen::Index kMaxOrigins = 24;
constexpr Eigen::Index kMinErrors = 10;
constexpr double kMaxMissing = 0.5;
constexpr double kMaxMagnitude = 1e150;  // beyond this errors overflow when they are squared
constexpr double kPoolRatio = 1.5;       // horizons within this factor share their errors

/// Errors y - forecast of the back test, one row per origin; NaN where nothing is known.
struct BackTest {
  Eigen::MatrixXd errors;
  double error_ratio = 1;
};

/// A series that is younger than its history window starts with missing samples; models start with data.
Eigen::Index FirstPresent(const Eigen::Ref<const Eigen::VectorXd>& y) {
  Eigen::Index first = 0;
  while (first < y.size() && !std::isfinite(y[first])) ++first;
  return first;
}

Status CheckHistory(const Eigen::Ref<const Eigen::VectorXd>& y) {
  Eigen::Index present = 0;
  for (const double value : y) {
    if (!std::isfinite(value)) continue;
    if (std::abs(value) > kMaxMagnitude)
      return Fail(Code::kBadData, "values beyond {} cannot be forecast", kMaxMagnitude);
    ++present;
  }
  if (present < kMinErrors) return Fail(Code::kBadData, "{} samples are too few, {} are needed", present, kMinErrors);
  const auto missing = 1 - static_cast<double>(present) / static_cast<double>(y.size());
  if (missing > kMaxMissing) return Fail(Code::kBadData, "{:.0f} % of the samples are missing", missing * 100);
  return Ok();
}

/// Up to kMaxOrigins of them, evenly from `first` to n - 1: the last ones only see the shortest horizons.
std::vector<Eigen::Index> Origins(Eigen::Index first, Eigen::Index n) {
  const Eigen::Index count = std::min(kMaxOrigins, n - first);
  std::vector<Eigen::Index> origins;
  for (Eigen::Index i = 0; i < count; ++i) {
    origins.push_back(count == 1 ? n - 1 : first + (n - 1 - first) * i / (count - 1));
  }
  return origins;
}

Result<BackTest> RunBackTest(const PointModel& model, const Eigen::Ref<const Eigen::VectorXd>& y, Eigen::Index season,
                             Eigen::Index horizon) {
  const std::unique_ptr<PointModel> naive = FindForecaster("seasonal_naive")->make();
  VEDETTE_CHECK(naive->Fit(y, season));
  const Eigen::Index n = y.size();
  const std::vector<Eigen::Index> origins = Origins(std::max(model.MinHistory(season), n / 3), n);
  BackTest test;
  test.errors.setConstant(static_cast<Eigen::Index>(origins.size()), horizon, std::nan(""));
  double own = 0, other = 0;
  for (Eigen::Index row = 0; row < test.errors.rows(); ++row) {
    const Eigen::Index origin = origins[static_cast<std::size_t>(row)];
    const Eigen::Index known = std::min(horizon, n - origin);
    const Eigen::VectorXd error = y.segment(origin, known) - model.Predict(origin, known);
    const Eigen::VectorXd naive_error = y.segment(origin, known) - naive->Predict(origin, known);
    test.errors.row(row).head(known) = error.transpose();
    for (Eigen::Index h = 0; h < known; ++h) {
      if (!std::isfinite(error[h]) || !std::isfinite(naive_error[h])) continue;
      own += std::abs(error[h]);
      other += std::abs(naive_error[h]);
    }
  }
  test.error_ratio = other > 0 ? own / other : own > 0 ? kMaxMagnitude : 1;
  return test;
}

/// Errors of the horizons around `h`, sorted.
std::vector<double> PooledErrors(const Eigen::MatrixXd& errors, Eigen::Index h) {
  const auto ahead = static_cast<double>(h + 1);
  const auto from = static_cast<Eigen::Index>(std::ceil(ahead / kPoolRatio)) - 1;
  const Eigen::Index to = std::min(static_cast<Eigen::Index>(ahead * kPoolRatio) - 1, errors.cols() - 1);
  std::vector<double> pool;
  for (Eigen::Index row = 0; row < errors.rows(); ++row) {
    for (Eigen::Index column = from; column <= to; ++column) {
      if (std::isfinite(errors(row, column))) pool.push_back(errors(row, column));
    }
  }
  std::sort(pool.begin(), pool.end());
  return pool;
}

/// How far the outer quantiles lie from the forecast, for each horizon: never above 0 and never below 0.
Eigen::Matrix<double, Eigen::Dynamic, 2> Spread(const Eigen::MatrixXd& errors) {
  Eigen::Matrix<double, Eigen::Dynamic, 2> spread(errors.cols(), 2);
  Eigen::RowVector2d widest(0, 0);
  Eigen::Index last_known = 0;
  // Neighbours share nearly all of their pool: one horizon in each twentieth of the way is worked out, the rest follow.
  Eigen::Index next = 0;
  for (Eigen::Index h = 0; h < errors.cols(); ++h) {
    if (h == next) {
      next += 1 + h / 20;
      const std::vector<double> pool = PooledErrors(errors, h);
      if (!pool.empty()) {
        widest[0] = std::min(widest[0], ConformalQuantile(pool, kForecastQuantiles.front()));
        widest[1] = std::max(widest[1], ConformalQuantile(pool, kForecastQuantiles.back()));
        last_known = h;
      }
    }
    const double growth = static_cast<double>(h + 1) / static_cast<double>(last_known + 1);
    spread.row(h) = widest * (h > last_known + last_known / 10 ? std::sqrt(growth) : 1);
  }
  return spread;
}

}  // namespace

double ConformalQuantile(const std::vector<double>& sorted, double q) {
  const auto m = static_cast<double>(sorted.size());
  const double position = std::clamp((m + 1) * q, 1.0, m) - 1;
  const auto below = static_cast<std::size_t>(position);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (position - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

Result<Forecast> MakeForecast(const ForecasterSpec& spec, const Eigen::Ref<const Eigen::VectorXd>& history,
                              Eigen::Index season, Eigen::Index horizon) {
  if (season < 0 || horizon < 1) return Fail(Code::kBadData, "season {} or horizon {} is negative", season, horizon);
  const Eigen::Index first = FirstPresent(history);
  const Eigen::VectorXd y = history.tail(history.size() - first);
  VEDETTE_CHECK(CheckHistory(y));
  Forecast forecast;
  forecast.season = season > 0 ? season : DetectSeason(y);
  const std::unique_ptr<PointModel> model = spec.make();
  const Eigen::Index needed = model->MinHistory(forecast.season) + 1;
  if (y.size() < needed) {
    return Fail(Code::kBadData, "{} samples are too few for a season of {}: {} are needed", y.size(), forecast.season,
                needed);
  }
  VEDETTE_CHECK(model->Fit(y, forecast.season));
  VEDETTE_TRY(const BackTest test, RunBackTest(*model, y, forecast.season, horizon));
  forecast.error_ratio = test.error_ratio;
  const Eigen::VectorXd middle = model->Predict(y.size(), horizon);
  if (!middle.allFinite()) return Fail(Code::kBadData, "the model left the range of numbers");
  const Eigen::Matrix<double, Eigen::Dynamic, 2> spread = Spread(test.errors);
  forecast.quantiles.resize(horizon, 3);
  forecast.quantiles.col(0) = middle + spread.col(0);
  forecast.quantiles.col(1) = middle;
  forecast.quantiles.col(2) = middle + spread.col(1);
  return forecast;
}

}  // namespace vedette::analytics
