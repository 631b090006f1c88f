#include "tests/unit/alerting/rules_harness.h"

using namespace vedette;
using namespace vedette::alerting;
using namespace vedette::alerting::test;

namespace {

std::string Group(std::string_view body, std::string_view head = "") {
  return fmt::format("groups:\n- name: g\n  interval: 1m\n{}  rules:\n{}", head, body);
}

const Labels kUpA{{"__name__", "up"}, {"instance", "a"}};
const Labels kUpB{{"__name__", "up"}, {"instance", "b"}};

constexpr std::string_view kDown = "  - alert: Down\n    expr: up == 0\n    for: 30m\n    labels: {severity: page}\n";

}  // namespace

TEST_CASE("recording rules write labelled series, later rules read them, vanished ones go stale", "[alerting][rules]") {
  RuleHarness harness(
      Group("  - record: job:up\n    expr: up > 0\n    labels: {level: job}\n"
            "  - record: total\n    expr: sum(job:up)\n"
            "  - record: constant\n    expr: 7\n"));
  harness.Add(kUpA, 0, 1);
  harness.Add(kUpB, 0, 1);
  harness.Evaluate(60);
  CHECK(harness.Query("job:up", 60) ==
        std::vector<std::string>{"job:up{instance=\"a\", level=\"job\"} 1", "job:up{instance=\"b\", level=\"job\"} 1"});
  CHECK(harness.Query("total", 60) == std::vector<std::string>{"total 2"});
  CHECK(harness.Query("constant", 60) == std::vector<std::string>{"constant 7"});
  harness.Add(kUpB, 90, 0);
  harness.Evaluate(120);
  CHECK(harness.Query("job:up", 120) == std::vector<std::string>{"job:up{instance=\"a\", level=\"job\"} 1"});
  CHECK(harness.Query("total", 120) == std::vector<std::string>{"total 1"});
}

TEST_CASE("a query offset shifts what rules read and where they write", "[alerting][rules]") {
  RuleHarness harness(Group("  - record: copy\n    expr: up\n", "  query_offset: 2m\n"));
  harness.Add(kUpA, 0, 1);
  harness.Add(kUpA, 60, 2);
  harness.Evaluate(120);
  CHECK(harness.Query("copy", 0) == std::vector<std::string>{"copy{instance=\"a\"} 1"});
}

TEST_CASE("a failed evaluation keeps the alerts, sends nothing and says why", "[alerting][rules]") {
  RuleHarness harness(Group("  - alert: Down\n    expr: up == 0\n"));
  harness.Add(kUpA, 0, 0);
  harness.Evaluate(0);
  CHECK(harness.TakeSent().size() == 1);
  harness.queries.broken = true;
  harness.Evaluate(600);
  CHECK(harness.TakeSent().empty());
  RuleView view = harness.View();
  CHECK(view.health == RuleHealth::kBad);
  CHECK(view.last_error == "query timed out");
  CHECK(view.state == AlertState::kFiring);
  CHECK(view.last_evaluation == harness.At(600));
  harness.queries.broken = false;
  harness.Add(kUpA, 660, 1);
  harness.Evaluate(660);
  view = harness.View();
  CHECK(view.health == RuleHealth::kGood);
  CHECK(view.last_error.empty());
  CHECK(view.state == AlertState::kInactive);
}

TEST_CASE("results that become equal and limits fail the rule", "[alerting][rules]") {
  RuleHarness harness(
      Group("  - record: x\n    expr: up\n    labels: {instance: same}\n"
            "  - alert: A\n    expr: up\n    labels: {instance: same}\n"
            "  - record: y\n    expr: up\n"
            "  - alert: B\n    expr: up\n",
            "  limit: 1\n"));
  harness.Add(kUpA, 0, 1);
  harness.Add(kUpB, 0, 1);
  harness.Evaluate(0);
  CHECK(harness.View(0).last_error.find("same labelset after applying rule labels") != std::string::npos);
  CHECK(harness.View(1).last_error.find("same labelset after applying alert labels") != std::string::npos);
  CHECK(harness.View(2).last_error == "exceeded limit of 1 with 2 series");
  CHECK(harness.View(3).last_error == "exceeded limit of 1 with 2 alerts");
  CHECK(harness.View(3).alerts.empty());
  CHECK(harness.TakeSent().empty());
  CHECK(harness.Query("{__name__=~\"x|y|ALERTS\"}", 0).empty());
}

