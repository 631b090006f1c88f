// The forecast job: every run forecasts each series anew from its history and writes quantiles with times to come.
#include <cmath>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>

#include "analytics/forecast/interval.h"
#include "analytics/forecast/models.h"
#include "analytics/forecast/season.h"
#include "analytics/job.h"
#include "core/log.h"
#include "core/numbers.h"

namespace vedette::analytics {
namespace {

class ForecastJob final : public Job {
 public:
  explicit ForecastJob(const JobContext& context) : context_(context), spec_(*FindForecaster(context.options.model)) {}

  Status Load() override {
    VEDETTE_TRY(const auto bytes, context_.state.Get(kModelTable, context_.options.name + "/"));
    if (!bytes) return Ok();
    const auto row = JobRow::Decode(*bytes);
    if (row && row->fingerprint == Fingerprint(context_.options)) last_run_ = row->last_run;
    return Ok();
  }

  Status Run(TimeMs now) override {
    const JobOptions& options = context_.options;
    const TimeMs end = AlignDown(now, options.step);
    const TimeMs start = end - options.step * (options.history / options.step);
    VEDETTE_TRY(auto outcome, context_.query(options.expr, start, end, options.step));
    const std::unique_ptr<storage::Appender> appender = context_.storage.NewAppender({.allow_future = true});
    std::size_t forecast_series = 0;
    for (const promql::ResultSeries& series : WatchedSeries(std::move(outcome), context_)) {
      const Eigen::VectorXd y = Evenly(series, start, end);
      const auto forecast = MakeForecast(spec_, y, Season(y), options.horizon / options.step);
      if (!forecast) {
        context_.metrics.dropped_refused.Increment();
        LogDebug("analytics", "series cannot be forecast",
                 {{"job", options.name}, {"series", series.labels.ToString()}, {"reason", forecast.error()}});
        continue;
      }
      ++forecast_series;
      VEDETTE_CHECK(Write(series.labels, *forecast, now, end, *appender));
    }
    context_.metrics.series.Set(static_cast<double>(forecast_series));
    last_run_ = now;
    return CommitResults(*appender, context_);
  }

  void Save(storage::StateBatch& batch) override {
    if (!last_run_) return;
    batch.Put(kModelTable, context_.options.name + "/", JobRow::Encode({Fingerprint(context_.options), *last_run_}));
  }

  std::optional<TimeMs> LastRun() const override { return last_run_; }

 private:
  /// One value per step, NaN where there is none.
  Eigen::VectorXd Evenly(const promql::ResultSeries& series, TimeMs start, TimeMs end) const {
    const Millis step = context_.options.step;
    Eigen::VectorXd y = Eigen::VectorXd::Constant((end - start) / step + 1, std::nan(""));
    for (const promql::Point& point : series.points) {
      const auto index = static_cast<Eigen::Index>((TimeMs(point.time_ms) - start) / step);
      if (index >= 0 && index < y.size()) y[index] = point.value;
    }
    return y;
  }

  /// In samples. Noise moves the peak of a long season by a sample or two; what is nearly a day is a day.
  Eigen::Index Season(const Eigen::VectorXd& y) const {
    constexpr double kNearly = 0.02;
    const Millis step = context_.options.step;
    if (context_.options.season.count() > 0) return std::max<Eigen::Index>(context_.options.season / step, 1);
    const Eigen::Index found = DetectSeason(y);
    for (const Millis calendar :
         {Millis(std::chrono::hours(1)), Millis(std::chrono::hours(24)), Millis(std::chrono::hours(168))}) {
      const auto samples = static_cast<double>(calendar / step);
      if (std::abs(static_cast<double>(found) - samples) <= kNearly * samples) return calendar / step;
    }
    return found;
  }

  Status Write(const Labels& labels, const Forecast& forecast, TimeMs now, TimeMs end,
               storage::Appender& appender) const {
    const JobOptions& options = context_.options;
    LabelsBuilder names(labels);
    names.Set("forecast", options.name).Set(kMetricName, "vedette_forecast_error_ratio");
    VEDETTE_TRY(const storage::SeriesId ratio, appender.Series(names.Build()));
    appender.Add(ratio, end, forecast.error_ratio);
    names.Set(kMetricName, "vedette_forecast");
    std::array<storage::SeriesId, kForecastQuantiles.size()> ids{};
    for (std::size_t i = 0; i < ids.size(); ++i) {
      VEDETTE_TRY(ids[i], appender.Series(names.Set("quantile", FormatFixed(kForecastQuantiles[i])).Build()));
    }
    const TimeMs run = AlignDown(now, options.interval);
    for (Eigen::Index h = 0; h < forecast.quantiles.rows(); ++h) {
      const TimeMs target = end + options.step * (h + 1);
      const std::int64_t intervals_ahead = std::max<std::int64_t>((target - run) / options.interval, 0);
      const Eigen::RowVector3d row = forecast.quantiles.row(h);
      appender.AddRow(target - Millis(intervals_ahead), ids, std::span<const double>(row.data(), ids.size()));
    }
    return Ok();
  }

  const JobContext context_;
  const ForecasterSpec& spec_;
  std::optional<TimeMs> last_run_;
};

}  // namespace

std::unique_ptr<Job> NewForecastJob(const JobContext& context) { return std::make_unique<ForecastJob>(context); }

}  // namespace vedette::analytics
