#include "alerting/rules/alert_states.h"

#include "alerting/rules/schedule.h"
#include "tests/support/catch.h"

using namespace vedette;
using namespace vedette::alerting;
using namespace std::chrono_literals;

namespace {

const Labels kA{{"alertname", "x"}, {"host", "a"}};
const Labels kB{{"alertname", "x"}, {"host", "b"}};

TimeMs At(int minutes) { return TimeMs::FromSeconds(1'700'000'000 + minutes * 60); }

std::vector<PresentAlert> Present(std::initializer_list<Labels> all) {
  std::vector<PresentAlert> present;
  for (const Labels& labels : all) present.push_back({labels, Labels{{"summary", "s"}}, 1});
  return present;
}

/// "pending", "firing" or "inactive" of the one alert, "none" without one.
std::string State(AlertStates& states) {
  const auto active = std::as_const(states).Active();
  return active.empty() ? "none" : std::string(AlertStateName(active.front()->state));
}

}  // namespace

TEST_CASE("an alert is pending until `for` has passed and forgotten when it misses once", "[alerting][rules]") {
  AlertStates states;
  const AlertPolicy policy{5min, 0min, 0};
  MustSucceed(states.Apply(At(0), Present({kA}), policy));
  CHECK(State(states) == "pending");
  CHECK(states.Due(At(0), 1min).empty());
  MustSucceed(states.Apply(At(4), Present({kA}), policy));
  CHECK(State(states) == "pending");
  MustSucceed(states.Apply(At(5), Present({kA}), policy));
  CHECK(State(states) == "firing");
  CHECK(std::as_const(states).Active()[0]->active_at == At(0));
  CHECK(std::as_const(states).Active()[0]->fired_at == At(5));
  MustSucceed(states.Apply(At(6), Present({kB}), policy));
  CHECK(std::as_const(states).Active().size() == 1);
  MustSucceed(states.Apply(At(7), {}, policy));
  CHECK(State(states) == "none");
  CHECK(states.Due(At(7), 1min).size() == 1);  // the resolve of a, nothing of b
}

TEST_CASE("firing alerts are sent again after the delay, resolved ones for 15 minutes", "[alerting][rules]") {
  AlertStates states;
  const AlertPolicy policy;
  std::vector<int> sent;
  for (int minute = 0; minute < 30; ++minute) {
    MustSucceed(states.Apply(At(minute), minute < 4 ? Present({kA}) : Present({}), policy));
    const auto due = states.Due(At(minute), 1min);
    if (!due.empty()) sent.push_back(due[0]->state == AlertState::kFiring ? minute : -minute);
    AlertStates::MarkSent(due, At(minute));
  }
  // The delay has to be over, not just reached: every second minute.
  CHECK(sent == std::vector<int>{0, 2, -4, -6, -8, -10, -12, -14, -16, -18});
}

TEST_CASE("what was not accepted is due again at the next evaluation", "[alerting][rules]") {
  AlertStates states;
  MustSucceed(states.Apply(At(0), Present({kA}), {}));
  CHECK(states.Due(At(0), 1h).size() == 1);
  MustSucceed(states.Apply(At(1), Present({kA}), {}));
  AlertStates::MarkSent(states.Due(At(1), 1h), At(1));
  CHECK(states.Due(At(2), 1h).empty());
  // The resolve is refused for longer than resolved alerts are kept: it stays due.
  for (int minute = 3; minute < 40; ++minute) {
    MustSucceed(states.Apply(At(minute), {}, {}));
    REQUIRE(states.Due(At(minute), 1h).size() == 1);
  }
}

TEST_CASE("keep_firing_for bridges gaps, counted from the first miss", "[alerting][rules]") {
  AlertStates states;
  const AlertPolicy policy{0min, 3min, 0};
  MustSucceed(states.Apply(At(0), Present({kA}), policy));
  MustSucceed(states.Apply(At(1), {}, policy));
  CHECK(std::as_const(states).Active()[0]->keep_firing_since == At(1));
  MustSucceed(states.Apply(At(2), Present({kA}), policy));
  CHECK(!std::as_const(states).Active()[0]->keep_firing_since);
  for (const int minute : {3, 4, 5}) {
    MustSucceed(states.Apply(At(minute), {}, policy));
    CHECK(State(states) == "firing");
  }
  MustSucceed(states.Apply(At(6), {}, policy));
  CHECK(State(states) == "none");
}

TEST_CASE("equal labels fail the evaluation and change nothing, too many alerts drop all", "[alerting][rules]") {
  AlertStates states;
  MustSucceed(states.Apply(At(0), Present({kA}), {}));
  const Status twice = states.Apply(At(1), Present({kB, kB}), {});
  REQUIRE(!twice);
  CHECK(twice.error().message.find("same labelset") != std::string::npos);
  CHECK(State(states) == "firing");
  const Status many = states.Apply(At(2), Present({kA, kB}), {0min, 0min, 1});
  REQUIRE(!many);
  CHECK(many.error().message == "exceeded limit of 1 with 2 alerts");
  CHECK(State(states) == "none");
  CHECK(states.Due(At(2), 1min).empty());
}

TEST_CASE("a raised `for` makes a firing alert pending again, and its end is still announced", "[alerting][rules]") {
  AlertStates states;
  MustSucceed(states.Apply(At(0), Present({kA}), {}));
  AlertStates::MarkSent(states.Due(At(0), 1min), At(0));
  MustSucceed(states.Apply(At(1), Present({kA}), {10min, 0min, 0}));
  CHECK(State(states) == "pending");
  MustSucceed(states.Apply(At(2), {}, {10min, 0min, 0}));
  const auto due = states.Due(At(2), 1min);
  REQUIRE(due.size() == 1);
  CHECK(due[0]->state == AlertState::kInactive);
}

TEST_CASE("an alert that comes back before its resolve was accepted still ends with a resolve", "[alerting][rules]") {
  AlertStates states;
  const AlertPolicy policy{5min, 0min, 0};
  MustSucceed(states.Apply(At(0), Present({kA}), {}));
  AlertStates::MarkSent(states.Due(At(0), 1min), At(0));
  MustSucceed(states.Apply(At(1), {}, policy));             // the resolve is due, nobody takes it
  MustSucceed(states.Apply(At(2), Present({kA}), policy));  // pending
  MustSucceed(states.Apply(At(3), {}, policy));
  const auto due = states.Due(At(3), 1min);
  REQUIRE(due.size() == 1);
  CHECK(due[0]->resolved_at == At(3));
}

TEST_CASE("slots are aligned to the wall clock, with an offset of the group's own", "[alerting][rules]") {
  const GroupSchedule schedule("rules.yml", "g", 30s);
  CHECK(schedule.offset() < 30s);
  CHECK(GroupSchedule("rules.yml", "g", 30s).offset() == schedule.offset());
  CHECK(GroupSchedule("rules.yml", "h", 1h).offset() != GroupSchedule("rules.yml", "g", 1h).offset());
  const TimeMs slot = schedule.SlotAt(TimeMs(1'700'000'000'000));
  CHECK((slot.ms - schedule.offset().count()) % 30'000 == 0);
  CHECK(slot <= TimeMs(1'700'000'000'000));
  CHECK(schedule.SlotAt(slot) == slot);
  CHECK(schedule.SlotAfter(slot) == slot + 30s);
  CHECK(schedule.SlotAt(TimeMs(-1)) <= TimeMs(-1));
}

TEST_CASE("slots that pass during an evaluation are skipped and counted", "[alerting][rules]") {
  const GroupSchedule schedule("rules.yml", "g", 30s);
  const TimeMs slot = schedule.SlotAt(TimeMs(1'700'000'000'000));
  struct Case {
    Millis later;
    Millis next;
    std::size_t missed;
  };
  const auto c = GENERATE(values<Case>({{1s, 30s, 0}, {30s, 30s, 0}, {59s, 30s, 0}, {60s, 60s, 1}, {100s, 90s, 2}}));
  INFO(c.later.count());
  const auto next = schedule.After(slot, slot + c.later);
  CHECK(next.slot == slot + c.next);
  CHECK(next.missed == c.missed);
  // The clock was set back: go on from there.
  CHECK(schedule.After(slot, slot - 1h).slot == slot - 1h + 30s);
}
