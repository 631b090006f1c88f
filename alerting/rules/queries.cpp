#include "alerting/rules/queries.h"

#include "analytics/promql/engine.h"

namespace vedette::alerting {
namespace {

Result<std::vector<VectorSample>> ToVector(Result<promql::QueryOutcome> outcome) {
  if (!outcome) return std::move(outcome).error();
  const promql::QueryValue& value = outcome->value;
  if (value.type != promql::ValueType::kVector && value.type != promql::ValueType::kScalar) {
    return Fail(Code::kExecution, "rule result is not a vector or scalar");
  }
  std::vector<VectorSample> samples;
  samples.reserve(value.series.size());
  for (const promql::ResultSeries& series : value.series) {
    if (!series.points.empty()) samples.push_back({series.labels, series.points.back().value});
    if (!series.histograms.empty()) samples.push_back({series.labels, 0, series.histograms.back().histogram});
  }
  return samples;
}

class EngineQueries final : public RuleQueries {
 public:
  explicit EngineQueries(const promql::Engine& engine) : engine_(engine) {}

  Result<std::vector<VectorSample>> Run(const promql::Expr& expr, TimeMs time, std::stop_token stop,
                                        std::string_view origin) override {
    promql::QueryOptions options;
    options.stop = std::move(stop);
    options.origin = origin;
    return ToVector(engine_.Instant(expr, time, options));
  }
  Result<std::vector<VectorSample>> Run(std::string_view expr, TimeMs time, std::stop_token stop,
                                        std::string_view origin) override {
    promql::QueryOptions options;
    options.stop = std::move(stop);
    options.origin = origin;
    return ToVector(engine_.Instant(expr, time, options));
  }

 private:
  const promql::Engine& engine_;
};

}  // namespace

std::unique_ptr<RuleQueries> NewEngineQueries(const promql::Engine& engine) {
  return std::make_unique<EngineQueries>(engine);
}

}  // namespace vedette::alerting
