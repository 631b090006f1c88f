#include "analytics/capacity/exhaustion.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <fmt/format.h>

#include "analytics/capacity/theil_sen.h"

namespace vedette::analytics {
namespace {

constexpr double kDayMs = 86'400'000;
constexpr std::size_t kMinPoints = 12;
constexpr std::size_t kMaxBins = 168;  // a week of hours; 14,000 pairs
constexpr double kPeakQuantile = 0.9;  // it is the daily peak that hits the limit, not the middle
constexpr double kMaxUsage = 1e150;
constexpr std::size_t kOrigins = 12;     // earlier moments at which the same line is tried
constexpr double kEarliestOrigin = 0.4;  // of the history
constexpr double kLatestOrigin = 0.9;
constexpr double kSlopeDoubt = 0.15;  // of the slope; with it 80 of 100 known cases lie within [p10, p90]

/// Points with x in days before now (so 0 is now) and finite values.
struct History {
  std::vector<double> x, y;
  std::size_t size() const { return x.size(); }
};

History Finite(std::span<const std::int64_t> times, std::span<const double> values, TimeMs now) {
  History out;
  for (std::size_t i = 0; i < times.size() && i < values.size(); ++i) {
    if (times[i] > now.ms || !std::isfinite(values[i]) || std::abs(values[i]) > kMaxUsage) continue;
    out.x.push_back(static_cast<double>(times[i] - now.ms) / kDayMs);
    out.y.push_back(values[i]);
  }
  return out;
}

/// Medians of up to kMaxBins spans of equal length between `from` and `to` days.
History Binned(const History& all, double from, double to) {
  History out;
  const double width = std::max((to - from) / kMaxBins, 1e-9);
  std::vector<double> bin;
  double bin_end = from + width;
  const auto close = [&] {
    if (!bin.empty()) {
      out.x.push_back(bin_end - width / 2);
      out.y.push_back(Median(bin));
    }
    bin.clear();
  };
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all.x[i] < from || all.x[i] > to) continue;
    if (all.x[i] > bin_end) {
      close();
      bin_end = from + (std::floor((all.x[i] - from) / width) + 1) * width;
    }
    bin.push_back(all.y[i]);
  }
  close();
  return out;
}

double SortedQuantile(const std::vector<double>& sorted, double q) {
  const double position = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(position);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (position - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

/// The line through the `window` days before `end`, lifted to the daily peak.
struct Trend {
  double slope = 0;  // per day
  double peak = 0;   // at `end`
  bool known = false;
};

Trend FitTrend(const History& all, double end, double window) {
  const History bins = Binned(all, end - window, end);
  if (bins.size() < kMinPoints) return {};
  const Line line = TheilSen(bins.x, bins.y);
  std::vector<double> above;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all.x[i] >= end - window && all.x[i] <= end) above.push_back(all.y[i] - line.At(all.x[i]));
  }
  std::sort(above.begin(), above.end());
  return {line.slope, line.At(end) + SortedQuantile(above, kPeakQuantile), true};
}

/// The slope that turned out after `origin` minus the one fitted to the window before it: the peak of the rest of the
/// history against the peak of the window.
std::optional<double> SlopeError(const History& all, double origin, double window) {
  const double rest = all.x.back() - origin;
  const Trend fitted = FitTrend(all, origin, std::min(window, origin - all.x.front()));
  const Trend after = FitTrend(all, all.x.back(), rest);
  if (!fitted.known || !after.known) return std::nullopt;
  return (after.peak - fitted.peak) / rest - fitted.slope;
}

/// Slope errors at earlier moments of the same history, as far as the window fits before them.
std::vector<double> PastSlopeErrors(const History& all, double window) {
  constexpr double kNearlyFits = 0.8;
  std::vector<double> errors;
  const double start = all.x.front(), span = all.x.back() - start;
  for (std::size_t i = 0; i < kOrigins; ++i) {
    const double part = kEarliestOrigin + (kLatestOrigin - kEarliestOrigin) * static_cast<double>(i) / (kOrigins - 1);
    if (span * part < window * kNearlyFits) continue;
    const auto error = SlopeError(all, start + span * part, window);
    if (error) errors.push_back(*error);
  }
  std::sort(errors.begin(), errors.end());
  return errors;
}

struct Choice {
  Trend trend;
  double window = 0;
  std::vector<double> errors;
};

