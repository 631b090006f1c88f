#include "app/alert_fork.h"

#include <vector>

namespace vedette::app {

Status AlertFork::Accept(std::span<const alerting::ActiveAlert> alerts) {
  std::vector<collector::OutgoingAlert> outgoing;
  outgoing.reserve(alerts.size());
  for (const alerting::ActiveAlert& alert : alerts) {
    outgoing.push_back({alert.labels, alert.annotations, alert.fired_at, alert.ends_at, alert.generator_url});
  }
  notifier_.Send(outgoing);
  return router_.Accept(alerts);
}

}  // namespace vedette::app
