// Alerts go to the router of this process and, where a configuration names any, to external Alertmanagers.
#pragma once

#include <span>

#include "alerting/rules/alert.h"
#include "collector/alertmanagers/notifier.h"
#include "core/result.h"

namespace vedette::app {

class AlertFork final : public alerting::AlertSink {
 public:
  /// Both outlive it.
  AlertFork(alerting::AlertSink& router, collector::Notifier& notifier) : router_(router), notifier_(notifier) {}

  /// What the router says counts: the others are told again and again.
  Status Accept(std::span<const alerting::ActiveAlert> alerts) override;
  Status Settle(const alerting::RuleRef& rule, std::span<const alerting::ActiveAlert> active) override {
    return router_.Settle(rule, active);
  }

 private:
  alerting::AlertSink& router_;
  collector::Notifier& notifier_;
};

}  // namespace vedette::app
