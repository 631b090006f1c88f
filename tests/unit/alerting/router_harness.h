// A world for the alert router's core: a store that survives crashes, receivers that answer as told, a clock.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "alerting/router_core.h"
#include "storage/memory/memory_storage.h"
#include "storage/state.h"
#include "tests/support/catch.h"

namespace vedette::alerting::test {

inline Labels TargetDown(std::string_view instance, std::string_view severity = "critical") {
  return Labels{{"alertname", "TargetDown"}, {"job", "api"}, {"instance", instance}, {"severity", severity}};
}

inline ActiveAlert Firing(const Labels& labels, TimeMs at) {
  ActiveAlert alert;
  alert.labels = labels;
  alert.annotations = Labels{{"summary", "it is down"}};
  alert.state = AlertState::kFiring;
  alert.active_at = alert.fired_at = alert.evaluated_at = at;
  alert.rule = {"rules.yml", "targets", std::string(labels.Get("alertname"))};
  return alert;
}

inline ActiveAlert Resolved(const Labels& labels, TimeMs fired_at, TimeMs at) {
  ActiveAlert alert = Firing(labels, fired_at);
  alert.state = AlertState::kInactive;
  alert.resolved_at = at;
  return alert;
}

/// Pagerduty and Slack behind one receiver, timers short.
inline AlertingOptions TwoTargets() {
  AlertingOptions options;
  options.route.receiver = "oncall";
  options.route.group_by = std::vector<std::string>{"alertname", "job"};
  options.route.group_wait = std::chrono::seconds(10);
  options.route.group_interval = std::chrono::seconds(30);
  Receiver receiver;
  receiver.name = "oncall";
  PagerdutyConfig pagerduty;
  pagerduty.routing_key = Secret("0123456789abcdef0123456789abcdef");
  receiver.pagerduty_configs.push_back(pagerduty);
  SlackConfig slack;
  slack.api_url = Secret("http://127.0.0.1:1/services/T/B/x");
  receiver.slack_configs.push_back(slack);
  options.receivers = {receiver};
  return options;
}

struct Heard {
  TimeMs at;
  std::string target;  // its kind
  std::string id;
  std::uint64_t number = 0;
  DeliveryEvent event = DeliveryEvent::kTrigger;
  Notification notification;
};

class FixedCensus final : public TargetCensus {
 public:
  std::map<std::string, std::size_t, std::less<>> targets;
  std::optional<std::size_t> TargetsOfJob(std::string_view job) const override {
    const auto found = targets.find(job);
    if (found == targets.end()) return std::nullopt;
    return found->second;
  }
};

class World {
 public:
  explicit World(AlertingOptions options = TwoTargets()) : options_(std::move(options)) { Boot(); }

  /// The process dies and starts again on what is stored. What was being sent is not reported.
  void Crash() { Boot(); }
  void Reload(const AlertingOptions& options) {
    options_ = options;
    core->Configure(options_, now);
  }

  void Fire(const Labels& labels) { Accept({Firing(labels, now)}); }
  void Resolve(const Labels& labels, TimeMs fired_at) { Accept({Resolved(labels, fired_at, now)}); }
  /// The alert fires for a while, ends, and time goes on.
  void Episode(const Labels& labels, Millis fires, Millis then) {
    const TimeMs begin = now;
    Fire(labels);
    Run(fires);
    Resolve(labels, begin);
    Run(then);
  }
  void Accept(const std::vector<ActiveAlert>& alerts) { MustSucceed(core->Accept(alerts, now)); }

  /// Time passes in steps of a second; timers fire, messages leave and are answered.
  void Run(Millis span) {
    for (const TimeMs end = now + span; now < end; now += std::chrono::seconds(1)) Step();
    Step();
  }
  void Step() {
    MustSucceed(core->Tick(now));
    for (int round = 0; round < 10; ++round) {
      const auto jobs = core->TakeDue(now);
      if (jobs.empty()) break;
      for (const SendJob& job : jobs) Send(job);
    }
  }
  /// What receivers answer; delivered by default.
  std::function<Verdict(const SendJob&)> answer = [](const SendJob&) { return Verdict{}; };
  /// Called when a receiver has a message and we do not know it yet.
  std::function<void()> before_report = [] {};

  /// Events of one kind of target, as "trigger resolve".
  std::string Events(std::string_view kind) const {
    std::string out;
    for (const Heard& h : heard) {
      if (h.target != kind) continue;
      out.append(out.empty() ? "" : " ").append(DeliveryEventName(h.event));
    }
    return out;
  }

  TimeMs now = TimeMs(1'700'000'000'000);
  FixedCensus census;
  std::unique_ptr<storage::StateStore> store = storage::NewMemoryStateStore();
  std::unique_ptr<RouterCore> core;
  std::vector<Heard> heard;  // messages that were accepted by their receiver
  int attempts = 0;

 private:
  void Boot() {
    core = std::make_unique<RouterCore>(*store, options_, &census, 1);
    MustSucceed(core->Load(now));
  }

  void Send(const SendJob& job) {
    ++attempts;
    const Verdict verdict = answer(job);
    if (verdict.outcome == Outcome::kDelivered || verdict.maybe_received) {
      const Notification& n = job.notification;
      heard.push_back({now, job.outbox.target.kind, n.incident_id, n.number, n.event, n});
    }
    RouterCore* const sender = core.get();
    before_report();
    if (core.get() == sender) core->Report(job.outbox, verdict, now);
  }

  AlertingOptions options_;
};

}  // namespace vedette::alerting::test
