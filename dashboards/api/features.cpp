// /api/v1/features: what is there and what is switched on, under Prometheus' names. What is not listed is not there.
#include <array>
#include <map>
#include <string>
#include <string_view>

#include "alerting/template/functions.h"
#include "analytics/promql/functions.h"
#include "dashboards/api/envelope.h"
#include "dashboards/api/handlers.h"

namespace vedette::dashboards::api {

namespace {

using FeatureSet = std::map<std::string, bool, std::less<>>;

constexpr auto kAlways = std::to_array<std::string_view>({"at_modifier", "bool", "by", "group_left", "group_right",
                                                          "ignoring", "negative_offset", "offset", "on",
                                                          "per_query_lookback_delta", "subqueries", "without"});
constexpr auto kOperators = std::to_array<std::string_view>(
    {"!=",           "!~",    "%",   "*",   "+",  "-",        "/",      "<",      "</",  "<=",      "==",
     "=~",           ">",     ">/",  ">=",  "@",  "^",        "and",    "atan2",  "avg", "bottomk", "count",
     "count_values", "group", "max", "min", "or", "quantile", "stddev", "stdvar", "sum", "topk",    "unless"});
constexpr auto kDiscoveries =
    std::to_array<std::string_view>({"consul", "dns", "docker", "ec2", "file", "http", "kubernetes", "static"});

FeatureSet AllOf(std::span<const std::string_view> names, bool enabled = true) {
  FeatureSet out;
  for (const std::string_view name : names) out.emplace(name, enabled);
  return out;
}

FeatureSet ApiFeatures(const ApiContext& context) {
  return {{"admin", context.options.admin_api},
          {"exclude_alerts", true},
          {"label_values_match", true},
          {"lifecycle", context.quit != nullptr},
          {"openapi_3.1", true},
          {"otlp_write_receiver", context.otlp != nullptr},
          {"query_stats", true},
          {"query_warnings", true},
          {"remote_write_receiver", context.remote_write != nullptr},
          {"search", context.options.search},
          {"time_range_labels", true},
          {"time_range_series", true}};
}

FeatureSet LanguageFeatures(const promql::EngineOptions& options) {
  FeatureSet out = AllOf(kAlways);
  out["delayed_name_removal"] = options.delayed_name_removal;
  out["duration_expr"] = options.parser.duration_expressions;
  out["per_step_stats"] = false;
  for (const char* name : {"anchored", "smoothed"}) out[name] = options.parser.extended_range_selectors;
  for (const char* name : {"fill", "fill_left", "fill_right"}) out[name] = options.parser.binop_fill_modifiers;
  return out;
}

FeatureSet FunctionFeatures(const promql::ParserOptions& options) {
  FeatureSet out;
  for (const promql::FunctionSpec& function : promql::AllFunctions()) {
    out.emplace(function.name, !function.experimental || options.experimental_functions);
  }
  return out;
}

FeatureSet OperatorFeatures(const promql::ParserOptions& options) {
  FeatureSet out = AllOf(kOperators);
  for (const char* name : {"limitk", "limit_ratio"}) out[name] = options.experimental_functions;
  return out;
}

FeatureSet TemplateFeatures() {
  FeatureSet out;
  for (const alerting::tmpl::FunctionSpec& function : alerting::tmpl::AllTemplateFunctions())
    out.emplace(function.name, true);
  return out;
}

}  // namespace

Response Features(const ApiContext& context, const Request&) {
  const promql::EngineOptions& options = context.engine.options();
  const std::map<std::string, FeatureSet> all = {
      {"api", ApiFeatures(context)},
      {"prometheus", {{"agent_mode", false}, {"server_mode", true}, {"auto_reload_config", false}}},
      {"promql", LanguageFeatures(options)},
      {"promql_functions", FunctionFeatures(options.parser)},
      {"promql_operators", OperatorFeatures(options.parser)},
      {"rules", {{"concurrent_rule_eval", false}, {"keep_firing_for", true}, {"query_offset", true}}},
      {"scrape", {{"extra_scrape_metrics", true}}},
      {"service_discovery_providers", AllOf(kDiscoveries)},
      {"templating_functions", TemplateFeatures()},
      {"tsdb", {{"exemplar_storage", true}, {"isolation", true}, {"native_histograms", true}, {"st_storage", true}}},
      {"ui", {{"ui_v2", false}, {"ui_v3", false}}}};
  Success success;
  JsonWriter& json = success.json().BeginObject();
  for (const auto& [category, names] : all) {
    json.Key(category).BeginObject();
    for (const auto& [name, enabled] : names) json.Key(name).Bool(enabled);
    json.End();
  }
  json.End();
  return std::move(success).Finish();
}

}  // namespace vedette::dashboards::api
