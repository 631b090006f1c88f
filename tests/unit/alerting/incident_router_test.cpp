// Incidents through the router's core: identity, classification over time, configuration edits, rules that vanish.
#include "tests/unit/alerting/router_harness.h"

using namespace vedette;
using namespace vedette::alerting;
using namespace vedette::alerting::test;
using namespace std::chrono_literals;

TEST_CASE("an incident says why it has its priority and rises as it spreads", "[incident]") {
  World world;
  world.census.targets["api"] = 4;
  world.Fire(TargetDown("a", "warning"));
  CHECK(world.core->Incidents({}).front().why ==
        "P2 because severity=warning (label), it is of kind target down, 1 of 4 targets of job api is affected");
  world.Run(11s);
  world.heard.clear();
  world.Fire(TargetDown("b", "warning"));
  world.Fire(TargetDown("c", "warning"));
  const IncidentView view = world.core->Incidents({}).front();
  CHECK(view.priority == Priority::kP1);
  CHECK(view.why ==
        "P1 because severity=warning (label), it is of kind target down, 3 of 4 targets of job api are affected (+1)");
  world.Step();  // more urgent than what was told: at once, not at the next interval
  CHECK(world.Events("pagerduty") == "update");
  CHECK(world.heard.front().notification.priority == Priority::kP1);
}

TEST_CASE("the router is quiet while nothing can be due", "[incident]") {
  World world;
  CHECK(world.core->IsQuiet());
  const TimeMs begin = world.now;
  world.Fire(TargetDown("a"));
  CHECK_FALSE(world.core->IsQuiet());
  world.Run(20s);
  CHECK_FALSE(world.core->IsQuiet());
  world.Crash();
  CHECK_FALSE(world.core->IsQuiet());
  world.Resolve(TargetDown("a"), begin);
  CHECK_FALSE(world.core->IsQuiet());  // somebody has to be told
  world.Run(2min);
  CHECK(world.core->Incidents({}).front().state == "resolved");
  CHECK(world.core->IsQuiet());
}

TEST_CASE("a priority falls only after the hold", "[incident]") {
  World world;
  world.census.targets["api"] = 4;
  const TimeMs begin = world.now;
  for (const char* instance : {"a", "b", "c"}) world.Fire(TargetDown(instance, "warning"));
  world.Resolve(TargetDown("b", "warning"), begin);
  world.Resolve(TargetDown("c", "warning"), begin);
  CHECK(world.core->Incidents({}).front().priority == Priority::kP1);
  world.Run(14min);
  CHECK(world.core->Incidents({}).front().priority == Priority::kP1);
  world.Run(3min);
  CHECK(world.core->Incidents({}).front().priority == Priority::kP2);
}

TEST_CASE("the id survives a route edit, a restart and another order of routes", "[incident]") {
  World world;
  const TimeMs begin = world.now;
  world.Fire(TargetDown("a"));
  world.Run(20s);
  const std::string id = world.heard.front().id;
  CHECK(id.size() <= 255);

  AlertingOptions options = TwoTargets();
  options.receivers.push_back(options.receivers.front());
  options.receivers.back().name = "team-b";
  RouteOptions child;
  child.receiver = "team-b";
  child.matchers = {Matcher::Equal("job", "api")};
  options.route.routes = {child};
  SECTION("another receiver: the old one still hears of the end") {
    world.Reload(options);
    world.Accept({Firing(TargetDown("a"), begin)});
    world.Run(20s);
    world.Resolve(TargetDown("a"), begin);
    world.Run(2min);
    CHECK(world.Events("pagerduty") == "trigger trigger resolve resolve");
  }
  SECTION("another grouping: the open incident goes on") {
    options.route.group_by = std::vector<std::string>{"alertname", "job", "instance"};
    world.Reload(options);
    world.Accept({Firing(TargetDown("a"), begin)});
    world.Run(20s);
    CHECK(world.core->Incidents({}).size() == 1);
    world.Resolve(TargetDown("a"), begin);
    world.Run(2min);
    CHECK(world.core->Incidents({}).front().state == "resolved");
  }
  for (const Heard& h : world.heard) CHECK(h.id == id);
}