/// How far the slopes of such windows were off over the last days of the history: mean of three origins.
double RecentSlopeError(const History& all, double window) {
  const double start = all.x.front(), span = all.x.back() - start;
  double sum = 0;
  int count = 0;
  for (const double part : {0.85, 0.9, 0.95}) {
    const auto error = SlopeError(all, start + span * part, window);
    if (!error) continue;
    sum += std::abs(*error);
    ++count;
  }
  return count == 0 ? 0 : sum / count;
}

/// The longest window whose recent errors are not clearly beaten by those of a shorter one: a change of rate makes the
/// longer ones wrong.
Choice ChooseWindow(const History& all) {
  constexpr double kClearlyBetter = 0.5;
  const double span = all.x.back() - all.x.front();
  Choice best;
  double best_error = 0;
  for (const double part : {1.0, 0.5, 0.25}) {
    const double window = span * part;
    if (part < 1 && window < 3) break;  // days: shorter windows take a daily wave for a trend
    Choice choice{FitTrend(all, all.x.back(), window), window, PastSlopeErrors(all, std::min(window, span * 0.5))};
    if (!choice.trend.known) break;
    const double error = RecentSlopeError(all, window);
    if (part == 1.0 || error < kClearlyBetter * best_error) {
      best = std::move(choice);
      best_error = error;
    }
  }
  return best;
}

struct SlopeRange {
  double low = 0, high = 0;
};

/// The slopes between which 80 of 100 cases are: the fitted one with the past errors to either side, and never closer
/// to it than kSlopeDoubt, for histories that never had to fail.
SlopeRange LikelySlopes(const Choice& choice) {
  const double slope = choice.trend.slope, doubt = kSlopeDoubt * std::abs(slope);
  SlopeRange range{slope - doubt, slope + doubt};
  if (choice.errors.empty()) return range;
  std::vector<double> slopes;
  for (const double error : choice.errors) {
    slopes.push_back(slope + error);
    slopes.push_back(slope - error);
  }
  std::sort(slopes.begin(), slopes.end());
  return {std::min(range.low, SortedQuantile(slopes, 0.1)), std::max(range.high, SortedQuantile(slopes, 0.9))};
}

Exhaustion Unknown(std::string reason) {
  Exhaustion out;
  out.reason = std::move(reason);
  return out;
}

}  // namespace

std::string_view OutlookName(Outlook outlook) {
  switch (outlook) {
    case Outlook::kFull:
      return "full";
    case Outlook::kFilling:
      return "filling";
    case Outlook::kNotFilling:
      return "not filling";
    case Outlook::kUnknown:
      break;
  }
  return "unknown";
}

Exhaustion EstimateExhaustion(std::span<const std::int64_t> times, std::span<const double> values, double limit,
                              TimeMs now, const ExhaustionOptions& options) {
  if (!std::isfinite(limit) || std::abs(limit) > kMaxUsage) return Unknown("the limit is not a number");
  const History all = Finite(times, values, now);
  if (all.size() == 0) return Unknown("no data");
  if (all.y.back() >= limit) {
    Exhaustion full;
    full.outlook = Outlook::kFull;
    full.p10 = full.p50 = full.p90 = now;
    full.reason = "at its limit now";
    return full;
  }
  const double span = all.x.back() - all.x.front();
  const double wanted = static_cast<double>(options.min_history.count()) / kDayMs;
  if (span < wanted) return Unknown(fmt::format("{:.1f} days of history, {:.1f} are needed", span, wanted));
  if (all.size() < kMinPoints) return Unknown(fmt::format("{} samples, {} are needed", all.size(), kMinPoints));
  const Choice choice = ChooseWindow(all);
  if (!choice.trend.known) return Unknown("most of the history is missing");

  Exhaustion out;
  out.slope_per_day = choice.trend.slope;
  const double room = std::max(limit - std::max(choice.trend.peak, all.y.back()), 0.0);
  const double farthest = static_cast<double>(options.max_ahead.count()) / kDayMs;
  const auto crossing = [&](double slope) -> std::optional<TimeMs> {
    const double days = room / slope;
    if (!(slope > 0) || days > farthest) return std::nullopt;
    return now + Millis(static_cast<std::int64_t>(days * kDayMs));
  };
  const SlopeRange slopes = LikelySlopes(choice);
  out.p10 = crossing(slopes.high);
  out.p50 = crossing(choice.trend.slope);
  out.p90 = crossing(slopes.low);
  out.outlook = out.p50 ? Outlook::kFilling : Outlook::kNotFilling;
  out.reason = fmt::format("trend of the last {:.1f} days", choice.window);
  if (choice.trend.slope <= 0) out.reason = fmt::format("flat or falling over the last {:.1f} days", choice.window);
  return out;
}

}  // namespace vedette::analytics
