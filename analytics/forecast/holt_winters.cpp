#include "analytics/forecast/holt_winters.h"

#include <cmath>
#include <limits>

namespace vedette::analytics {
namespace {

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

/// Mean of what is finite; NaN when nothing is.
double FiniteMean(const Eigen::Ref<const Eigen::VectorXd>& y) {
  double sum = 0;
  Eigen::Index n = 0;
  for (const double value : y) {
    if (!std::isfinite(value)) continue;
    sum += value;
    ++n;
  }
  return n == 0 ? kMissing : sum / static_cast<double>(n);
}

Status CheckOptions(const HoltWintersOptions& options, Eigen::Index n) {
  const auto factor = [](double value) { return value >= 0 && value < 1; };
  if (!factor(options.alpha) || !factor(options.beta) || !factor(options.gamma)) {
    return Fail(Code::kBadData, "smoothing factors {}, {}, {} must lie in [0, 1)", options.alpha, options.beta,
                options.gamma);
  }
  if (!(options.phi > 0 && options.phi <= 1)) return Fail(Code::kBadData, "phi {} must lie in (0, 1]", options.phi);
  if (options.season < 1) return Fail(Code::kBadData, "season {} is not positive", options.season);
  if (n < 2 * options.season || n < 3) {
    return Fail(Code::kBadData, "{} samples are too few for a season of {}", n, options.season);
  }
  return Ok();
}

/// Level and trend at the end of the first two seasons, offsets as the mean distance from the line through both.
Result<HoltWintersFit> StartValues(const Eigen::Ref<const Eigen::VectorXd>& y, Eigen::Index season) {
  HoltWintersFit fit;
  const double first = FiniteMean(y.head(season)), second = FiniteMean(y.segment(season, season));
  if (!std::isfinite(first) || !std::isfinite(second)) {
    return Fail(Code::kBadData, "one of the first two seasons of {} samples has no data", season);
  }
  const auto length = static_cast<double>(season);
  fit.trend = season == 1 ? 0 : (second - first) / length;
  const double middle = (length - 1) / 2;  // where the mean of a season lies on the line
  fit.seasonal = Eigen::VectorXd::Zero(season);
  for (Eigen::Index slot = 0; season > 1 && slot < season; ++slot) {
    const double from_line = (static_cast<double>(slot) - middle) * fit.trend;
    const Eigen::Vector2d offsets(y[slot] - first - from_line, y[season + slot] - second - from_line);
    const double offset = FiniteMean(offsets);
    fit.seasonal[slot] = std::isfinite(offset) ? offset : 0;
  }
  fit.level = second + fit.trend * (length - 1 - middle);
  return fit;
}

}  // namespace

Result<HoltWintersFit> HoltWinters(const Eigen::Ref<const Eigen::VectorXd>& y, const HoltWintersOptions& options) {
  VEDETTE_CHECK(CheckOptions(options, y.size()));
  VEDETTE_TRY(HoltWintersFit fit, StartValues(y, options.season));
  const Eigen::Index start = 2 * options.season;
  fit.errors = Eigen::VectorXd::Constant(y.size(), kMissing);
  Eigen::Index slot = 0;
  for (Eigen::Index t = start; t < y.size(); ++t) {
    const double trend = options.phi * fit.trend;
    const double offset = fit.seasonal[slot];
    const double error = y[t] - (fit.level + trend + offset);
    fit.level += trend;
    fit.trend = trend;
    if (std::isfinite(error)) {
      fit.errors[t] = error;
      fit.level += options.alpha * error;
      fit.trend += options.alpha * options.beta * error;
      if (options.season > 1) fit.seasonal[slot] += options.gamma * (1 - options.alpha) * error;
    }
    if (++slot == options.season) slot = 0;
  }
  return fit;
}

Eigen::VectorXd HoltWintersAhead(const HoltWintersFit& fit, const HoltWintersOptions& options, Eigen::Index n,
                                 Eigen::Index horizon) {
  Eigen::VectorXd out(horizon);
  double damped = 0, power = 1;
  for (Eigen::Index h = 0; h < horizon; ++h) {
    power *= options.phi;
    damped += power;
    out[h] = fit.level + damped * fit.trend + fit.seasonal[(n + h) % options.season];
  }
  return out;
}

namespace {

class HoltWintersModel final : public PointModel {
 public:
  Eigen::Index MinHistory(Eigen::Index season) const override { return std::max<Eigen::Index>(2 * season, 3); }

  Status Fit(const Eigen::Ref<const Eigen::VectorXd>& y, Eigen::Index season) override {
    double best = std::numeric_limits<double>::infinity();
    for (const HoltWintersOptions& options : Grid(season)) {
      VEDETTE_TRY(const HoltWintersFit fit, HoltWinters(y, options));
      const double error = FiniteMean(fit.errors.cwiseAbs());
      if (error < best) {
        best = error;
        options_ = options;
      }
    }
    if (!std::isfinite(best)) return Fail(Code::kBadData, "no sample after the first two seasons of {}", season);
    y_ = y;
    return Ok();
  }

  Eigen::VectorXd Predict(Eigen::Index origin, Eigen::Index horizon) const override {
    const auto fit = HoltWinters(y_.head(origin), options_);
    // Fit() has smoothed all of y with these options, so a shorter y can only lack a season's data.
    if (!fit) return Eigen::VectorXd::Constant(horizon, kMissing);
    return HoltWintersAhead(*fit, options_, origin, horizon);
  }

 private:
  /// Small factors for long memory, large ones for series that wander. Nearly undamped trends are left out: over a long
  /// horizon they cost more than they win (Gardner and McKenzie, 1985).
  static std::vector<HoltWintersOptions> Grid(Eigen::Index season) {
    std::vector<HoltWintersOptions> grid;
    for (const double alpha : {0.05, 0.2, 0.5, 0.9}) {
      for (const double beta : {0.0, 0.05, 0.2}) {
        for (const double gamma : {0.05, 0.2, 0.5}) {
          for (const double phi : {0.9, 0.98}) grid.push_back({season, alpha, beta, gamma, phi});
          if (season == 1) break;
        }
      }
    }
    return grid;
  }

  Eigen::VectorXd y_;
  HoltWintersOptions options_;
};

}  // namespace

std::unique_ptr<PointModel> MakeHoltWinters() { return std::make_unique<HoltWintersModel>(); }

}  // namespace vedette::analytics