TEST_CASE("the same trouble again has the same id, a new number, and pairs its own trigger and resolve", "[incident]") {
  World world;
  for (int i = 0; i < 2; ++i) world.Episode(TargetDown("a"), 20s, 1min);
  CHECK(world.Events("pagerduty") == "trigger resolve trigger resolve");
  CHECK(world.heard.front().id == world.heard.back().id);
  CHECK(world.heard.back().number == world.heard.front().number + 1);
}

TEST_CASE("trouble that returns before its end was told goes on without a word", "[incident]") {
  World world;
  const TimeMs begin = world.now;
  world.Fire(TargetDown("a"));
  world.Run(15s);
  world.Resolve(TargetDown("a"), begin);
  world.Run(5s);
  world.Fire(TargetDown("a"));
  world.Run(5min);
  CHECK(world.Events("slack") == "trigger");
  CHECK(world.core->Incidents({}).size() == 1);
  CHECK(world.core->Incidents({}).front().state == "open");
}

TEST_CASE("repeats come after repeat_interval and stop with the acknowledgement", "[incident]") {
  AlertingOptions options = TwoTargets();
  options.route.repeat_interval = 10min;
  World world(options);
  world.Fire(TargetDown("a"));
  world.Run(25min);
  CHECK(world.Events("slack") == "trigger repeat repeat");
  MustSucceed(world.core->Acknowledge(1, "kim", world.now));
  world.Run(30min);
  CHECK(world.Events("slack") == "trigger repeat repeat");
  const auto view = world.core->FindIncident(1);
  REQUIRE(view.has_value());
  CHECK(view->state == "acknowledged");
  CHECK(view->acknowledged_by == "kim");
  CHECK(view->respond_by == view->started_at + 30min);
  CHECK(world.core->Acknowledge(99, "kim", world.now).error().code == Code::kNotFound);
}

TEST_CASE("alerts that ended while the process was away end when their rule is settled", "[incident]") {
  World world;
  world.Fire(TargetDown("a"));
  world.Fire(TargetDown("b"));
  world.Run(15s);
  world.Crash();
  const ActiveAlert still = Firing(TargetDown("b"), world.now);
  MustSucceed(world.core->Settle(still.rule, {&still, 1}, world.now));
  world.Run(59s);
  CHECK(world.core->Incidents({}).front().firing == 2);  // another rule of that name might still speak
  world.Run(5s);
  CHECK(world.core->Incidents({}).front().firing == 1);
  SECTION("a rule that is gone takes its alerts with it") {
    MustSucceed(world.core->RetainRules({}, world.now));
    world.Run(3min);
    CHECK(world.Events("slack").ends_with("resolve"));
  }
  SECTION("a rule that speaks again keeps them") {
    MustSucceed(world.core->RetainRules({}, world.now));
    world.Accept({still});
    world.Run(3min);
    CHECK(world.core->Incidents({}).front().firing == 1);
  }
}

TEST_CASE("rules that share a name settle together, and what waits for its `for` again stays open", "[incident]") {
  World world;
  for (const char* instance : {"a", "b", "c"}) world.Fire(TargetDown(instance));
  world.Run(15s);
  world.Crash();
  const ActiveAlert of_first = Firing(TargetDown("a"), world.now);
  ActiveAlert of_second = Firing(TargetDown("b"), world.now);
  of_second.state = AlertState::kPending;
  const std::vector<RuleRef> rules = {of_first.rule, of_first.rule};
  MustSucceed(world.core->RetainRules(rules, world.now));
  MustSucceed(world.core->Settle(of_first.rule, {&of_first, 1}, world.now));
  world.Run(2min);
  CHECK(world.core->Incidents({}).front().firing == 3);  // the second rule cannot be evaluated yet
  MustSucceed(world.core->Settle(of_first.rule, {&of_second, 1}, world.now));
  world.Run(2min);
  CHECK(world.core->Incidents({}).front().firing == 2);
  world.Run(15min);
  CHECK(world.core->Incidents({}).front().firing == 1);
}

