// What is scraped, and how that goes.
#include <algorithm>
#include <optional>
#include <span>
#include <string>

#include <nlohmann/json.hpp>

#include "core/url.h"
#include "dashboards/api/envelope.h"
#include "dashboards/api/handlers.h"

namespace vedette::dashboards::api {

namespace {

bool IsLocalhost(std::string_view host) { return host == "127.0.0.1" || host == "localhost" || host == "::1"; }

/// The address under which others reach the target: localhost becomes the host of the external URL, and on this
/// server's own port its scheme and port, too.
std::string GlobalUrl(const std::string& scrape_url, const ApiOptions& options) {
  auto url = ParseUrl(scrape_url);
  const auto external = ParseUrl(options.external_url);
  if (!url || !external || !IsLocalhost(url->host)) return scrape_url;
  const std::string_view listen = options.listen_address;
  const std::string own_port(listen.substr(std::min(listen.rfind(':') + 1, listen.size())));
  if (std::to_string(url->port) == own_port) {
    url->scheme = external->scheme;
    url->port = external->port;
  }
  url->host = external->host;
  return url->ToString();
}

void WriteTarget(JsonWriter& json, const collector::TargetView& target, const ApiOptions& options) {
  json.BeginObject().Key("discoveredLabels").LabelSet(target.discovered_labels).Key("labels").LabelSet(target.labels);
  json.Key("scrapePool").String(target.scrape_pool).Key("scrapeUrl").String(target.scrape_url);
  json.Key("globalUrl").String(GlobalUrl(target.scrape_url, options)).Key("lastError").String(target.last_error);
  const bool scraped = target.last_scrape.ms != 0;
  json.Key("lastScrape").Rfc3339(scraped ? std::optional(target.last_scrape) : std::nullopt);
  json.Key("lastScrapeDuration").Double(target.last_scrape_seconds);
  json.Key("health").String(collector::TargetHealthName(target.health));
  json.Key("scrapeInterval").String(FormatDuration(target.scrape_interval));
  json.Key("scrapeTimeout").String(FormatDuration(target.scrape_timeout)).End();
}

void WriteDropped(JsonWriter& json, const collector::TargetsView& targets, std::string_view pool, bool shown) {
  json.Key("droppedTargets").BeginArray();
  for (const collector::DroppedTargetView& target : targets.dropped) {
    if (!shown || (!pool.empty() && target.scrape_pool != pool)) continue;
    json.BeginObject().Key("discoveredLabels").LabelSet(target.discovered_labels);
    json.Key("scrapePool").String(target.scrape_pool).End();
  }
  json.End().Key("droppedTargetCounts");
  if (!shown) {
    json.Null();
    return;
  }
  json.BeginObject();
  for (const auto& [name, count] : targets.dropped_counts) json.Key(name).Uint(count);
  json.End();
}

/// Under Prometheus' names; what is empty is left out.
void WriteRule(JsonWriter& json, const collector::RelabelConfig& rule) {
  json.Key("rule").BeginObject();
  if (!rule.source_labels.empty()) {
    json.Key("sourceLabels").BeginArray();
    for (const std::string& label : rule.source_labels) json.String(label);
    json.End();
  }
  if (!rule.separator.empty()) json.Key("separator").String(rule.separator);
  json.Key("regex").String(rule.regex.pattern());
  if (rule.modulus != 0) json.Key("modulus").Uint(rule.modulus);
  if (!rule.target_label.empty()) json.Key("targetLabel").String(rule.target_label);
  if (!rule.replacement.empty()) json.Key("replacement").String(rule.replacement);
  json.Key("action").String(collector::RelabelActionName(rule.action)).End();
}

}  // namespace

Response Targets(const ApiContext& context, const Request& request) {
  const std::string_view pool = request.query.Get("scrapePool");
  const std::string_view state = request.query.Get("state");
  const bool any = state.empty() || EqualsIgnoreCase(state, "any");
  const collector::TargetsView targets = Ask(context.targets);
  Success success;
  JsonWriter& json = success.json();
  json.BeginObject().Key("activeTargets").BeginArray();
  for (const collector::TargetView& target : targets.active) {
    const bool wanted = (any || EqualsIgnoreCase(state, "active")) && (pool.empty() || target.scrape_pool == pool);
    if (wanted) WriteTarget(json, target, context.options);
  }
  json.End();
  WriteDropped(json, targets, pool, any || EqualsIgnoreCase(state, "dropped"));
  json.End();
  return std::move(success).Finish();
}

Response RelabelSteps(const ApiContext& context, const Request& request) {
  return Answer([&]() -> Result<Response> {
    const std::string_view pool = request.query.Get("scrapePool");
    if (pool.empty()) return Fail(Code::kBadData, "no scrapePool parameter provided");
    const std::string_view text = request.query.Get("labels");
    if (text.empty()) return Fail(Code::kBadData, "no labels parameter provided");
    const auto given = nlohmann::json::parse(text, nullptr, false);
    if (!given.is_object()) return Fail(Code::kBadData, "labels is not a JSON object");
    LabelsBuilder labels;
    for (const auto& [name, value] : given.items()) {
      if (!value.is_string()) return Fail(Code::kBadData, "the value of label {} is not a string", Quote(name));
      labels.Set(name, value.get_ref<const std::string&>());
    }
    const auto job = context.scrape_pool_config ? context.scrape_pool_config(pool) : std::nullopt;
    if (!job) return Fail(Code::kBadData, "unknown scrape pool {}", Quote(pool));
    const auto names = job->metric_name_validation_scheme.value_or(collector::NameValidation::kUtf8);
    Success success;
    JsonWriter& json = success.json();
    json.BeginObject().Key("steps").BeginArray();
    bool keep = true;
    for (const collector::RelabelConfig& rule : job->relabel_configs) {
      // Behind a rule that drops the target the others have nothing to do.
      if (keep) keep = collector::Relabel(labels, std::span(&rule, 1), names);
      json.BeginObject();
      WriteRule(json, rule);
      json.Key("output").LabelSet(keep ? labels.Build() : Labels()).Key("keep").Bool(keep).End();
    }
    json.End().End();
    return std::move(success).Finish();
  });
}

Response ScrapePools(const ApiContext& context, const Request&) {
  Success success;
  success.json().BeginObject().Key("scrapePools").BeginArray();
  for (const std::string& pool : Ask(context.scrape_pools)) success.json().String(pool);
  success.json().End().End();
  return std::move(success).Finish();
}

}  // namespace vedette::dashboards::api
