#include "analytics/forecast/seasonal_naive.h"

#include <cmath>

namespace vedette::analytics {
namespace {

class SeasonalNaive final : public PointModel {
 public:
  Eigen::Index MinHistory(Eigen::Index season) const override { return season; }

  Status Fit(const Eigen::Ref<const Eigen::VectorXd>& y, Eigen::Index season) override {
    if (season < 1 || y.size() < season) return Fail(Code::kBadData, "{} samples, season {}", y.size(), season);
    y_ = y;
    season_ = season;
    return Ok();
  }

  Eigen::VectorXd Predict(Eigen::Index origin, Eigen::Index horizon) const override {
    Eigen::Index last = origin - 1;
    while (last > 0 && !std::isfinite(y_[last])) --last;
    const double fallback = last >= 0 && std::isfinite(y_[last]) ? y_[last] : 0;
    Eigen::VectorXd out(horizon);
    for (Eigen::Index h = 0; h < horizon; ++h) {
      Eigen::Index from = origin - season_ + h % season_;
      while (from >= 0 && !std::isfinite(y_[from])) from -= season_;
      out[h] = from >= 0 ? y_[from] : fallback;
    }
    return out;
  }

 private:
  Eigen::VectorXd y_;
  Eigen::Index season_ = 1;
};

}  // namespace

std::unique_ptr<PointModel> MakeSeasonalNaive() { return std::make_unique<SeasonalNaive>(); }

}  // namespace vedette::analytics
