// Matchers, routing tree, and the timers of groups.
#include "alerting/route/group.h"
#include "alerting/route/matchers.h"
#include "alerting/route/tree.h"
#include "tests/support/catch.h"

using namespace vedette;
using namespace vedette::alerting;
using namespace std::chrono_literals;

namespace {

std::string Printed(std::string_view text) {
  const auto matchers = ParseMatchers(text);
  if (!matchers) return "error";
  std::string out;
  for (const Matcher& m : *matchers) out += m.ToString() + " ";
  return out;
}

std::string Receivers(const RouteTree& tree, const Labels& labels) {
  std::string out;
  for (const RouteNode* node : tree.Match(labels)) out += node->receiver + " ";
  return out;
}

RouteOptions Route(std::string receiver, std::string_view matchers, bool go_on = false) {
  RouteOptions route;
  route.receiver = std::move(receiver);
  route.matchers = MustHave(ParseMatchers(matchers));
  route.continue_matching = go_on;
  return route;
}

}  // namespace

TEST_CASE("matchers are read in both of Alertmanager's grammars", "[route]") {
  struct Case {
    std::string text, want;
  };
  const auto c = GENERATE(values<Case>({
      {"foo=bar", "foo=\"bar\" "},
      {" foo = bar ", "foo=\"bar\" "},
      {"{foo=\"bar\",baz!=\"qux\",}", "foo=\"bar\" baz!=\"qux\" "},
      {"foo=~\"a|b\", x!~\"c.*\"", "foo=~\"a|b\" x!~\"c.*\" "},
      {"foo=", "foo=\"\" "},
      {"", ""},
      {"{}", ""},
      {"foo=a=b", "foo=\"a=b\" "},
      {"foo=a b", "foo=\"a b\" "},
      {R"(foo="a\"b\\c\nd\e")", R"(foo="a\"b\\c\nd\\e" )"},
      {R"("dotted.name"="x")", R"("dotted.name"="x" )"},
      {R"({"a b"=~"x,y","\u20ac"!="\x41"})", "\"a b\"=~\"x,y\" \"\xE2\x82\xAC\"!=\"A\" "},
      {"foo", "error"},
      {"=bar", "error"},
      {"foo=\"bar", "error"},
      {"foo=ba\"r", "error"},
      {"foo=~\"(\"", "error"},
      {"foo==bar=~", "foo=\"=bar=~\" "},
      {"\"unterminated=x", "error"},
      {"a=b,,c=d", "error"},
      {R"("a"="\ud800")", "error"},
      {"foo=\xff", "error"},
  }));
  INFO(c.text);
  CHECK(Printed(c.text) == c.want);
}

TEST_CASE("an alert takes the deepest matching route, and goes on where told", "[route]") {
  RouteOptions root;
  root.receiver = "default";
  root.routes = {Route("test1", "test=~\"1|2\"", true), Route("test2", "test=2"), Route("", "team=db")};
  root.routes[2].routes = {Route("db-pager", "severity=critical")};
  root.routes[2].group_by = std::vector<std::string>{"instance"};
  const RouteTree tree(root);
  CHECK(Receivers(tree, {{"test", "1"}}) == "test1 ");
  CHECK(Receivers(tree, {{"test", "2"}}) == "test1 test2 ");
  CHECK(Receivers(tree, {{"test", "volovina"}}) == "default ");
  CHECK(Receivers(tree, {{"team", "db"}}) == "default ");
  CHECK(Receivers(tree, {{"team", "db"}, {"severity", "critical"}}) == "db-pager ");
  const RouteNode* pager = tree.Match(Labels{{"team", "db"}, {"severity", "critical"}}).front();
  CHECK(pager->GroupLabels(Labels{{"instance", "x"}, {"job", "y"}}) == Labels{{"instance", "x"}});
  CHECK(pager->group_wait == 30s);
  CHECK(pager->path == "route.routes[2].routes[0]");
}

TEST_CASE("routes that cannot work are refused with their place", "[route]") {
  RouteOptions root = Route("default", "");
  const std::vector<std::string> receivers = {"default"};
  std::string want;
  SECTION("no receiver") {
    root.receiver.clear();
    want = "must name a receiver";
  }
  SECTION("root with matchers") {
    root.matchers = {Matcher::Equal("a", "b")};
    want = "cannot have matchers";
  }
  SECTION("unknown receiver below") {
    root.routes = {Route("nobody", "a=b")};
    want = "route.routes[0]: receiver 'nobody'";
  }
  SECTION("zero repeat_interval") {
    root.repeat_interval = 0ms;
    want = "repeat_interval cannot be zero";
  }
  SECTION("all labels and more") {
    root.group_by = std::vector<std::string>{"...", "job"};
    want = "'...'";
  }
  SECTION("a label twice") {
    root.group_by = std::vector<std::string>{"job", "job"};
    want = "twice";
  }
  SECTION("unknown interval") {
    root.routes = {Route("default", "a=b")};
    root.routes[0].mute_time_intervals = {"nights"};
    want = "time interval 'nights'";
  }
  const Status status = root.Validate(receivers, {});
  REQUIRE_FALSE(status.has_value());
  CHECK(status.error().message.find(want) != std::string::npos);
}

TEST_CASE("a group tells what is new and nothing else", "[route]") {
  RouteNode route;
  route.group_wait = 30s;
  route.group_interval = 5min;
  route.repeat_interval = 1h;
  TimeMs now(1'700'000'000'000);
  NotificationGroup group(1, "r");
  group.Join(1, now, route, now);
  CHECK(group.due() == now + 30s);
  const auto flush = [&](GroupAlerts alerts, Priority priority = Priority::kP2, bool acknowledged = false) {
    now = *group.due();
    const auto news = group.Flush(alerts, priority, acknowledged, false, now);
    return news ? std::string(DeliveryEventName(news->event)) : std::string("-");
  };
  CHECK(flush({{1}, {}, false}) == "trigger");
  CHECK(group.due() == now + 5min);
  CHECK(flush({{1}, {}, false}) == "-");
  CHECK(flush({{1, 2}, {}, false}) == "update");
  CHECK(flush({{1, 2}, {}, false}, Priority::kP1) == "update");  // more urgent
  CHECK(flush({{2}, {1}, false}, Priority::kP1) == "update");    // one is over
  CHECK(flush({{2}, {}, false}, Priority::kP1) == "-");
  for (int i = 0; i < 10; ++i) CHECK(flush({{2}, {}, false}, Priority::kP1) == "-");
  CHECK(flush({{2}, {}, false}, Priority::kP1) == "repeat");
  for (int i = 0; i < 13; ++i) CHECK(flush({{2}, {}, false}, Priority::kP1, true) == "-");  // somebody is on it
  CHECK(flush({{}, {2}, false}, Priority::kP1) == "resolve");
  CHECK(group.closed());
  const std::string row = NotificationGroup::Encode(group);
  CHECK(NotificationGroup::Encode(MustHave(NotificationGroup::Decode(row))) == row);
}

TEST_CASE("a group does not wait for trouble that is already old", "[route]") {
  RouteNode route;
  route.group_wait = 30s;
  route.group_interval = 5min;
  const TimeMs now(1'700'000'000'000);
  NotificationGroup group(1, "r");
  group.Join(1, now - 10min, route, now);
  CHECK(group.due() == now);
}
