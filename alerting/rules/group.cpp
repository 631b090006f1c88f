#include "alerting/rules/group.h"

#include <algorithm>
#include <deque>
#include <map>

#include "core/json_log.h"
#include "core/log.h"

namespace vedette::alerting {
namespace {

/// The first evaluation may come before anything was scraped, and recording rules need one more.
constexpr int kEvaluationsBeforeRestore = 2;

GroupSettings Settings(const std::string& file, const RuleGroupSpec& spec, std::shared_ptr<const RuleOptions> options) {
  GroupSettings settings;
  settings.file = file;
  settings.name = spec.name;
  settings.interval = spec.interval.value_or(options->evaluation_interval);
  settings.query_offset = spec.query_offset.value_or(options->query_offset);
  settings.limit = spec.limit;
  settings.query_origin = fmt::format(R"("ruleGroup":{{"file":{},"name":{}}})", JsonText(file), JsonText(spec.name));
  settings.options = std::move(options);
  return settings;
}

}  // namespace

RuleGroup::RuleGroup(const std::string& file, RuleGroupSpec spec, std::shared_ptr<const RuleOptions> options,
                     const RuleContext& context, bool restore)
    : settings_(Settings(file, spec, std::move(options))),
      schedule_(file, spec.name, settings_.interval),
      context_(context),
      evaluations_before_restore_(restore ? kEvaluationsBeforeRestore : 0) {
  for (Rule& rule : spec.rules) {
    rules_.push_back(std::make_unique<RuleState>(std::move(rule), settings_, context_, !restore));
  }
}

std::size_t RuleGroup::CountRules(bool alerting) const {
  return static_cast<std::size_t>(
      std::count_if(rules_.begin(), rules_.end(), [&](const auto& rule) { return rule->rule().alerting == alerting; }));
}

void RuleGroup::EvaluateAt(TimeMs slot, const std::stop_token& stop) {
  const auto start = context_.clock.Monotonic();
  const TimeMs now = context_.clock.Now();
  SendResolves();
  for (const auto& rule : rules_) {
    if (stop.stop_requested()) return;
    rule->Evaluate(slot, stop);
  }
  if (evaluations_before_restore_ > 0 && --evaluations_before_restore_ == 0) {
    for (const auto& rule : rules_) rule->Restore(slot);
  }
  const auto spent = context_.clock.Monotonic() - start;
  context_.metrics.GroupEvaluated(std::chrono::duration<double>(spent).count(),
                                  std::max(0.0, std::chrono::duration<double>(now - slot).count()));
  const std::lock_guard lock(mutex_);
  evaluation_time_ = spent;
  last_evaluation_ = slot;
}

void RuleGroup::SendResolves() {
  if (resolves_.empty()) return;
  if (const Status accepted = context_.sink.Accept(resolves_); !accepted) {
    LogWarn("alerting", "resolves of removed rules were not accepted", {{"error", accepted.error()}});
    return;
  }
  context_.metrics.AlertsSent(0, resolves_.size());
  resolves_.clear();
}

void RuleGroup::TakeOver(RuleGroup& old) {
  std::map<std::string, std::deque<RuleState*>> by_key;
  for (const auto& rule : old.rules_) by_key[rule->Key()].push_back(rule.get());
  for (const auto& rule : rules_) {
    const auto found = by_key.find(rule->Key());
    if (found == by_key.end() || found->second.empty()) continue;
    rule->TakeOver(*found->second.front());
    found->second.pop_front();
  }
  evaluations_before_restore_ = old.evaluations_before_restore_;
  AddResolves(std::exchange(old.resolves_, {}));
  const std::scoped_lock lock(mutex_, old.mutex_);
  evaluation_time_ = old.evaluation_time_;
  last_evaluation_ = old.last_evaluation_;
}

std::vector<ActiveAlert> RuleGroup::Retire(TimeMs now) {
  std::vector<ActiveAlert> resolves = std::exchange(resolves_, {});
  for (const auto& rule : rules_) {
    for (ActiveAlert& resolve : rule->Retire(now)) resolves.push_back(std::move(resolve));
  }
  return resolves;
}

void RuleGroup::AddResolves(std::vector<ActiveAlert> resolves) {
  resolves_.insert(resolves_.end(), std::make_move_iterator(resolves.begin()), std::make_move_iterator(resolves.end()));
}

RuleGroupView RuleGroup::View() const {
  RuleGroupView view;
  view.name = settings_.name;
  view.file = settings_.file;
  view.interval = settings_.interval;
  view.query_offset = settings_.query_offset;
  view.limit = settings_.limit;
  for (const auto& rule : rules_) view.rules.push_back(rule->View());
  const std::lock_guard lock(mutex_);
  view.evaluation_time = evaluation_time_;
  view.last_evaluation = last_evaluation_;
  return view;
}

}  // namespace vedette::alerting
