// Inhibition: which alerts are muted because another one explains them.
//
// Built from the alerts that fire at one moment, then asked about single alerts. Mutes stop new messages only; who was
// told before is told of the end.
#pragma once

#include <span>
#include <unordered_map>
#include <vector>

#include "alerting/route/options.h"
#include "core/labels.h"

namespace vedette::alerting {

class Inhibitor {
 public:
  /// `rules` outlive the inhibitor. Cost: each rule looks at each alert once.
  Inhibitor(std::span<const InhibitRule> rules, std::span<const Labels> firing);

  /// An alert that matches both sides of a rule is not muted by an alert of which the same is true, itself included.
  bool Mutes(const Labels& target) const;

 private:
  struct Sources {
    const InhibitRule* rule;
    /// Hash of the `equal` labels; whether some source with these does not match the target side as well.
    std::unordered_map<std::uint64_t, bool> one_sided;
  };
  std::vector<Sources> rules_;
};

}  // namespace vedette::alerting
