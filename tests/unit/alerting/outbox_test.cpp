// The durable path from an alert to its receivers: order, merging, retries, crashes.
#include <random>

#include "tests/unit/alerting/router_harness.h"

using namespace vedette;
using namespace vedette::alerting;
using namespace vedette::alerting::test;
using namespace std::chrono_literals;

namespace {

Verdict Retry(std::optional<Millis> after = std::nullopt) { return {Outcome::kRetry, after, false, "HTTP 503"}; }

/// What a user of PagerDuty relies on: one open incident per key, closed by its resolve and never before.
void CheckPaired(const World& world) {
  std::map<std::string, bool> open, ever;
  for (const Heard& h : world.heard) {
    const std::string key = h.target + " " + h.id;
    if (h.event == DeliveryEvent::kResolve) {
      CHECK(ever[key]);  // an end twice, after a crash, does no harm
      open[key] = false;
    } else if (h.event == DeliveryEvent::kFiredAndResolved && h.target != "pagerduty") {
      ever[key] = true;
    } else {
      open[key] = ever[key] = true;
    }
  }
  for (const std::string kind : {"pagerduty", "slack"}) {
    bool told = false;
    for (const auto& [key, was] : ever) told = told || key.starts_with(kind);
    CHECK(told);
  }
  for (const auto& [key, is_open] : open) {
    INFO(key);
    CHECK_FALSE(is_open);
  }
}

}  // namespace

TEST_CASE("an alert is told once after group_wait and its end at the next interval", "[outbox]") {
  World world;
  const TimeMs begin = world.now;
  world.Fire(TargetDown("a"));
  world.Run(9s);
  CHECK(world.heard.empty());
  world.Run(2s);
  CHECK(world.Events("slack") == "trigger");
  CHECK(world.Events("pagerduty") == "trigger");
  CHECK(world.heard.front().at == begin + 10s);
  world.Resolve(TargetDown("a"), begin);
  world.Run(60s);
  CHECK(world.Events("slack") == "trigger resolve");
  CHECK(world.Events("pagerduty") == "trigger resolve");
  CHECK(world.heard[0].id == world.heard[3].id);
  CHECK(world.core->Incidents({}).front().state == "resolved");
}

TEST_CASE("each alert reaches its receivers whatever step the process dies at", "[outbox]") {
  const bool failing = GENERATE(false, true);
  // Counting run: how many messages leave without a crash.
  for (int die_at = 0; die_at < 24; ++die_at) {
    INFO("crash at step " << die_at << ", receivers " << (failing ? "fail first" : "answer"));
    World world;
    int step = 0;
    const auto maybe_crash = [&] {
      if (step++ == die_at) world.Crash();
    };
    world.before_report = maybe_crash;
    if (failing) {
      world.answer = [&](const SendJob& job) { return job.outbox.message.attempts <= 2 ? Retry() : Verdict{}; };
    }
    const TimeMs begin = world.now;
    world.Fire(TargetDown("a"));
    maybe_crash();
    for (int i = 0; i < 6; ++i) {
      world.Run(3s);
      maybe_crash();
    }
    world.Fire(TargetDown("b"));
    maybe_crash();
    world.Run(35s);
    world.Resolve(TargetDown("a"), begin);
    maybe_crash();
    world.Accept({Resolved(TargetDown("b"), world.now - 30s, world.now)});
    maybe_crash();
    world.Run(10min);
    CheckPaired(world);
    CHECK(world.core->Incidents({}).size() == 1);
    CHECK(world.core->outbox().DepthByKind().at("slack") == 0);
  }
}

