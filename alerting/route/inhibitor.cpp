#include "alerting/route/inhibitor.h"

namespace vedette::alerting {
namespace {

/// The labels that have to agree; an absent one equals an empty one.
Labels EqualLabels(const InhibitRule& rule, const Labels& labels) {
  return LabelsBuilder(labels).Keep(rule.equal).Build();
}

}  // namespace

Inhibitor::Inhibitor(std::span<const InhibitRule> rules, std::span<const Labels> firing) {
  for (const InhibitRule& rule : rules) {
    Sources sources{&rule, {}};
    for (const Labels& labels : firing) {
      if (!MatchesAll(rule.source_matchers, labels)) continue;
      bool& one_sided = sources.one_sided[EqualLabels(rule, labels).Hash()];
      one_sided = one_sided || !MatchesAll(rule.target_matchers, labels);
    }
    if (!sources.one_sided.empty()) rules_.push_back(std::move(sources));
  }
}

bool Inhibitor::Mutes(const Labels& target) const {
  for (const Sources& sources : rules_) {
    if (!MatchesAll(sources.rule->target_matchers, target)) continue;
    const auto found = sources.one_sided.find(EqualLabels(*sources.rule, target).Hash());
    if (found == sources.one_sided.end()) continue;
    if (found->second || !MatchesAll(sources.rule->source_matchers, target)) return true;
  }
  return false;
}

}  // namespace vedette::alerting
