// Rule groups with their rules, filtered and in pages.
#include <algorithm>
#include <set>
#include <string>

#include <openssl/sha.h>

#include "dashboards/api/alert_json.h"
#include "dashboards/api/envelope.h"
#include "dashboards/api/handlers.h"
#include "dashboards/api/params.h"

namespace vedette::dashboards::api {

namespace {

using alerting::RuleGroupView;
using alerting::RuleView;

/// An empty set accepts everything.
struct NameFilter {
  std::set<std::string, std::less<>> names;
  bool Accepts(std::string_view name) const { return names.empty() || names.contains(name); }
};

struct RuleFilter {
  NameFilter rules, groups, files;
  MatcherSets matchers;
  bool alerting = true, recording = true;
  bool with_alerts = true;
  std::size_t max_groups = 0;  // 0: all
  std::string next_token;      // of the first group of the page; empty: the first of all
};

std::string LowerCase(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

NameFilter ReadNames(const Parameters& parameters, std::string_view name) {
  const std::vector<std::string> values = parameters.All(name);
  return {{values.begin(), values.end()}};
}

Status ReadPage(const Parameters& parameters, RuleFilter& filter) {
  const std::string_view limit = parameters.Get("group_limit");
  filter.next_token = std::string(parameters.Get("group_next_token"));
  if (limit.empty() && !filter.next_token.empty()) {
    return InvalidParameter("group_next_token", "group_limit needs to be present in order to paginate over the groups");
  }
  if (limit.empty()) return Ok();
  const auto groups = IntParameter(parameters, "group_limit", 0);
  if (!groups) {
    return InvalidParameter("group_limit",
                            "group_limit needs to be a valid number: " + NumberProblem("ParseInt", limit));
  }
  if (*groups <= 0) return InvalidParameter("group_limit", "group_limit needs to be greater than 0");
  filter.max_groups = static_cast<std::size_t>(*groups);
  return Ok();
}

Result<RuleFilter> ReadRuleFilter(const Parameters& parameters) {
  RuleFilter filter;
  filter.rules = ReadNames(parameters, "rule_name[]");
  filter.groups = ReadNames(parameters, "rule_group[]");
  filter.files = ReadNames(parameters, "file[]");
  VEDETTE_TRY(filter.matchers, MatchParameters(parameters));
  const std::string type = LowerCase(parameters.Get("type"));
  if (!type.empty() && type != "alert" && type != "record") {
    return InvalidParameter("type", fmt::format("not supported value \"{}\"", type));
  }
  filter.alerting = type != "record";
  filter.recording = type != "alert";
  VEDETTE_TRY(const bool exclude,
              BoolParameter(parameters, "exclude_alerts", false, "error converting exclude_alerts: "));
  filter.with_alerts = !exclude;
  VEDETTE_CHECK(ReadPage(parameters, filter));
  return filter;
}

/// Whether one of the selectors accepts the labels as they stand in the rule file.
bool MatchesLabels(const MatcherSets& sets, const alerting::NamedTexts& labels) {
  if (sets.empty()) return true;
  LabelsBuilder builder;
  for (const auto& [name, text] : labels) builder.Set(name, text);
  const Labels all = builder.Build();
  return std::ranges::any_of(sets, [&](const std::vector<Matcher>& set) { return MatchesAll(set, all); });
}

bool Wanted(const RuleView& rule, const RuleFilter& filter) {
  return (rule.alerting ? filter.alerting : filter.recording) && filter.rules.Accepts(rule.name) &&
         MatchesLabels(filter.matchers, rule.labels);
}

/// Names the first group of the next page: the same after a restart, unless the files change.
std::string TokenOf(const RuleGroupView& group) {
  const std::string text = group.file + ";" + group.name;
  unsigned char hash[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), hash);
  std::string token;
  for (const unsigned char byte : hash) fmt::format_to(std::back_inserter(token), "{:02x}", byte);
  return token;
}

void WriteTexts(JsonWriter& json, const alerting::NamedTexts& texts) {
  json.BeginObject();
  for (const auto& [name, text] : texts) json.Key(name).String(text);
  json.End();
}

void WriteAlertingPart(JsonWriter& json, const RuleView& rule, bool with_alerts) {
  json.Key("state").String(alerting::AlertStateName(rule.state)).Key("duration").Seconds(rule.duration);
  json.Key("keepFiringFor").Seconds(rule.keep_firing_for);
  WriteTexts(json.Key("annotations"), rule.annotations);
  json.Key("alerts");
  if (!with_alerts) {
    json.Null();
    return;
  }
  json.BeginArray();
  for (const alerting::AlertView& alert : rule.alerts) WriteAlert(json, alert);
  json.End();
}

void WriteRule(JsonWriter& json, const RuleView& rule, bool with_alerts) {
  json.BeginObject().Key("name").String(rule.name).Key("query").String(rule.query);
  WriteTexts(json.Key("labels"), rule.labels);
  if (rule.alerting) WriteAlertingPart(json, rule, with_alerts);
  json.Key("health").String(alerting::RuleHealthName(rule.health));
  if (!rule.last_error.empty()) json.Key("lastError").String(rule.last_error);
  json.Key("evaluationTime").Seconds(rule.evaluation_time);
  json.Key("lastEvaluation").Rfc3339(rule.last_evaluation);
  json.Key("type").String(rule.alerting ? "alerting" : "recording").End();
}

void WriteGroup(JsonWriter& json, const RuleGroupView& group, const RuleFilter& filter) {
  json.BeginObject().Key("name").String(group.name).Key("file").String(group.file).Key("rules").BeginArray();
  for (const RuleView& rule : group.rules) {
    if (Wanted(rule, filter)) WriteRule(json, rule, filter.with_alerts);
  }
  json.End().Key("interval").Seconds(group.interval).Key("limit").Uint(group.limit);
  json.Key("evaluationTime").Seconds(group.evaluation_time);
  json.Key("lastEvaluation").Rfc3339(group.last_evaluation);
  json.End();
}

/// Groups that have something to show, from the token on.
Result<std::vector<const RuleGroupView*>> Shown(const std::vector<RuleGroupView>& groups, const RuleFilter& filter) {
  std::vector<const RuleGroupView*> shown;
  bool begun = filter.next_token.empty();
  for (const RuleGroupView& group : groups) {
    begun = begun || TokenOf(group) == filter.next_token;
    if (!begun || !filter.groups.Accepts(group.name) || !filter.files.Accepts(group.file)) continue;
    const bool any = std::ranges::any_of(group.rules, [&](const RuleView& rule) { return Wanted(rule, filter); });
    if (any) shown.push_back(&group);
  }
  if (!begun) {
    return InvalidParameter("group_next_token",
                            fmt::format("invalid group_next_token '{}'. were rule groups changed?", filter.next_token));
  }
  return shown;
}

}  // namespace

Response Rules(const ApiContext& context, const Request& request) {
  return Answer([&]() -> Result<Response> {
    VEDETTE_TRY(const RuleFilter filter, ReadRuleFilter(request.query));
    const std::vector<RuleGroupView> groups = Ask(context.rule_groups);
    VEDETTE_TRY(const std::vector<const RuleGroupView*> shown, Shown(groups, filter));
    const bool cut = filter.max_groups > 0 && shown.size() > filter.max_groups;
    Success success;
    success.json().BeginObject().Key("groups").BeginArray();
    for (std::size_t i = 0; i < (cut ? filter.max_groups : shown.size()); ++i) {
      WriteGroup(success.json(), *shown[i], filter);
    }
    success.json().End();
    if (cut) success.json().Key("groupNextToken").String(TokenOf(*shown[filter.max_groups]));
    success.json().End();
    return std::move(success).Finish();
  });
}

}  // namespace vedette::dashboards::api
