// The forecast models against closed forms and a slow, obvious version; seasons; intervals.
#include <cmath>
#include <random>

#include "analytics/forecast/holt_winters.h"
#include "analytics/forecast/interval.h"
#include "analytics/forecast/season.h"
#include "analytics/forecast/seasonal_naive.h"
#include "tests/support/catch.h"

namespace vedette::analytics {
namespace {

const double kNan = std::nan("");

Eigen::VectorXd Series(Eigen::Index n, const std::function<double(double)>& f) {
  Eigen::VectorXd y(n);
  for (Eigen::Index t = 0; t < n; ++t) y[t] = f(static_cast<double>(t));
  return y;
}

Eigen::VectorXd Noise(Eigen::Index n, double scale, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> noise(0, scale);
  return Series(n, [&](double) { return noise(random); });
}

TEST_CASE("Holt-Winters continues a line with a season exactly", "[forecast]") {
  const double pattern[] = {3, -1, -2, 0};
  const auto truth = [&](double t) { return 7 + 0.5 * t + pattern[static_cast<int>(t) % 4]; };
  HoltWintersOptions options{4, 0.3, 0.1, 0.2, 1};
  const auto fit = MustHave(HoltWinters(Series(40, truth), options));
  const Eigen::VectorXd ahead = HoltWintersAhead(fit, options, 40, 10);
  for (Eigen::Index h = 0; h < 10; ++h) CHECK_THAT(ahead[h], WithinRel(truth(40.0 + static_cast<double>(h)), 1e-12));
  // Damped: the trend that is left adds up to phi + phi^2 + ...
  options.phi = 0.5;
  HoltWintersFit flat{10, 8, Eigen::VectorXd::Zero(4), {}};
  CHECK(HoltWintersAhead(flat, options, 40, 3) == Eigen::Vector3d(14, 16, 17));
}

TEST_CASE("Holt-Winters is the book's recursion", "[forecast]") {
  const HoltWintersOptions options{3, 0.4, 0.2, 0.3, 0.9};
  std::vector<double> y;
  for (const double noise : Noise(30, 2, 9)) y.push_back(20 + noise + static_cast<double>(y.size() % 3));
  const auto fit = MustHave(HoltWinters(Eigen::Map<const Eigen::VectorXd>(y.data(), 30), options));
  // Start values worked out by hand: means of both seasons, trend between them, mean offsets from the line.
  const double first = (y[0] + y[1] + y[2]) / 3, second = (y[3] + y[4] + y[5]) / 3, trend = (second - first) / 3;
  std::vector<double> offsets;
  for (int i = 0; i < 3; ++i) {
    offsets.push_back(((y[i] - first) + (y[3 + i] - second)) / 2 - (i - 1) * trend);
  }
  double level = second + trend, slope = trend;
  for (std::size_t t = 6; t < y.size(); ++t) {
    const double last_level = level, last_trend = slope;
    level = options.alpha * (y[t] - offsets[t % 3]) + (1 - options.alpha) * (last_level + options.phi * last_trend);
    slope = options.beta * (level - last_level) + (1 - options.beta) * options.phi * last_trend;
    const double g = options.gamma * (1 - options.alpha);
    offsets[t % 3] += g * (y[t] - last_level - options.phi * last_trend - offsets[t % 3]);
  }
  CHECK_THAT(fit.level, WithinRel(level, 1e-12));
  CHECK_THAT(fit.trend, WithinRel(slope, 1e-9));
  for (Eigen::Index i = 0; i < 3; ++i)
    CHECK_THAT(fit.seasonal[i], WithinAbs(offsets[static_cast<std::size_t>(i)], 1e-12));
}

TEST_CASE("missing samples are carried over", "[forecast]") {
  Eigen::VectorXd y = Series(60, [](double t) { return 5 + (static_cast<int>(t) % 2 == 0 ? 1 : -1); });
  y.segment(20, 15).setConstant(kNan);
  y[0] = kNan;
  const HoltWintersOptions options{2, 0.5, 0.1, 0.5, 0.9};
  const auto fit = MustHave(HoltWinters(y, options));
  const Eigen::VectorXd ahead = HoltWintersAhead(fit, options, 60, 2);
  CHECK_THAT(ahead[0], WithinAbs(6, 1e-3));
  CHECK_THAT(ahead[1], WithinAbs(4, 1e-3));
  const auto naive = MakeSeasonalNaive();
  MustSucceed(naive->Fit(y, 2));
  CHECK(naive->Predict(30, 3) == Eigen::Vector3d(6, 4, 6));
  MustSucceed(naive->Fit(Eigen::Vector3d(kNan, kNan, kNan), 2));
  CHECK(naive->Predict(3, 2) == Eigen::Vector2d(0, 0));
}

TEST_CASE("Holt-Winters refuses what it cannot fit", "[forecast]") {
  const Eigen::VectorXd y = Series(10, [](double t) { return t; });
  CHECK(!HoltWinters(y, {6}).has_value());
  CHECK(!HoltWinters(y, {0}).has_value());
  CHECK(!HoltWinters(y.head(2), {1}).has_value());
  CHECK(!HoltWinters(y, {2, 1.0}).has_value());
  CHECK(!HoltWinters(y, {2, 0.5, -0.1}).has_value());
  CHECK(!HoltWinters(y, {2, 0.5, 0.1, kNan}).has_value());
  CHECK(!HoltWinters(y, {2, 0.5, 0.1, 0.1, 1.01}).has_value());
  CHECK(!HoltWinters(Eigen::VectorXd::Constant(10, kNan), {2}).has_value());
}

TEST_CASE("autocorrelation has its closed forms", "[forecast]") {
  const Eigen::VectorXd alternating = Series(200, [](double t) { return static_cast<int>(t) % 2 == 0 ? 1.0 : -1.0; });
  CHECK_THAT(Autocorrelation(alternating, 1), WithinAbs(-1, 1e-3));
  CHECK_THAT(Autocorrelation(alternating, 2), WithinAbs(1, 1e-3));
  const Eigen::VectorXd wave = Series(2400, [](double t) { return std::sin(2 * M_PI * t / 24); });
  CHECK_THAT(Autocorrelation(wave, 6), WithinAbs(0, 0.01));
  CHECK_THAT(Autocorrelation(wave, 4), WithinAbs(0.5, 0.01));
  CHECK(Autocorrelation(Eigen::VectorXd::Constant(50, 3), 5) == 0);
}

TEST_CASE("seasons are found, and none where there is none", "[forecast]") {
  const auto day = [](double t) {
    return 0.01 * t + 5 * std::sin(2 * M_PI * t / 24) + 3 * std::cos(4 * M_PI * t / 24);
  };
  Eigen::VectorXd y = Series(480, day) + Noise(480, 1, 1);
  CHECK(DetectSeason(y) == 24);
  y.segment(100, 60).setConstant(kNan);
  CHECK(DetectSeason(y) == 24);
  const auto long_day = [](double t) { return std::sin(2 * M_PI * t / 1440); };
  CHECK_THAT(static_cast<double>(DetectSeason(Series(10'080, long_day) + Noise(10'080, 0.2, 2))), WithinAbs(1440, 5));
  CHECK(DetectSeason(Noise(1000, 1, 3)) == 1);
  CHECK(DetectSeason(Series(1000, [](double t) { return 3 * t; })) == 1);
  CHECK(DetectSeason(Eigen::VectorXd::Constant(100, 7)) == 1);
  CHECK(DetectSeason(Eigen::VectorXd::Constant(100, kNan)) == 1);
  CHECK(DetectSeason(Eigen::Vector2d(1, 2)) == 1);
}

TEST_CASE("conformal quantiles are order statistics with one more place", "[forecast]") {
  const std::vector<double> nine{1, 2, 3, 4, 5, 6, 7, 8, 9};
  CHECK(ConformalQuantile(nine, 0.9) == 9);
  CHECK(ConformalQuantile(nine, 0.1) == 1);
  CHECK(ConformalQuantile(nine, 0.5) == 5);
  CHECK(ConformalQuantile({4, 6}, 0.9) == 6);
  CHECK(ConformalQuantile({4}, 0.1) == 4);
}

TEST_CASE("intervals hold what they promise on noise around a season", "[forecast]") {
  const auto truth = [](double t) { return 100 + 20 * std::sin(2 * M_PI * t / 24); };
  int inside = 0, total = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const Eigen::VectorXd all = Series(24 * 15, truth) + Noise(24 * 15, 3, 100 + seed);
    const auto forecast = MustHave(MakeForecast(*FindForecaster(""), all.head(24 * 14), 0, 24));
    CHECK(forecast.season == 24);
    CHECK(forecast.error_ratio < 1);
    for (Eigen::Index h = 0; h < 24; ++h, ++total) {
      const double value = all[24 * 14 + h];
      inside += value >= forecast.quantiles(h, 0) && value <= forecast.quantiles(h, 2) ? 1 : 0;
      CHECK(forecast.quantiles(h, 0) <= forecast.quantiles(h, 1));
      CHECK(forecast.quantiles(h, 1) <= forecast.quantiles(h, 2));
    }
  }
  const double coverage = static_cast<double>(inside) / total;
  INFO(coverage);
  CHECK(coverage > 0.74);
  CHECK(coverage < 0.9);
}

TEST_CASE("odd histories get an answer or a reason", "[forecast]") {
  const ForecasterSpec& spec = *FindForecaster("");
  const auto reason = [&](const Eigen::VectorXd& y, Eigen::Index season, Eigen::Index horizon) {
    const auto forecast = MakeForecast(spec, y, season, horizon);
    if (!forecast) return forecast.error().message;
    CHECK(forecast->quantiles.allFinite());
    CHECK(forecast->quantiles.rows() == horizon);
    return std::string();
  };
  const Eigen::VectorXd line = Series(100, [](double t) { return t; });
  CHECK(reason(line, 0, 200).empty());
  CHECK(reason(Eigen::VectorXd::Constant(50, 4), 0, 10).empty());
  CHECK(reason(Series(100, [](double t) { return static_cast<int>(t) % 2 == 0 ? 1e140 : -1e140; }), 0, 10).empty());
  Eigen::VectorXd young = line;
  young.head(85).setConstant(kNan);
  CHECK(reason(young, 0, 5).empty());
  CHECK(reason(line, 60, 5).find("too few for a season of 60") != std::string::npos);
  CHECK(reason(line, -1, 5).find("negative") != std::string::npos);
  CHECK(reason(line, 0, 0).find("negative") != std::string::npos);
  CHECK(reason(Eigen::Vector2d(1, 2), 0, 5).find("too few") != std::string::npos);
  CHECK(reason(Eigen::VectorXd(), 0, 5).find("too few") != std::string::npos);
  CHECK(reason(Eigen::VectorXd::Constant(50, kNan), 0, 5).find("too few") != std::string::npos);
  CHECK(reason(Eigen::VectorXd::Constant(50, 1e308), 0, 5).find("cannot be forecast") != std::string::npos);
  Eigen::VectorXd holes = line;
  for (Eigen::Index i = 1; i < 99; ++i) {
    if (i % 3 != 0) holes[i] = kNan;
  }
  CHECK(reason(holes, 0, 5).find("missing") != std::string::npos);
  const auto constant = MustHave(MakeForecast(spec, Eigen::VectorXd::Constant(50, 4), 0, 10));
  CHECK((constant.quantiles.array() == 4).all());
}

TEST_CASE("forecasters are found by name", "[forecast]") {
  CHECK(FindForecaster("holt_winters") == FindForecaster(""));
  CHECK(FindForecaster("seasonal_naive") != nullptr);
  CHECK(FindForecaster("tea_leaves") == nullptr);
}

}  // namespace
}  // namespace vedette::analytics
