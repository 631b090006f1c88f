// Everything the alert router is told: routes, receivers, classification, delivery. One plain tree, swapped as a whole.
#pragma once

#include <string>
#include <vector>

#include "alerting/incident/options.h"
#include "alerting/notify/options.h"
#include "alerting/route/options.h"
#include "core/result.h"
#include "core/time.h"

namespace vedette::alerting {

struct AlertingOptions {
  RouteOptions route = DefaultRoute();
  std::vector<InhibitRule> inhibit_rules;
  /// The default receiver has no configuration: incidents are kept and shown, nobody is called.
  std::vector<Receiver> receivers = DefaultReceivers();
  IncidentOptions incidents;
  DeliveryOptions delivery;
  /// An alert that came without an end counts as resolved when it has not been repeated for this long.
  Millis resolve_timeout = std::chrono::minutes(5);
  /// Where people reach this agent: put in front of links. Without a slash at its end.
  std::string external_url;
  /// Files with {{ define }} blocks for the receivers' templates, already expanded from globs.
  std::vector<std::string> templates;

  static RouteOptions DefaultRoute();
  static std::vector<Receiver> DefaultReceivers();

  /// Checks every part and that routes name existing receivers. Errors: kBadData.
  Status Validate() const;
};

}  // namespace vedette::alerting
