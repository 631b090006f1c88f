// What leaves: bodies inside the receivers' limits, harmless whatever labels hold, without a secret where none belongs.
#include <nlohmann/json.hpp>

#include "alerting/notify/notification_template.h"
#include "alerting/notify/sender.h"
#include "alerting/notify/slack_text.h"
#include "alerting/notify/text_limits.h"
#include "tests/support/catch.h"

using namespace vedette;
using namespace vedette::alerting;
using nlohmann::json;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view kKey = "0123456789abcdef0123456789abcdef";
constexpr std::string_view kUrl = "https://hooks.slack.example/services/T0/B0/sssecret";

IncidentAlert Alert(const Labels& labels, const Labels& annotations = {}) {
  IncidentAlert alert;
  alert.labels = labels;
  alert.annotations = annotations;
  alert.value = 0.25;
  alert.starts_at = TimeMs(1'700'000'000'000);
  alert.generator_url = "http://127.0.0.1:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1";
  return alert;
}

Notification Message(std::vector<IncidentAlert> alerts) {
  Notification n;
  n.receiver = "oncall";
  n.incident_id = "HighErrorRate-0011223344556677";
  n.number = 12;
  n.priority = Priority::kP1;
  n.reasons = {{"label", "severity=critical (label)", 0},
               {"blast_radius", "3 of 4 targets of job api are affected", 1}};
  n.group_labels = Labels{{"alertname", "HighErrorRate"}, {"job", "api"}};
  n.alerts = std::move(alerts);
  n.started_at = TimeMs(1'700'000'000'000);
  n.now = n.started_at + 1min;
  n.respond_by = n.started_at + 30min;
  n.external_url = "https://vedette.example";
  FinishNotification(n);
  return n;
}

Notification Usual() {
  const Labels annotations = {{"summary", "5 % of requests fail"}, {"runbook_url", "https://runbooks.example/errors"}};
  return Message({Alert({{"alertname", "HighErrorRate"}, {"job", "api"}, {"instance", "a:80"}}, annotations),
                  Alert({{"alertname", "HighErrorRate"}, {"job", "api"}, {"instance", "b:80"}}, annotations)});
}

