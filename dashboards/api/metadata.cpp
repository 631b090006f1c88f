// What HELP, TYPE and UNIT lines of the targets said.
#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <set>

#include "analytics/promql/parser.h"
#include "core/matcher.h"
#include "dashboards/api/envelope.h"
#include "dashboards/api/handlers.h"
#include "dashboards/api/params.h"

namespace vedette::dashboards::api {

namespace {

/// The type, help and unit of one entry, into an open object.
void WriteFields(JsonWriter& json, const collector::MetricMetadata& metadata) {
  json.Key("type").String(metadata.type).Key("help").String(metadata.help).Key("unit").String(metadata.unit);
}

/// Writes {metric: [...], ...}; `all` is sorted by metric. Negative limits are none.
void WriteByMetric(JsonWriter& json, const std::vector<collector::MetricMetadata>& all, std::int64_t limit,
                   std::int64_t limit_per_metric) {
  json.BeginObject();
  std::int64_t metrics = 0;
  for (std::size_t i = 0; i < all.size() && (limit < 0 || metrics < limit); ++metrics) {
    json.Key(all[i].metric).BeginArray();
    const std::size_t first = i;
    for (; i < all.size() && all[i].metric == all[first].metric; ++i) {
      if (limit_per_metric > 0 && static_cast<std::int64_t>(i - first) >= limit_per_metric) continue;
      json.BeginObject();
      WriteFields(json, all[i]);
      json.End();
    }
    json.End();
  }
  json.End();
}

/// What the store knows to hold: of targets that were not scraped since the start, or that pushed their samples. Each
/// once, sorted by metric.
Result<std::vector<collector::MetricMetadata>> StoredMetadata(const ApiContext& context, std::string_view metric) {
  const TimeMs now = context.clock.Now();
  std::set<std::array<std::string, 4>> distinct;
  const auto querier = context.storage.NewQuerier({now, now});
  VEDETTE_CHECK(querier->VisitMetadata({{}, metric, {now, now}}, [&](const storage::MetadataEntry& entry) {
    distinct.insert({entry.family, entry.info.type, entry.info.help, entry.info.unit});
    return true;
  }));
  std::vector<collector::MetricMetadata> out;
  for (const auto& [family, type, help, unit] : distinct) out.push_back({family, type, help, unit});
  return out;
}

/// Adds what is `stored` about metrics that `all`, sorted by metric like it, does not know.
void AddUnknown(std::vector<collector::MetricMetadata> stored, std::vector<collector::MetricMetadata>& all) {
  const auto known = [&](const collector::MetricMetadata& entry) {
    return std::ranges::binary_search(all, entry.metric, {}, &collector::MetricMetadata::metric);
  };
  std::erase_if(stored, known);
  const auto first_new = static_cast<std::ptrdiff_t>(all.size());
  std::ranges::move(stored, std::back_inserter(all));
  std::ranges::inplace_merge(all, all.begin() + first_new, {}, &collector::MetricMetadata::metric);
}

}  // namespace

Response Metadata(const ApiContext& context, const Request& request) {
  return Answer([&]() -> Result<Response> {
    VEDETTE_TRY(const Parameters parameters, FormParameters(request));
    VEDETTE_TRY(const std::int64_t limit, IntParameter(parameters, "limit", -1));
    VEDETTE_TRY(const std::int64_t per_metric, IntParameter(parameters, "limit_per_metric", -1));
    const std::string_view metric = parameters.Get("metric");
    std::vector<collector::MetricMetadata> all = Ask(context.metadata, metric);
    if (all.empty() || context.remote_write || context.otlp) {
      VEDETTE_TRY(std::vector<collector::MetricMetadata> stored, StoredMetadata(context, metric));
      AddUnknown(std::move(stored), all);
    }
    Success success;
    WriteByMetric(success.json(), all, limit, per_metric);
    return std::move(success).Finish();
  });
}

Response TargetMetadata(const ApiContext& context, const Request& request) {
  return Answer([&]() -> Result<Response> {
    VEDETTE_TRY(const Parameters parameters, FormParameters(request));
    VEDETTE_TRY(const std::int64_t limit, IntParameter(parameters, "limit", -1));
    std::vector<Matcher> matchers;
    if (const std::string_view text = parameters.Get("match_target"); !text.empty()) {
      auto parsed = promql::ParseMetricSelector(text);
      if (!parsed) return InvalidParameter("match_target", parsed.error().message);
      matchers = *std::move(parsed);
    }
    const std::string_view metric = parameters.Get("metric");
    const LabelFilter filter = [&](const Labels& labels) { return MatchesAll(matchers, labels); };
    std::vector<collector::TargetMetadata> entries;
    if (limit != 0) {
      entries = Ask(context.target_metadata, filter, metric, static_cast<std::size_t>(limit < 0 ? 0 : limit));
    }
    Success success;
    success.json().BeginArray();
    for (const collector::TargetMetadata& entry : entries) {
      success.json().BeginObject().Key("target").LabelSet(entry.target);
      // Who asked for one metric knows its name.
      if (metric.empty()) success.json().Key("metric").String(entry.metadata.metric);
      WriteFields(success.json(), entry.metadata);
      success.json().End();
    }
    success.json().End();
    return std::move(success).Finish();
  });
}

}  // namespace vedette::dashboards::api
