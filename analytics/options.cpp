#include "analytics/options.h"

#include <algorithm>
#include <set>

#include "analytics/anomaly/models.h"
#include "analytics/forecast/models.h"
#include "analytics/promql/parser.h"

namespace vedette::analytics {
namespace {

constexpr Millis kShortest = std::chrono::seconds(1);
constexpr std::int64_t kMaxHistorySteps = 100'000;
constexpr std::int64_t kMaxHorizonSteps = 10'000;

bool IsJobName(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  const auto other = [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '-'; };
  return !name.empty() && letter(name.front()) && std::all_of(name.begin(), name.end(), other);
}

Status CheckExpression(const JobOptions& job) {
  auto expr = promql::ParseExpr(job.expr);
  if (!expr) return Annotate("expr", std::move(expr).error());
  if ((*expr)->type == promql::ValueType::kVector || (*expr)->type == promql::ValueType::kScalar) return Ok();
  return Fail(Code::kBadData, "expr: a {} cannot be watched", promql::ValueTypeName((*expr)->type));
}

Status CheckModel(const JobOptions& job) {
  const bool known =
      job.kind == JobKind::kAnomaly ? FindDetector(job.model) != nullptr : FindForecaster(job.model) != nullptr;
  if (!known) return Fail(Code::kBadData, "model: there is none called '{}'", job.model);
  return Ok();
}

Status CheckSpans(const JobOptions& job) {
  if (job.step < kShortest || job.interval < kShortest) {
    return Fail(Code::kBadData, "step and interval must be at least {}", FormatDuration(kShortest));
  }
  if (job.history < job.step || job.history / job.step > kMaxHistorySteps) {
    return Fail(Code::kBadData, "history: {} must be between 1 and {} steps", FormatDuration(job.history),
                kMaxHistorySteps);
  }
  if (job.season.count() < 0) return Fail(Code::kBadData, "season is negative");
  if (job.kind == JobKind::kAnomaly) return Ok();
  if (job.horizon < job.step || job.horizon / job.step > kMaxHorizonSteps) {
    return Fail(Code::kBadData, "horizon: {} must be between 1 and {} steps", FormatDuration(job.horizon),
                kMaxHorizonSteps);
  }
  // A forecast is written as many milliseconds before its time as it was made intervals ahead (jobs.h).
  if (job.horizon / job.interval >= job.step.count()) {
    return Fail(Code::kBadData, "interval: {} is too short for a horizon of {}", FormatDuration(job.interval),
                FormatDuration(job.horizon));
  }
  return Ok();
}

}  // namespace

Status AnalyticsOptions::Validate() const {
  if (save_interval.count() <= 0) return Fail(Code::kBadData, "analytics.save_interval must be positive");
  std::set<std::string_view> names;
  for (const JobOptions& job : jobs) {
    const auto in_job = [&](const Status& status) {
      return status ? Ok() : Status(Annotate("analytics job '" + job.name + "'", status.error()));
    };
    if (!IsJobName(job.name)) return Fail(Code::kBadData, "analytics job '{}': not a usable name", job.name);
    if (!names.insert(job.name).second) return Fail(Code::kBadData, "analytics job '{}': named twice", job.name);
    VEDETTE_CHECK(in_job(CheckExpression(job)));
    VEDETTE_CHECK(in_job(CheckModel(job)));
    VEDETTE_CHECK(in_job(CheckSpans(job)));
    if (job.max_series == 0) return Fail(Code::kBadData, "analytics job '{}': max_series is 0", job.name);
  }
  return Ok();
}

}  // namespace vedette::analytics
