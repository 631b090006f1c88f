// `analytics:`: jobs that watch expressions or look ahead.
#include "config/sections.h"

namespace vedette::config {
namespace {

using analytics::AnalyticsOptions;
using analytics::JobKind;
using analytics::JobOptions;

Status ReadKind(const YamlNode& node, JobOptions& out) {
  VEDETTE_TRY(const std::string text, node.As<std::string>());
  if (text != "anomaly" && text != "forecast")
    return node.At(fmt::format("kind '{}' is neither anomaly nor forecast", text));
  out.kind = text == "anomaly" ? JobKind::kAnomaly : JobKind::kForecast;
  return Ok();
}

constexpr Field<JobOptions> kAnalyticsJobFields[] = {
    {"name", Set<&JobOptions::name>},         {"kind", ReadKind},
    {"expr", Set<&JobOptions::expr>},         {"model", Set<&JobOptions::model>},
    {"interval", Set<&JobOptions::interval>}, {"step", Set<&JobOptions::step>},
    {"history", Set<&JobOptions::history>},   {"horizon", Set<&JobOptions::horizon>},
    {"season", Set<&JobOptions::season>},     {"max_series", Set<&JobOptions::max_series>},
};

Status ReadJobs(const YamlNode& node, AnalyticsOptions& out) {
  return ReadList(node, out.jobs, "analytics job", [](const YamlNode& item, JobOptions& job) {
    return ReadFields<JobOptions>(item, kAnalyticsJobFields, job, "analytics.jobs");
  });
}

constexpr Field<AnalyticsOptions> kAnalyticsFields[] = {
    {"enabled", Set<&AnalyticsOptions::enabled>},
    {"save_interval", Set<&AnalyticsOptions::save_interval>},
    {"jobs", ReadJobs},
};

}  // namespace

Status ReadAnalytics(const YamlNode& node, AnalyticsOptions& out) {
  VEDETTE_CHECK(ReadFields<AnalyticsOptions>(node, kAnalyticsFields, out, "analytics"));
  if (const Status valid = out.Validate(); !valid) return node.At(valid.error().message);
  return Ok();
}

}  // namespace vedette::config