TEST_CASE("an inhibited alert is not told, but its end is if it was told before", "[incident]") {
  AlertingOptions options = TwoTargets();
  options.route.group_by = std::vector<std::string>{"alertname"};
  InhibitRule rule;
  rule.source_matchers = {Matcher::Equal("alertname", "ClusterDown")};
  rule.target_matchers = {Matcher::Equal("severity", "warning")};
  rule.equal = {"cluster"};
  options.inhibit_rules = {rule};
  World world(options);
  const Labels source = {{"alertname", "ClusterDown"}, {"cluster", "x"}, {"severity", "critical"}};
  const Labels target = {{"alertname", "Slow"}, {"cluster", "x"}, {"severity", "warning"}};
  const TimeMs begin = world.now;
  SECTION("source first") {
    world.Accept({Firing(source, begin), Firing(target, begin)});
    world.Run(2min);
    CHECK(world.Events("slack") == "trigger");
    world.Resolve(source, begin);
    world.Run(2min);
    CHECK(world.Events("slack") == "trigger resolve trigger");  // what it hid is told when it no longer does
  }
  SECTION("target first") {
    world.Fire(target);
    world.Run(30s);
    world.Fire(source);
    world.Run(1min);
    world.Resolve(target, begin);
    world.Run(2min);
    CHECK(world.Events("slack") == "trigger trigger resolve");
  }
}

TEST_CASE("old incidents are forgotten, their numbers are not used again", "[incident]") {
  AlertingOptions options = TwoTargets();
  options.incidents.keep_resolved = 2;
  World world(options);
  for (int i = 0; i < 5; ++i) world.Episode(TargetDown("a"), 20s, 2min);
  CHECK(world.core->Incidents({}).size() == 2);
  std::size_t alerts = 0;
  MustSucceed(world.store->Scan("incident_alerts", {}, [&](auto, auto) { return ++alerts, true; }));
  CHECK(alerts == 2);
  world.Crash();
  world.Fire(TargetDown("a"));
  CHECK(world.core->Incidents({}).front().number == 6);
}

TEST_CASE("an incident that lasts forgets the instances that came and went", "[incident]") {
  AlertingOptions options = TwoTargets();
  options.incidents.max_alerts = 20;
  World world(options);
  world.Fire(TargetDown("stays"));
  for (int i = 0; i < 60; ++i) {
    const TimeMs begin = world.now;
    const Labels pod = TargetDown("pod-" + std::to_string(i));
    world.Fire(pod);
    world.Run(1min);
    world.Resolve(pod, begin);
    world.now += 9min;
    world.Step();
  }
  const IncidentView view = world.core->Incidents({}).front();
  CHECK(view.firing == 1);
  CHECK(view.alerts.size() < 12);
}

TEST_CASE("a storm of one trouble is weighed once per batch", "[incident]") {
  World world;
  std::vector<ActiveAlert> storm;
  for (int i = 0; i < 5'000; ++i) storm.push_back(Firing(TargetDown("i" + std::to_string(i)), world.now));
  world.Accept(storm);
  world.Accept(storm);
  CHECK(world.core->Incidents({}).size() == 1);
  world.Run(11s);
  CHECK(world.Events("slack") == "trigger");
  CHECK(world.heard.front().notification.alerts.size() + world.heard.front().notification.omitted == 5'000);
}

TEST_CASE("hostile alerts are cut or refused, and counted", "[incident]") {
  AlertingOptions options = TwoTargets();
  options.incidents.max_alerts = 3;
  World world(options);
  ActiveAlert huge = Firing(Labels{{"alertname", "Huge"}, {"job", "bad \xff bytes"}}, world.now);
  huge.annotations = Labels{{"summary", std::string(1 << 20, 'x')}};
  world.Accept({huge, Firing(Labels(), world.now)});
  const IncidentView view = world.core->Incidents({}).front();
  CHECK(view.alerts.front().annotations.Get("summary").size() < 17'000);
  CHECK(IsValidUtf8(view.alerts.front().labels.Get("job")));
  for (const char* instance : {"a", "b"}) world.Fire(TargetDown(instance));
  const ActiveAlert more = Firing(TargetDown("c"), world.now);
  const auto refused = world.core->Accept({&more, 1}, world.now);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == Code::kLimit);
  const RouterCounts counts = world.core->TakeCounts();
  CHECK(counts.refused.at("no_labels") == 1);
  CHECK(counts.refused.at("limit") == 1);
  // The end of such an alert finds it again.
  ActiveAlert gone = huge;
  gone.state = AlertState::kInactive;
  gone.resolved_at = world.now;
  world.Accept({gone});
  CHECK(world.core->FindIncident(1)->state == "resolved");
}
