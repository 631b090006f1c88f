// A rule group on an in-memory store with a clock that stands still: what the tests of rule evaluation share.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <prometheus/registry.h>

#include "alerting/rules/group.h"
#include "analytics/promql/engine.h"
#include "core/numbers.h"
#include "storage/memory/memory_storage.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"

namespace vedette::alerting::test {

/// Keeps what it is given; refuses on request.
class FakeSink final : public AlertSink {
 public:
  Status Accept(std::span<const ActiveAlert> alerts) override {
    if (refuse) return Fail(Code::kUnavailable, "sink is full");
    accepted.insert(accepted.end(), alerts.begin(), alerts.end());
    return Ok();
  }
  Status Settle(const RuleRef& rule, std::span<const ActiveAlert> active) override {
    settled.emplace_back(rule.name, active.size());
    return Ok();
  }

  bool refuse = false;
  std::vector<ActiveAlert> accepted;
  std::vector<std::pair<std::string, std::size_t>> settled;
};

/// The engine, or an error while `broken`.
class BreakableQueries final : public RuleQueries {
 public:
  explicit BreakableQueries(const promql::Engine& engine) : inner_(NewEngineQueries(engine)) {}
  Result<std::vector<VectorSample>> Run(const promql::Expr& expr, TimeMs time, std::stop_token stop,
                                        std::string_view origin) override {
    if (broken) return Fail(Code::kTimeout, "query timed out");
    return inner_->Run(expr, time, stop, origin);
  }
  Result<std::vector<VectorSample>> Run(std::string_view expr, TimeMs time, std::stop_token stop,
                                        std::string_view origin) override {
    return inner_->Run(expr, time, stop, origin);
  }
  bool broken = false;

 private:
  std::unique_ptr<RuleQueries> inner_;
};

/// Times are seconds since the start of the test.
class RuleHarness {
 public:
  explicit RuleHarness(std::string_view rules, bool restore = false) { Load(rules, restore); }

  /// A new group from the text; the old one stays in `previous` until the next Load.
  void Load(std::string_view rules, bool restore = false) {
    RuleFileCheck check = CheckRuleText(rules, "rules.yml");
    for (const Error& error : check.errors) FAIL(error.message);
    previous = std::move(group);
    group = std::make_unique<RuleGroup>("rules.yml", std::move(check.file.groups.at(0)),
                                        std::make_shared<const RuleOptions>(options), context, restore);
  }

  TimeMs At(double seconds) const { return start + Millis(static_cast<std::int64_t>(seconds * 1000)); }

  void Add(const Labels& labels, double seconds, double value) {
    clock.Jump(At(seconds));
    const auto appender = storage->NewAppender();
    appender->Add(MustHave(appender->Series(labels)), At(seconds), value);
    MustHave(appender->Commit());
  }

  void Evaluate(double seconds) {
    clock.Jump(At(seconds));
    group->EvaluateAt(At(seconds));
  }

  /// Current samples of a selector, as text: "ALERTS{...} 1".
  std::vector<std::string> Query(std::string_view expr, double seconds) {
    std::vector<std::string> lines;
    for (const VectorSample& sample : MustHave(queries.Run(expr, At(seconds), {}, {}))) {
      lines.push_back(sample.labels.ToString() + " " + FormatSampleValue(sample.value));
    }
    return lines;
  }

  RuleView View(std::size_t rule = 0) const { return group->View().rules.at(rule); }

  /// Takes what the sink got since the last call.
  std::vector<ActiveAlert> TakeSent() { return std::exchange(sink.accepted, {}); }

  TimeMs start{1'700'000'010'000};  // a multiple of 30 s
  vedette::test::FakeClock clock{start};
  prometheus::Registry registry;
  std::unique_ptr<storage::Storage> storage = storage::NewMemoryStorage({}, clock);
  promql::Engine engine{*storage, {}, clock, registry};
  BreakableQueries queries{engine};
  FakeSink sink;
  RuleMetrics metrics{registry};
  RuleContext context{*storage, queries, sink, clock, metrics};
  RuleOptions options;
  std::unique_ptr<RuleGroup> previous, group;
};

}  // namespace vedette::alerting::test
