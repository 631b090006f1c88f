// The cases of the alert generator compliance specification 1.0, on a clock that stands still: samples every 15 s,
// evaluations every 30 s, resend delay 1 m. Times are sample numbers.
#include "tests/unit/alerting/rules_harness.h"

using namespace vedette;
using namespace vedette::alerting;
using namespace vedette::alerting::test;

namespace {

constexpr int kSampleSeconds = 15;

/// From this sample number on the series has this value.
struct Step {
  int from;
  double value;
};

/// From this sample number on the alert is in this state. A change shows at the evaluation that comes next.
struct Expected {
  int from;
  AlertState state;
  double value;
};

template <class Row>
const Row& RowAt(const std::vector<Row>& rows, int sample) {
  const Row* found = &rows.front();
  for (const Row& row : rows) {
    if (row.from <= sample) found = &row;
  }
  return *found;
}

std::string RuleText(std::string_view alert, std::string_view expr, std::string_view hold) {
  return fmt::format(
      "  - alert: {}\n    expr: {}\n    for: {}\n    labels: {{rulegroup: g, extra: '{{{{ $labels.variant }}}}'}}\n"
      "    annotations: {{description: 'at {{{{ $value }}}}'}}\n",
      alert, expr, hold);
}

constexpr std::string_view kHead = "groups:\n- name: g\n  interval: 30s\n  rules:\n";

const AlertView* Find(const RuleView& rule, std::string_view variant) {
  for (const AlertView& alert : rule.alerts) {
    if (alert.labels.Get("variant") == variant) return &alert;
  }
  return nullptr;
}

/// What was sent, as "<sample> firing" at the first message of each state and nothing for repetitions.
class Sent {
 public:
  void Note(int sample, std::span<const ActiveAlert> alerts) {
    for (const ActiveAlert& alert : alerts) {
      const std::string key = alert.labels.ToString();
      CHECK(alert.ends_at == (alert.resolved_at ? *alert.resolved_at : alert.evaluated_at + std::chrono::minutes(4)));
      const auto last = last_.find(key);
      if (last != last_.end() && last->second.first == alert.state) {
        // Repeated after the resend delay, rounded up to an interval.
        CHECK(sample - last->second.second <= (60 + 30) / kSampleSeconds);
        last->second.second = sample;
        continue;
      }
      last_[key] = {alert.state, sample};
      changes.push_back(fmt::format("{} {}", sample, AlertStateName(alert.state)));
    }
  }
  std::vector<std::string> changes;

 private:
  std::map<std::string, std::pair<AlertState, int>> last_;
};

}  // namespace