TEST_CASE("no page is lost and no end forgotten over random crashes and refusals", "[outbox]") {
  const unsigned seed = GENERATE(range(1U, 17U));
  INFO("seed " << seed);
  std::minstd_rand random(seed);
  const auto one_in = [&](unsigned n) { return random() % n == 0; };
  World world;
  bool calm = false;
  world.before_report = [&] {
    if (!calm && one_in(8)) world.Crash();
  };
  world.answer = [&](const SendJob&) {
    if (calm || one_in(2)) return Verdict{};
    if (one_in(2)) return Verdict{Outcome::kRetry, Millis(random() % 20'000), false, "HTTP 429"};
    return Verdict{Outcome::kRetry, std::nullopt, one_in(2), "reset"};
  };
  std::map<std::string, TimeMs> firing;
  for (int i = 0; i < 80; ++i) {
    const std::string instance = "i" + std::to_string(random() % 2);
    const Labels labels = LabelsBuilder(TargetDown(instance)).Set("job", "j" + std::to_string(random() % 2)).Build();
    const std::string key = labels.ToString();
    if (const auto known = firing.find(key); known != firing.end()) {
      world.Resolve(labels, known->second);
      firing.erase(known);
    } else {
      world.Fire(labels);
      firing[key] = world.now;
    }
    if (one_in(10)) world.Crash();
    world.Run(Millis(1000 * (random() % 40)));
  }
  for (const IncidentView& incident : world.core->Incidents({})) {
    for (const IncidentAlert& alert : incident.alerts) {
      if (alert.firing()) world.Resolve(alert.labels, alert.starts_at);
    }
  }
  calm = true;
  world.Run(20min);
  CheckPaired(world);
  std::set<std::pair<std::string, std::uint64_t>> told;
  for (const Heard& h : world.heard) told.emplace(h.target, h.number);
  for (const IncidentView& incident : world.core->Incidents({})) {
    CHECK(incident.state == "resolved");
    for (const DeliveryView& delivery : incident.deliveries) {
      // What ended before group_wait was over is nobody's business; merged episodes are told under the last number.
      CHECK((delivery.state == DeliveryState::kDelivered || delivery.state == DeliveryState::kIdle));
    }
  }
  CHECK(told.size() >= 6);
}

TEST_CASE("a receiver that says when is not asked before, and then gets the message", "[outbox]") {
  World world;
  std::map<std::string, TimeMs> refused;
  world.answer = [&](const SendJob& job) {
    if (refused.count(job.outbox.target.kind) > 0) return Verdict{};
    refused[job.outbox.target.kind] = world.now;
    return Verdict{Outcome::kRetry, 90s, false, "HTTP 429"};
  };
  world.Fire(TargetDown("a"));
  world.Run(3min);
  REQUIRE(world.heard.size() == 2);
  for (const Heard& h : world.heard) {
    CHECK(h.at >= refused[h.target] + 90s);
    CHECK(h.at <= refused[h.target] + 93s);
  }
}

TEST_CASE("trouble that begins and ends while a receiver is away is told in one message, never in none", "[outbox]") {
  World world;
  bool away = true;
  world.answer = [&](const SendJob&) { return away ? Retry() : Verdict{}; };
  const TimeMs begin = world.now;
  world.Fire(TargetDown("a"));
  world.Run(20s);
  world.Resolve(TargetDown("a"), begin);
  world.Run(5min);
  CHECK(world.heard.empty());
  away = false;
  world.Run(5min);
  CHECK(world.Events("slack") == "fired_and_resolved");
  // PagerDuty keeps what was triggered open until it is resolved.
  CHECK(world.Events("pagerduty") == "fired_and_resolved resolve");
}

TEST_CASE("episodes missed by a receiver are merged, with their count", "[outbox]") {
  World world;
  bool away = true;
  world.answer = [&](const SendJob& job) { return away && job.outbox.target.kind == "slack" ? Retry() : Verdict{}; };
  for (int i = 0; i < 9; ++i) world.Episode(TargetDown("a"), 20s, 40s);
  CHECK(world.core->Incidents({}).size() == 9);  // the same id, nine numbers
  away = false;
  world.Run(10min);
  std::size_t episodes = 0, messages = 0;
  for (const Heard& h : world.heard) {
    if (h.target != "slack") continue;
    episodes += h.notification.episodes;
    ++messages;
  }
  CHECK(episodes == 9);
  CHECK(messages <= 5);
}

TEST_CASE("a wrong key is not tried again, and shown", "[outbox]") {
  World world;
  world.answer = [&](const SendJob& job) {
    return job.outbox.target.kind == "pagerduty" ? Verdict{Outcome::kPermanent, std::nullopt, false, "HTTP 400: no"}
                                                 : Verdict{};
  };
  const TimeMs begin = world.now;
  world.Fire(TargetDown("a"));
  world.Run(1min);
  CHECK(world.attempts == 2);
  CHECK(world.Events("slack") == "trigger");
  const IncidentView view = world.core->Incidents({}).front();
  REQUIRE(view.deliveries.size() == 2);
  CHECK(view.deliveries[0].state == DeliveryState::kDead);
  CHECK(view.deliveries[0].last_error == "HTTP 400: no");
  CHECK(view.deliveries[1].state == DeliveryState::kDelivered);
  SECTION("whom the trigger never reached hears of no end") {
    world.Resolve(TargetDown("a"), begin);
    world.Run(1min);
    CHECK(world.attempts == 3);
  }
  SECTION("a corrected configuration tells it at last") {
    world.answer = [](const SendJob&) { return Verdict{}; };
    world.Reload(TwoTargets());
    world.Run(5s);
    CHECK(world.Events("pagerduty") == "trigger");
    CHECK(world.Events("slack") == "trigger");
  }
}

TEST_CASE("a trigger that may have arrived is followed by its resolve even when it was given up", "[outbox]") {
  AlertingOptions options = TwoTargets();
  options.delivery.give_up_after = {1min, 1min, 1min, 1min};
  World world(options);
  bool broken = true;
  world.answer = [&](const SendJob&) {
    return broken ? Verdict{Outcome::kRetry, std::nullopt, true, "HTTP 500"} : Verdict{};
  };
  const TimeMs begin = world.now;
  world.Fire(TargetDown("a"));
  world.Run(5min);
  broken = false;
  world.heard.clear();
  world.Resolve(TargetDown("a"), begin);
  world.Run(5min);
  CHECK(world.Events("pagerduty") == "resolve");
}

TEST_CASE("P0 is tried for as long as it fires", "[outbox]") {
  World world;
  bool broken = true;
  world.answer = [&](const SendJob&) { return broken ? Retry() : Verdict{}; };
  Labels labels = LabelsBuilder(TargetDown("a")).Set("priority", "P0").Build();
  world.Fire(labels);
  for (int hour = 0; hour < 60; ++hour) {
    world.now += 1h;
    world.Step();
  }
  broken = false;
  world.Run(2min);
  CHECK(world.Events("pagerduty") == "trigger");
}

TEST_CASE("a channel gets at most one message per second beyond its burst, the most urgent first", "[outbox]") {
  AlertingOptions options = TwoTargets();
  options.route.group_by = std::vector<std::string>{"..."};
  options.delivery.slack_burst = 1;
  World world(options);
  std::vector<ActiveAlert> storm;
  for (int i = 0; i < 30; ++i) storm.push_back(Firing(TargetDown("i" + std::to_string(i), "warning"), world.now));
  storm.push_back(Firing(LabelsBuilder(TargetDown("worst")).Set("priority", "P0").Build(), world.now));
  world.Accept(storm);
  world.Run(60s);
  std::vector<const Heard*> slack;
  for (const Heard& h : world.heard) {
    if (h.target == "slack") slack.push_back(&h);
  }
  REQUIRE(slack.size() == 31);
  CHECK(slack.front()->notification.priority == Priority::kP0);
  for (std::size_t i = 1; i < slack.size(); ++i) CHECK(slack[i]->at - slack[i - 1]->at >= 1s);
}

TEST_CASE("a full queue loses repeats and the least urgent first, never an end", "[outbox]") {
  DeliveryOptions options;
  options.max_queue_per_receiver = 3;
  const Target target{"r", "slack", 0};
  Outbox outbox(options, 1);
  outbox.Configure(options, {&target, 1});
  const TimeMs now(1'700'000'000'000);
  outbox.Enqueue(target, "told", 1, DeliveryEvent::kTrigger, Priority::kP2, now);
  REQUIRE(outbox.TakeDue(now).size() == 1);
  outbox.Report(target, "told", Verdict{}, now);
  outbox.Enqueue(target, "told", 1, DeliveryEvent::kRepeat, Priority::kP0, now);
  outbox.Enqueue(target, "a", 2, DeliveryEvent::kTrigger, Priority::kP2, now);
  outbox.Enqueue(target, "b", 3, DeliveryEvent::kTrigger, Priority::kP3, now);
  outbox.Enqueue(target, "c", 4, DeliveryEvent::kTrigger, Priority::kP1, now);  // the repeat goes
  outbox.Enqueue(target, "d", 5, DeliveryEvent::kTrigger, Priority::kP1, now);  // b goes
  outbox.Enqueue(target, "e", 6, DeliveryEvent::kTrigger, Priority::kP3, now);  // is refused
  outbox.Enqueue(target, "told", 1, DeliveryEvent::kResolve, Priority::kP2, now);
  CHECK(outbox.StateOf(target, "told", 1) == DeliveryState::kQueued);
  CHECK(outbox.StateOf(target, "a", 2) == DeliveryState::kQueued);
  CHECK(outbox.StateOf(target, "b", 3) == DeliveryState::kDead);
  CHECK(outbox.StateOf(target, "e", 6) == DeliveryState::kIdle);
  CHECK(outbox.depth(target) == 4);
  const auto drops = outbox.TakeDrops();
  REQUIRE(drops.size() == 1);
  CHECK(drops[0].reason == "queue_full");
  CHECK(drops[0].count == 3);
}

TEST_CASE("an end that comes while the trigger is on its way stays behind it", "[outbox]") {
  const DeliveryOptions options;
  const Target target{"r", "pagerduty", 0};
  Outbox outbox(options, 1);
  outbox.Configure(options, {&target, 1});
  TimeMs now(1'700'000'000'000);
  outbox.Enqueue(target, "x", 1, DeliveryEvent::kTrigger, Priority::kP1, now);
  REQUIRE(outbox.TakeDue(now).size() == 1);
  outbox.Enqueue(target, "x", 1, DeliveryEvent::kResolve, Priority::kP1, now);
  CHECK(outbox.TakeDue(now).empty());  // one in flight
  SECTION("which arrives") {
    outbox.Report(target, "x", Verdict{}, now);
    const auto jobs = outbox.TakeDue(now);
    REQUIRE(jobs.size() == 1);
    CHECK(jobs[0].message.event == DeliveryEvent::kResolve);
  }
  SECTION("which fails: both become one") {
    outbox.Report(target, "x", Retry(), now);
    CHECK(outbox.depth(target) == 1);
    const auto jobs = outbox.TakeDue(now + 1h);
    REQUIRE(jobs.size() == 1);
    CHECK(jobs[0].message.event == DeliveryEvent::kFiredAndResolved);
  }
  SECTION("which is refused: there is nothing to end") {
    outbox.Report(target, "x", Verdict{Outcome::kPermanent, std::nullopt, false, "HTTP 400"}, now);
    CHECK(outbox.depth(target) == 0);
  }
}

TEST_CASE("a disk that refuses keeps nothing from being sent, and is caught up with", "[outbox]") {
  class Broken final : public storage::StateStore {
   public:
    explicit Broken(storage::StateStore& inner) : inner_(inner) {}
    Status Write(const storage::StateBatch& batch) override {
      if (full) return Fail(Code::kIo, "no space left on device");
      return inner_.Write(batch);
    }
    Result<std::optional<std::string>> Get(std::string_view table, std::string_view key) const override {
      return inner_.Get(table, key);
    }
    Status Scan(std::string_view table, std::string_view prefix,
                const std::function<bool(std::string_view, std::string_view)>& row) const override {
      return inner_.Scan(table, prefix, row);
    }
    Result<storage::ChangePage> Changes(std::string_view table, std::uint64_t after, std::size_t max) const override {
      return inner_.Changes(table, after, max);
    }
    std::unique_ptr<storage::StateView> NewView() const override { return inner_.NewView(); }
    bool AwaitChange(std::uint64_t after, const std::stop_token& stop, Millis timeout) const override {
      return inner_.AwaitChange(after, stop, timeout);
    }
    bool full = true;

   private:
    storage::StateStore& inner_;
  };
  const auto memory = storage::NewMemoryStateStore();
  Broken store(*memory);
  TimeMs now(1'700'000'000'000);
  RouterCore core(store, TwoTargets(), nullptr, 1);
  const ActiveAlert alert = Firing(TargetDown("a"), now);
  const auto accepted = core.Accept({&alert, 1}, now);
  REQUIRE_FALSE(accepted.has_value());
  CHECK(accepted.error().code == Code::kIo);
  now += 10s;
  CHECK_FALSE(core.Tick(now).has_value());
  CHECK(core.TakeDue(now).size() == 2);
  store.full = false;
  MustSucceed(core.Accept({&alert, 1}, now));
  RouterCore later(*memory, TwoTargets(), nullptr, 1);
  MustSucceed(later.Load(now));
  CHECK(later.Incidents({}).size() == 1);
  CHECK(later.TakeDue(now).size() == 2);
}

TEST_CASE("rows that cannot be read are counted and cost nobody else a page", "[outbox]") {
  World world;
  world.Fire(TargetDown("a"));
  storage::StateBatch batch;
  batch.Put("incidents", "0000000000000007", "{\"number\":7");
  batch.Put("incident_alerts", "junk", "{}");
  batch.Put("notification_groups", "0000000000000009/x", "[]");
  batch.Put("outbox", "slack/0/r/x", R"({"kind":"telex"})");
  MustSucceed(world.store->Write(batch));
  world.Crash();
  CHECK(world.core->TakeCounts().bad_rows == 4);
  world.Run(30s);
  CHECK(world.Events("slack") == "trigger");
}