/// Everything that people put into labels to hurt.
Notification Hostile() {
  const std::string nasty =
      "<!channel> <@U1> @everyone @Here & <b> \x01\x1b[31m \xff \xE2\x80\xAE *x* " + std::string(5000, '&');
  std::vector<IncidentAlert> alerts;
  for (int i = 0; i < 60; ++i) {
    LabelsBuilder labels;
    labels.Set("alertname", "A" + nasty).Set("instance", nasty + std::to_string(i));
    for (int l = 0; l < 40; ++l) labels.Set("label_" + std::to_string(l), nasty);
    alerts.push_back(Alert(labels.Build(), {{"summary", nasty},
                                            {"description", nasty + nasty},
                                            {"runbook_url", "javascript:alert(1)"},
                                            {"dashboard_url", "https://d.example/a|b>c"}}));
    alerts.back().generator_url = "http://x/" + std::string(10'000, 'x');
  }
  return Message(std::move(alerts));
}

Integration Slack(SlackConfig config = {}) {
  config.api_url = Secret(std::string(kUrl));
  return {{"oncall", "slack", 0}, config};
}

Integration Pagerduty(PagerdutyConfig config = {}) {
  if (config.service_key.empty()) config.routing_key = Secret(std::string(kKey));
  return {{"oncall", "pagerduty", 0}, config};
}

json BodyOf(const Integration& integration, const Notification& n, std::string definitions = "") {
  std::vector<std::string> problems;
  const HttpRequest request = MustHave(MakeRequest(integration, n, definitions, problems));
  CHECK(request.method == "POST");
  json body = json::parse(request.body, nullptr, false);
  REQUIRE(body.is_object());
  return body;
}

void CheckTextObject(const json& text, std::size_t max) {
  const auto value = text.at("text").get<std::string>();
  CHECK_FALSE(value.empty());
  CHECK(TextLength(value) <= max);
  CHECK((text.at("type") == "mrkdwn" || text.at("type") == "plain_text"));
}

void CheckBlock(const json& block) {
  const auto type = block.at("type").get<std::string>();
  INFO(type);
  if (type == "header") {
    CHECK(block.at("text").at("type") == "plain_text");
    CheckTextObject(block.at("text"), 150);
  } else if (type == "section") {
    CHECK((block.contains("text") || block.contains("fields")));
    if (block.contains("text")) CheckTextObject(block.at("text"), 3000);
    if (block.contains("fields")) {
      CHECK_FALSE(block.at("fields").empty());
      CHECK(block.at("fields").size() <= 10);
      for (const json& field : block.at("fields")) CheckTextObject(field, 2000);
    }
  } else if (type == "context") {
    CHECK(block.at("elements").size() <= 10);
    for (const json& element : block.at("elements")) CheckTextObject(element, 3000);
  } else if (type == "actions") {
    CHECK(block.at("elements").size() <= 25);
    for (const json& button : block.at("elements")) CheckTextObject(button.at("text"), 75);
  } else {
    CHECK(type == "image");
  }
}

/// Slack's documented limits, and that nobody is rung.
void CheckSlack(const json& body) {
  std::vector<json> blocks = body.at("blocks").get<std::vector<json>>();
  for (const json& attachment : body.at("attachments")) {
    for (const json& block : attachment.at("blocks")) blocks.push_back(block);
  }
  CHECK(blocks.size() <= 50);
  for (const json& block : blocks) CheckBlock(block);
  CHECK_FALSE(body.at("text").get<std::string>().empty());
  const std::string text = body.dump();
  CHECK(TextLength(text) < 13'200);
  for (const char* mention : {"<!", "<@", "@everyone", "@Here", "@channel", "\\u0001", "\\u001b", "javascript:"}) {
    INFO(mention);
    CHECK(text.find(mention) == std::string::npos);
  }
}

std::string AllText(const json& body) { return body.dump(-1, ' ', false); }
bool Has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a Slack message shows priority, reason, summary, labels and links", "[notify][slack]") {
  const json body = BodyOf(Slack(), Usual());
  CheckSlack(body);
  CHECK(body["text"] == "[P1] HighErrorRate api (2 firing): 5 % of requests fail");
  CHECK(body["blocks"][0]["text"]["text"] == "[P1] HighErrorRate api (2 firing)");
  CHECK(body["attachments"][0]["color"] == "#e01e5a");
  const std::string text = AllText(body);
  CHECK(Has(text, "P1 because severity=critical (label), 3 of 4 targets of job api are affected (+1)"));
  CHECK(Has(text, "<https://runbooks.example/errors|Runbook>"));
  CHECK(Has(text, "g0.expr=up+%3D%3D+0&amp;g0.tab=1|Graph>"));
  CHECK(Has(text, "<https://vedette.example/#/incidents/12|Incident>"));
  CHECK(Has(text, "instance=a:80: value 0.25, since 2023-11-14T22:13:20Z"));
  CHECK(Has(text, "to be acknowledged by"));
  CHECK_FALSE(Has(text, "sssecret"));
}

TEST_CASE("a resolve says so", "[notify][slack]") {
  Notification n = Usual();
  n.event = DeliveryEvent::kResolve;
  for (IncidentAlert& alert : n.alerts) alert.ended_at = n.now;
  n.resolved_at = n.now;
  const json body = BodyOf(Slack(), n);
  CheckSlack(body);
  CHECK(body["blocks"][0]["text"]["text"] == "[P1 resolved] HighErrorRate api");
  CHECK(body["attachments"][0]["color"] == "#2eb886");
  CHECK(Has(AllText(body), "resolved 2023-11-14T22:14:20Z after 1m"));
}

TEST_CASE("hostile labels stay inside Slack's limits and ring nobody", "[notify][slack]") {
  CheckSlack(BodyOf(Slack(), Hostile()));
  SlackConfig config;
  config.title = "{{ .CommonLabels.alertname }}";
  config.text = "{{ range .Alerts }}{{ .Labels.instance }} {{ .Annotations.description }}{{ end }}";
  config.fields = {{"{{ .CommonLabels.label_1 }}", "{{ .CommonLabels.label_2 }}", true}};
  config.footer = "{{ .CommonAnnotations.summary }}";
  config.fallback = "{{ .CommonAnnotations.summary }}";
  config.actions = {{"Look", "https://x.example", "primary"}, {"No", "javascript:alert(1)", ""}};
  CheckSlack(BodyOf(Slack(config), Hostile()));
}

TEST_CASE("configured texts are rendered over Alertmanager's data", "[notify][slack]") {
  SlackConfig config;
  config.channel = "#{{ .GroupLabels.job }}";
  config.title = "{{ .Status | toUpper }} {{ .CommonLabels.alertname }}";
  config.text =
      "<!here> {{ .Alerts.Firing | len }} alerts, {{ template \"who\" . }}{{ range .Alerts }} {{ .Labels.instance }}{{ "
      "end }}"
      "{{ range .CommonLabels.SortedPairs }}|{{ .Name }}={{ .Value }}{{ end }}{{ len .Alerts.Resolved }}";
  const json body = BodyOf(Slack(config), Usual(), "\n{{ define \"who\" }}in {{ .CommonLabels.job }}:{{ end }}\n");
  CHECK(body["channel"] == "#api");
  CHECK(body["blocks"][0]["text"]["text"] == "[P1] FIRING HighErrorRate");
  const std::string text = AllText(body);
  // What the author of the configuration wrote may ring.
  CHECK(Has(text, "<!here> 2 alerts, in api: a:80 b:80|alertname=HighErrorRate|job=api0"));
  CHECK(Has(text, "P1 because"));
}

TEST_CASE("a bad template does not lose the page: the built-in text goes out and says so", "[notify]") {
  SlackConfig slack;
  slack.text = "{{ .Nonsense }}";
  slack.title = "{{ template \"missing\" . }}";
  std::vector<std::string> problems;
  MustHave(MakeRequest(Slack(slack), Usual(), "", problems));
  CHECK(problems.size() == 2);
  const json body = BodyOf(Slack(slack), Usual());
  CheckSlack(body);
  CHECK(body["blocks"][0]["text"]["text"] == "[P1] HighErrorRate api (2 firing)");
  CHECK(Has(AllText(body), "A configured text was left out: "));
  CHECK(Has(AllText(body), "5 % of requests fail"));
  PagerdutyConfig pagerduty;
  pagerduty.description = "{{ .Nonsense }}";
  const json event = BodyOf(Pagerduty(pagerduty), Usual());
  CHECK(event["payload"]["summary"] == "[P1] HighErrorRate api (2 firing): 5 % of requests fail");
  CHECK(Has(event["payload"]["custom_details"]["template_error"].get<std::string>(), "Nonsense"));
}

TEST_CASE("a PagerDuty event carries everything that Events v2 asks for", "[notify][pagerduty]") {
  PagerdutyConfig config;
  config.details = {{"team", "{{ .CommonLabels.job }}-team"}};
  config.images = {{"https://img.example/x.png", "graph", ""}, {"http://img.example/x.png", "not https", ""}};
  const json body = BodyOf(Pagerduty(config), Usual());
  CHECK(body["routing_key"] == kKey);
  CHECK(body["event_action"] == "trigger");
  CHECK(body["dedup_key"] == "HighErrorRate-0011223344556677");
  const json& payload = body["payload"];
  CHECK(payload["severity"] == "error");
  CHECK(payload["source"] == "api");
  CHECK(payload["timestamp"] == "2023-11-14T22:13:20Z");
  CHECK(payload["component"] == "api");
  CHECK(payload["class"] == "HighErrorRate");
  const json& details = payload["custom_details"];
  CHECK(details["priority"] == "P1");
  CHECK(details["why"] == "P1 because severity=critical (label), 3 of 4 targets of job api are affected (+1)");
  CHECK(details["reasons"][1]["weight"] == 1);
  CHECK(details["labels"]["job"] == "api");
  CHECK(details["team"] == "api-team");
  CHECK(details["num_firing"] == 2);
  CHECK(body["links"][0]["href"] == "https://runbooks.example/errors");
  CHECK(body["images"].size() == 1);
  CHECK(body["client"] == "Vedette");
  Notification end = Usual();
  end.event = DeliveryEvent::kResolve;
  const json resolve = BodyOf(Pagerduty(), end);
  CHECK(resolve["event_action"] == "resolve");
  CHECK(resolve["dedup_key"] == body["dedup_key"]);
}

TEST_CASE("priorities become PagerDuty's severities", "[notify][pagerduty]") {
  const std::vector<std::string> want = {"critical", "error", "warning", "info"};
  for (int p = 0; p < 4; ++p) {
    Notification n = Usual();
    n.priority = static_cast<Priority>(p);
    CHECK(BodyOf(Pagerduty(), n)["payload"]["severity"] == want[static_cast<std::size_t>(p)]);
  }
  PagerdutyConfig config;
  config.severity = "{{ if eq .Status \"firing\" }}warning{{ end }}";
  CHECK(BodyOf(Pagerduty(config), Usual())["payload"]["severity"] == "warning");
  config.severity = "purple";
  CHECK(BodyOf(Pagerduty(config), Usual())["payload"]["severity"] == "error");
}

TEST_CASE("a PagerDuty event stays under its limits", "[notify][pagerduty]") {
  const Notification n = Hostile();
  std::vector<std::string> problems;
  for (const bool v1 : {false, true}) {
    PagerdutyConfig config;
    if (v1) config.service_key = Secret("v1key");
    config.details = {{"dump", std::string(600'000, 'x')}};
    const HttpRequest request = MustHave(MakeRequest(Pagerduty(config), n, "", problems));
    CHECK(request.body.size() <= 512'000);
    const json body = json::parse(request.body);
    const std::string summary = (v1 ? body["description"] : body["payload"]["summary"]).get<std::string>();
    CHECK(TextLength(summary) <= 1024);
    CHECK(summary.find('\n') == std::string::npos);
    const json& details = v1 ? body["details"] : body["payload"]["custom_details"];
    CHECK(details["priority"] == "P1");
    CHECK(details["note"] == "the details were left out: the event would exceed 512 KB");
    CHECK(request.url == (v1 ? "https://events.pagerduty.com/generic/2010-04-15/create_event.json"
                             : "https://events.pagerduty.com/v2/enqueue"));
  }
}

TEST_CASE("a webhook body is Alertmanager's version 4 with the incident added", "[notify][webhook]") {
  WebhookConfig config;
  config.url = Secret("http://127.0.0.1:1/hook");
  config.max_alerts = 1;
  const json body = BodyOf({{"oncall", "webhook", 0}, config}, Usual());
  CHECK(body["version"] == "4");
  CHECK(body["status"] == "firing");
  CHECK(body["receiver"] == "oncall");
  CHECK(body["truncatedAlerts"] == 1);
  CHECK(body["commonLabels"]["job"] == "api");
  REQUIRE(body["alerts"].size() == 1);
  CHECK(body["alerts"][0]["labels"]["instance"] == "a:80");
  CHECK(body["alerts"][0]["endsAt"] == "0001-01-01T00:00:00Z");
  CHECK(body["alerts"][0]["fingerprint"].get<std::string>().size() == 16);
  CHECK(body["incident"]["priority"] == "P1");
}

TEST_CASE("answers are read by their class", "[notify]") {
  struct Case {
    int status;
    std::string retry_after, body;
    Outcome want;
    std::int64_t wait_ms;
  };
  const TimeMs now(1'700'000'000'000);  // Tue, 14 Nov 2023 22:13:20 GMT
  const auto c = GENERATE(values<Case>({
      {200, "", "ok", Outcome::kDelivered, -1},
      {202, "", "{}", Outcome::kDelivered, -1},
      {200, "", "", Outcome::kDelivered, -1},
      {200, "", "invalid_token", Outcome::kPermanent, -1},
      {200, "", R"({"ok":false,"error":"channel_not_found"})", Outcome::kPermanent, -1},
      {200, "", R"({"ok":false,"error":"ratelimited","retry_after":1.5})", Outcome::kRetry, 1500},
      {400, "", "invalid_payload", Outcome::kPermanent, -1},
      {404, "", "no_service", Outcome::kPermanent, -1},
      {410, "", "", Outcome::kPermanent, -1},
      {302, "", "", Outcome::kPermanent, -1},
      {408, "", "", Outcome::kRetry, -1},
      {425, "", "", Outcome::kRetry, -1},
      {429, "2", "", Outcome::kRetry, 2000},
      {429, " 0.376 ", "", Outcome::kRetry, 376},
      {429, "Tue, 14 Nov 2023 22:13:50 GMT", "", Outcome::kRetry, 30'000},
      {429, "Tuesday, 14-Nov-23 22:13:50 GMT", "", Outcome::kRetry, 30'000},
      {429, "Tue Nov 14 22:13:50 2023", "", Outcome::kRetry, 30'000},
      {429, "Tue, 14 Nov 2022 22:13:50 GMT", "", Outcome::kRetry, 0},
      {429, "soon", "", Outcome::kRetry, -1},
      {429, "-5", "", Outcome::kRetry, -1},
      {429, "1e300", "", Outcome::kRetry, 604'800'000},
      {500, "", "", Outcome::kRetry, -1},
      {503, "Tue, 99 Nov 2023 22:13:50 GMT", "", Outcome::kRetry, -1},
  }));
  INFO(c.status << " " << c.retry_after << " " << c.body);
  HttpResponse response;
  response.status = c.status;
  response.body = c.body;
  if (!c.retry_after.empty()) response.headers = {{"Retry-After", c.retry_after}};
  const Verdict verdict = FindNotifier("slack")->classify(response, now);
  CHECK(verdict.outcome == c.want);
  CHECK((verdict.retry_after ? verdict.retry_after->count() : -1) == c.wait_ms);
}

TEST_CASE("texts are cut between characters and escapes", "[notify]") {
  CHECK(CutText("h\xC3\xA9llo", 5) == "h\xC3\xA9llo");
  CHECK(CutText("h\xC3\xA9llo", 4) == "h\xC3\xA9l\xE2\x80\xA6");
  CHECK(TextLength("\xF0\x9F\x98\x80") == 2);
  CHECK(CutText("\xF0\x9F\x98\x80\xF0\x9F\x98\x80", 3) == "\xF0\x9F\x98\x80\xE2\x80\xA6");
  CHECK(CleanText("a\x01\xff\n") == "a\xEF\xBF\xBD\n");
  CHECK(SlackEscape("a<b&c>", 100) == "a&lt;b&amp;c&gt;");
  for (std::size_t max = 0; max < 40; ++max) {
    const std::string cut = SlackEscape("&&&&<<<<@everyone", max);
    CHECK(TextLength(cut) <= max);
    CHECK(cut.find("&l\xE2") == std::string::npos);
    CHECK(cut.find("&am\xE2") == std::string::npos);
  }
}

TEST_CASE("secrets come from files, fresh for each request, and are named in no error", "[notify]") {
  SlackConfig config;
  config.api_url_file = "/nonexistent/slack";
  std::vector<std::string> problems;
  const auto missing = MakeRequest({{"oncall", "slack", 0}, config}, Usual(), "", problems);
  REQUIRE_FALSE(missing.has_value());
  CHECK(missing.error().code == Code::kIo);
  config.api_url_file.clear();
  config.api_url = Secret("ftp://hooks/sssecret");
  const auto wrong = MakeRequest({{"oncall", "slack", 0}, config}, Usual(), "", problems);
  REQUIRE_FALSE(wrong.has_value());
  CHECK_FALSE(Has(wrong.error().message, "sssecret"));
  const Status status = config.Validate();
  REQUIRE_FALSE(status.has_value());
  CHECK_FALSE(Has(status.error().message, "sssecret"));
}