TEST_CASE("compliance: one series, pending, firing, resolved", "[alerting][rules][compliance]") {
  struct Case {
    std::string name, expr, hold;
    std::vector<Step> series;
    std::vector<Expected> states;
    std::vector<std::string> sent;
  };
  constexpr auto kInactive = AlertState::kInactive, kPending = AlertState::kPending, kFiring = AlertState::kFiring;
  const auto c = GENERATE(values<Case>({
      {"PendingAndFiringAndResolved",
       "m > 10",
       "6m",
       {{0, 3}, {8, 11}, {21, 15}, {53, 19}, {69, 5}, {89, 11}, {134, 5}},
       {{0, kInactive, 0},
        {8, kPending, 11},
        {21, kPending, 15},
        {32, kFiring, 15},
        {53, kFiring, 19},
        {69, kInactive, 0},
        {89, kPending, 11},
        {113, kFiring, 11},
        {134, kInactive, 0}},
       {"32 firing", "70 inactive", "114 firing", "134 inactive"}},
      {"PendingAndResolved",
       "m > 10",
       "3m",
       {{0, 9}, {8, 13}, {19, 9}},
       {{0, kInactive, 0}, {8, kPending, 13}, {19, kInactive, 0}},
       {}},
      {"AlwaysInactive", "m > 99", "3m", {{0, 9}, {8, 13}, {19, 9}}, {{0, kInactive, 0}}, {}},
      {"ZeroFor",
       "m > 10",
       "0s",
       {{0, 4}, {8, 12}, {21, 4}, {93, 12}, {106, 4}},
       {{0, kInactive, 0}, {8, kFiring, 12}, {21, kInactive, 0}, {93, kFiring, 12}, {106, kInactive, 0}},
       {"8 firing", "22 inactive", "94 firing", "106 inactive"}},
      {"SmallFor",
       "m > 13",
       "15s",
       {{0, 4}, {8, 15}, {21, 4}},
       {{0, kInactive, 0}, {8, kPending, 15}, {10, kFiring, 15}, {21, kInactive, 0}},
       {"10 firing", "22 inactive"}},
  }));
  INFO(c.name);
  RuleHarness harness(std::string(kHead) + RuleText(c.name, c.expr, c.hold));
  Sent sent;
  for (int sample = 0; sample < 200; ++sample) {
    // The series carries the names that rules set, as the specification's do.
    const Labels series{{"__name__", "m"}, {"alertname", "of the series"}, {"rulegroup", "x"}, {"variant", "one"}};
    harness.Add(series, sample * kSampleSeconds, RowAt(c.series, sample).value);
    if (sample % 2 == 1) continue;
    const double now = sample * kSampleSeconds;
    harness.Evaluate(now);
    INFO(sample);
    const Expected& want = RowAt(c.states, sample);
    const RuleView rule = harness.View();
    REQUIRE(rule.health == RuleHealth::kGood);
    CHECK(rule.state == want.state);
    const std::vector<std::string> series_now = harness.Query("ALERTS", now);
    if (want.state == kInactive) {
      CHECK(rule.alerts.empty());
      CHECK(series_now.empty());
    } else {
      REQUIRE(rule.alerts.size() == 1);
      const AlertView& alert = rule.alerts[0];
      CHECK(alert.value == want.value);
      CHECK(alert.labels == Labels{{"alertname", c.name}, {"rulegroup", "g"}, {"extra", "one"}, {"variant", "one"}});
      CHECK(alert.annotations == Labels{{"description", fmt::format("at {}", want.value)}});
      CHECK(series_now ==
            std::vector<std::string>{fmt::format(
                "ALERTS{{alertname=\"{}\", alertstate=\"{}\", extra=\"one\", rulegroup=\"g\", variant=\"one\"}} 1",
                c.name, AlertStateName(want.state))});
    }
    sent.Note(sample, harness.TakeSent());
  }
  CHECK(sent.changes == c.sent);
}

TEST_CASE("compliance: new series, and a rule that reads ALERTS of the one before it",
          "[alerting][rules][compliance]") {
  RuleHarness harness(std::string(kHead) + RuleText("First", "m > 10", "3m") +
                      "  - alert: Second\n    expr: ALERTS{alertname=\"First\", alertstate=\"firing\"}\n"
                      "    annotations: {first: '{{ $labels.alertname }} {{ $labels.alertstate }}'}\n");
  const auto state = [&](std::string_view variant) {
    const RuleView rule = harness.View(0);
    const AlertView* alert = Find(rule, variant);
    return alert ? alert->state : AlertState::kInactive;
  };
  const auto want = [](int sample, int pending, int firing, int resolved) {
    if (sample < pending || sample >= resolved) return AlertState::kInactive;
    return sample < firing ? AlertState::kPending : AlertState::kFiring;
  };
  for (int sample = 0; sample < 100; ++sample) {
    harness.Add(Labels{{"__name__", "m"}, {"variant", "one"}}, sample * kSampleSeconds,
                sample >= 8 && sample < 73 ? 13 : 9);
    harness.Add(Labels{{"__name__", "m"}, {"variant", "two"}}, sample * kSampleSeconds,
                sample >= 32 && sample < 65 ? 13 : 9);
    if (sample % 2 == 1) continue;
    harness.Evaluate(sample * kSampleSeconds);
    INFO(sample);
    CHECK(state("one") == want(sample, 8, 20, 73));
    CHECK(state("two") == want(sample, 32, 44, 65));
    // In the same cycle, with the labels of the first rule's series in its annotation.
    const RuleView second = harness.View(1);
    for (const std::string_view variant : {"one", "two"}) {
      const AlertView* alert = Find(second, variant);
      CHECK((alert != nullptr) == (state(variant) == AlertState::kFiring));
      if (alert == nullptr) continue;
      CHECK(alert->labels.Get("alertname") == "Second");
      CHECK(alert->annotations.Get("first") == "First firing");
    }
  }
}
