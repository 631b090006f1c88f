#include "alerting/options.h"

#include <algorithm>

namespace vedette::alerting {

RouteOptions AlertingOptions::DefaultRoute() {
  RouteOptions route;
  route.receiver = "default";
  return route;
}

std::vector<Receiver> AlertingOptions::DefaultReceivers() {
  std::vector<Receiver> receivers(1);
  receivers.front().name = "default";
  return receivers;
}

Status AlertingOptions::Validate() const {
  std::vector<std::string> names;
  for (const Receiver& receiver : receivers) {
    VEDETTE_CHECK(receiver.Validate());
    if (std::find(names.begin(), names.end(), receiver.name) != names.end()) {
      return Fail(Code::kBadData, "receivers: the name '{}' is taken twice", receiver.name);
    }
    names.push_back(receiver.name);
  }
  VEDETTE_CHECK(route.Validate(names, {}));
  for (const InhibitRule& rule : inhibit_rules) VEDETTE_CHECK(rule.Validate());
  if (resolve_timeout <= Millis(0)) return Fail(Code::kBadData, "resolve_timeout must be positive");
  VEDETTE_CHECK(incidents.Validate());
  return delivery.Validate();
}

}  // namespace vedette::alerting
