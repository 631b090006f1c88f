// Copies of the state of incidents and deliveries for the API and the page.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "alerting/incident/incident.h"
#include "alerting/notify/outbox.h"
#include "core/time.h"

namespace vedette::alerting {

/// What became of an incident's messages to one target.
struct DeliveryView {
  Target target;
  DeliveryState state = DeliveryState::kIdle;
  std::optional<TimeMs> delivered_at;  // the last one
  std::optional<TimeMs> next_attempt;  // while it waits
  std::uint32_t attempts = 0;          // of the waiting message
  std::string last_error;
};

struct IncidentView {
  std::uint64_t number = 0;
  std::string id;
  Labels group_labels;
  std::string title;  // "HighErrorRate api"
  Priority priority = Priority::kP3;
  std::vector<Reason> reasons;
  std::string why;    // "P1 because ..."
  std::string state;  // "open", "acknowledged", "resolved"
  TimeMs started_at, updated_at;
  TimeMs respond_by;  // when the response target is missed
  std::optional<TimeMs> acknowledged_at, resolved_at;
  std::string acknowledged_by;
  std::size_t firing = 0;
  std::vector<IncidentAlert> alerts;  // firing first
  std::vector<DeliveryView> deliveries;
};

struct IncidentFilter {
  bool open = true, resolved = true;
  std::size_t limit = 500;        // incidents, the newest
  std::size_t max_alerts = 1000;  // in each
};

/// One target of one receiver, for a status page.
struct TargetView {
  Target target;
  std::size_t queued = 0;
};

}  // namespace vedette::alerting
