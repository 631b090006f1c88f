#include "alerting/router_views.h"
#include "tests/unit/dashboards/api_fixture.h"

using namespace vedette;
using namespace vedette::dashboards;

namespace {

alerting::RuleView AlertRule(const std::string& name) {
  alerting::RuleView rule;
  rule.alerting = true;
  rule.name = name;
  rule.query = "up == 0";
  rule.state = alerting::AlertState::kFiring;
  rule.duration = Millis(90'000);
  rule.labels = {{"severity", "page"}};
  rule.annotations = {{"summary", "{{ $value }}"}};
  rule.alerts = {{Labels{{"alertname", name}}, {}, alerting::AlertState::kFiring, TimeMs(1000), std::nullopt, 11}};
  rule.health = alerting::RuleHealth::kGood;
  rule.evaluation_time = Millis(2);
  rule.last_evaluation = TimeMs(2000);
  return rule;
}

alerting::RuleView RecordingRule(const std::string& name) {
  alerting::RuleView rule;
  rule.name = name;
  rule.query = "up + 1";
  rule.health = alerting::RuleHealth::kBad;
  rule.last_error = "no \"luck\"";
  return rule;
}

alerting::RuleGroupView Group(const std::string& file, const std::string& name, std::vector<alerting::RuleView> rules) {
  alerting::RuleGroupView group;
  group.name = name;
  group.file = file;
  group.interval = Millis(60'000);
  group.rules = std::move(rules);
  return group;
}

const std::string kFiring =
    R"({"labels":{"alertname":"Down"},"annotations":{},"state":"firing","activeAt":"1970-01-01T00:00:01Z",)"
    R"("value":"1.1e+01"})";

}  // namespace

TEST_CASE_METHOD(ApiFixture, "rules are listed in Prometheus' shape", "[api][rules]") {
  context.rule_groups = [] {
    return std::vector<alerting::RuleGroupView>{Group("f", "g", {AlertRule("Down"), RecordingRule("r")})};
  };
  const std::string head = R"({"groups":[{"name":"g","file":"f","rules":[)";
  const std::string tail = R"(],"interval":60,"limit":0,"evaluationTime":0,"lastEvaluation":"0001-01-01T00:00:00Z"}]})";
  const std::string down =
      R"({"name":"Down","query":"up == 0","labels":{"severity":"page"},"state":"firing","duration":90,)"
      R"("keepFiringFor":0,"annotations":{"summary":"{{ $value }}"},"alerts":[)" +
      kFiring + R"(],"health":"ok","evaluationTime":0.002,"lastEvaluation":"1970-01-01T00:00:02Z","type":"alerting"})";
  const std::string record =
      R"({"name":"r","query":"up + 1","labels":{},"health":"err","lastError":"no \"luck\"","evaluationTime":0,)"
      R"("lastEvaluation":"0001-01-01T00:00:00Z","type":"recording"})";
  CHECK(Get("rules") == Ok(head + down + "," + record + tail));
  CHECK(Get("rules", {{"type", "record"}, {"unknown", "ignored"}}) == Ok(head + record + tail));
  CHECK(Get("rules", {{"match[]", "{severity=\"page\"}"}}) == Ok(head + down + tail));
  CHECK(Get("rules", {{"type", "alert"}, {"exclude_alerts", "true"}}).find(R"("alerts":null,)") != std::string::npos);
  CHECK(Get("rules", {{"rule_name[]", "nope"}}) == Ok(R"({"groups":[]})"));
  CHECK(Get("rules", {{"type", "both"}}) == Bad(R"(invalid parameter \"type\": not supported value \"both\")"));
  CHECK(Call(kGet, "/api/v1/rules", {{"exclude_alerts", "maybe"}}).status == 400);
}

TEST_CASE_METHOD(ApiFixture, "rule groups come in pages", "[api][rules]") {
  context.rule_groups = [] {
    return std::vector<alerting::RuleGroupView>{Group("f", "1", {RecordingRule("a")}),
                                                Group("f", "2", {RecordingRule("b")}),
                                                Group("g", "3", {AlertRule("c")})};
  };
  const auto names = [&](Form form, std::string* token) {
    const std::string text = Get("rules", std::move(form));
    std::string found;
    for (const std::string name : {"1", "2", "3"}) {
      if (text.find(R"({"name":")" + name + R"(","file")") != std::string::npos) found += name;
    }
    const auto at = text.find("groupNextToken");
    if (token != nullptr) *token = at == std::string::npos ? "" : text.substr(at + 17, 64);
    return found;
  };
  std::string token;
  CHECK(names({{"group_limit", "2"}}, &token) == "12");
  REQUIRE(token.size() == 64);
  CHECK(names({{"group_limit", "2"}, {"group_next_token", token}}, &token) == "3");
  CHECK(token.empty());
  CHECK(names({{"rule_group[]", "1"}, {"rule_group[]", "3"}}, nullptr) == "13");
  CHECK(names({{"file[]", "g"}}, nullptr) == "3");
  CHECK(Get("rules", {{"group_limit", "1"}, {"group_next_token", "old"}}) ==
        Bad(R"(invalid parameter \"group_next_token\": invalid group_next_token 'old'. were rule groups changed?)"));
  CHECK(Call(kGet, "/api/v1/rules", {{"group_next_token", "x"}}).status == 400);
  CHECK(Call(kGet, "/api/v1/rules", {{"group_limit", "0"}}).status == 400);
}

TEST_CASE_METHOD(ApiFixture, "alerts are listed, Alertmanagers are none", "[api][alerts]") {
  context.alerts = [] { return AlertRule("Down").alerts; };
  CHECK(Get("alerts") == Ok(R"({"alerts":[)" + kFiring + "]}"));
  CHECK(Get("alertmanagers") == Ok(R"({"activeAlertmanagers":[],"droppedAlertmanagers":[]})"));
}

TEST_CASE_METHOD(ApiFixture, "incidents are listed, the most urgent open one first", "[api][incidents]") {
  alerting::IncidentFilter asked;
  context.incidents = [&](const alerting::IncidentFilter& filter) {
    asked = filter;
    alerting::IncidentView late;
    late.number = 1;
    late.priority = alerting::Priority::kP2;
    alerting::IncidentView urgent = late;
    urgent.number = 2;
    urgent.id = "Down-1a";
    urgent.title = "Down api";
    urgent.priority = alerting::Priority::kP0;
    urgent.why = "P0 because severity=critical";
    urgent.reasons = {{"label", "severity=critical", 0}};
    urgent.state = "open";
    urgent.group_labels = Labels{{"alertname", "Down"}};
    urgent.started_at = urgent.updated_at = TimeMs(1000);
    urgent.respond_by = TimeMs(301'000);
    urgent.firing = 1;
    alerting::IncidentAlert alert;
    alert.labels = Labels{{"alertname", "Down"}};
    alert.starts_at = TimeMs(1000);
    alert.evidence = {{"score", "6.1"}};
    urgent.alerts = {alert};
    urgent.deliveries = {{{"team", "slack", 0}, alerting::DeliveryState::kDelivered, TimeMs(2000), {}, 0, ""}};
    alerting::IncidentView ended = urgent;
    ended.number = 3;
    ended.resolved_at = TimeMs(5000);
    return std::vector<alerting::IncidentView>{ended, late, urgent};
  };
  const std::string text = Get("incidents", {{"state", "open"}, {"limit", "7"}});
  CHECK(asked.open);
  CHECK(!asked.resolved);
  CHECK(asked.limit == 7);
  CHECK(text.starts_with(
      R"({"status":"success","data":[{"number":2,"id":"Down-1a","title":"Down api","priority":"P0",)"
      R"("reason":"P0 because severity=critical","reasons":[{"input":"label",)"
      R"("text":"severity=critical","weight":0}],"state":"open","labels":{"alertname":"Down"},)"
      R"("startedAt":"1970-01-01T00:00:01Z","updatedAt":"1970-01-01T00:00:01Z","respondBy":"1970-01-01T00:05:01Z",)"
      R"("firing":1,"alerts":[{"labels":{"alertname":"Down"},"annotations":{},"state":"firing",)"
      R"("startsAt":"1970-01-01T00:00:01Z","value":"0e+00","kind":"rule","evidence":{"score":"6.1"},)"
      R"("generatorURL":""}],"deliveries":[{"receiver":"team","kind":"slack","state":"delivered",)"
      R"("deliveredAt":"1970-01-01T00:00:02Z","attempts":0}]},{"number":1,)"));
  CHECK(text.find(R"({"number":1,)") < text.find(R"({"number":3,)"));
  CHECK(Call(kGet, "/api/v1/incidents", {{"state", "odd"}}).status == 400);
}