TEST_CASE("what the sink refused is offered again until it is taken", "[alerting][rules]") {
  RuleHarness harness(Group("  - alert: Down\n    expr: up == 0\n"));
  harness.Add(kUpA, 0, 0);
  harness.sink.refuse = true;
  harness.Evaluate(0);
  CHECK(harness.View().health == RuleHealth::kBad);
  CHECK(harness.View().state == AlertState::kFiring);
  CHECK(harness.Query("ALERTS", 0).size() == 1);  // the series does not wait for the sink
  harness.sink.refuse = false;
  harness.Evaluate(60);
  const auto sent = harness.TakeSent();
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].fired_at == harness.At(0));
  CHECK(sent[0].rule == RuleRef{"rules.yml", "g", "Down"});
  CHECK(sent[0].generator_url == "http://127.0.0.1:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1");
}

TEST_CASE("a template error stands in the text and the alert goes out", "[alerting][rules]") {
  RuleHarness harness(
      Group("  - alert: Down\n    expr: up == 0\n    annotations: {s: '{{ query \"none\" | first }}'}\n"));
  harness.Add(kUpA, 0, 0);
  harness.Evaluate(0);
  const auto sent = harness.TakeSent();
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].annotations.Get("s").substr(0, 26) == "<error expanding template:");
  CHECK(harness.View().health == RuleHealth::kGood);
}

TEST_CASE("after a restart `for` goes on where it was", "[alerting][rules]") {
  struct Case {
    std::string name;
    int stopped_minute, back_minute;  // down between these; the condition is true since minute 0
    int fires_minute;
  };
  // The rule waits 30 minutes. Back means the first evaluation; the second one restores.
  const auto c = GENERATE(values<Case>({
      {"the outage does not count", 10, 15, 36},
      {"it was firing: fires at the next evaluation", 40, 45, 47},
      {"nearly due: fires after the grace period", 25, 30, 41},
      {"an outage beyond the tolerance starts anew", 10, 100, 130},
  }));
  INFO(c.name);
  RuleHarness harness(Group(kDown));
  for (int minute = 0; minute < 200; ++minute) harness.Add(kUpA, minute * 60, 0);
  for (int minute = 0; minute <= c.stopped_minute; ++minute) harness.Evaluate(minute * 60);
  harness.Load(Group(kDown), true);
  harness.TakeSent();
  int fired = 0;
  for (int minute = c.back_minute; minute < 200 && fired == 0; ++minute) {
    harness.Evaluate(minute * 60);
    if (harness.View().state == AlertState::kFiring) fired = minute;
    if (minute == c.back_minute + 1) {
      CHECK(harness.sink.settled.size() == 1);  // only that of the run before the restart
    }
  }
  CHECK(fired == c.fires_minute);
  CHECK(harness.sink.settled.size() == 2);
}

TEST_CASE("a reload carries alerts over by name and labels", "[alerting][rules]") {
  const std::string twice = std::string(kDown) + std::string(kDown);
  RuleHarness harness(Group(twice));
  harness.Add(kUpA, 0, 0);
  harness.Evaluate(0);
  // The expression may change, the label not. The second rule of that name gets the second state.
  harness.Load(
      Group("  - alert: Down\n    expr: up < 1\n    for: 30m\n    labels: {severity: page}\n"
            "  - alert: Down\n    expr: up == 0\n    for: 30m\n    labels: {severity: low}\n"));
  harness.group->TakeOver(*harness.previous);
  CHECK(harness.View(0).alerts.size() == 1);
  CHECK(harness.View(0).alerts[0].active_at == harness.At(0));
  CHECK(harness.View(1).alerts.empty());
}

TEST_CASE("a removed rule ends its series and resolves its alerts", "[alerting][rules]") {
  RuleHarness harness(Group("  - alert: Down\n    expr: up == 0\n  - record: r\n    expr: up\n"));
  harness.Add(kUpA, 0, 0);
  harness.Evaluate(0);
  CHECK(harness.TakeSent().size() == 1);
  harness.Load(Group("  - record: other\n    expr: up\n"));
  harness.group->TakeOver(*harness.previous);
  const auto resolves = harness.previous->Retire(harness.At(30));
  REQUIRE(resolves.size() == 1);
  CHECK(resolves[0].state == AlertState::kInactive);
  CHECK(resolves[0].resolved_at == harness.At(30));
  CHECK(harness.Query("ALERTS", 30).empty());
  CHECK(harness.Query("r", 30).empty());
  harness.group->AddResolves(resolves);
  harness.Evaluate(60);
  CHECK(harness.TakeSent().size() == 1);
}

TEST_CASE("a stopped group evaluates no further rule", "[alerting][rules]") {
  RuleHarness harness(Group("  - record: r\n    expr: up\n"));
  harness.Add(kUpA, 0, 0);
  std::stop_source stop;
  stop.request_stop();
  harness.group->EvaluateAt(harness.At(0), stop.get_token());
  CHECK(harness.View().health == RuleHealth::kUnknown);
  CHECK(harness.Query("r", 0).empty());
}
