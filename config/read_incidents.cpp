// `incidents:`: how trouble is weighed (P0-P3), what is promised, and how hard delivery tries.
#include "config/sections.h"

namespace vedette::config {
namespace {

using alerting::DeliveryOptions;
using alerting::IncidentOptions;
using alerting::KindRule;
using alerting::Priority;

struct IncidentsSection {
  IncidentOptions incidents;
  DeliveryOptions delivery;
};

Status ReadPriority(const YamlNode& node, Priority& out) {
  VEDETTE_TRY(const std::string text, node.As<std::string>());
  auto priority = alerting::ParsePriority(text);
  if (!priority) return node.At(priority.error().message);
  out = *priority;
  return Ok();
}

/// `severity_map: {critical: P1, ...}` replaces the built-in map.
Status ReadSeverityMap(const YamlNode& node, IncidentsSection& out) {
  VEDETTE_TRY(const std::vector<YamlNode::Entry> entries, node.Map());
  out.incidents.severity_map.clear();
  for (const YamlNode::Entry& entry : entries) {
    Priority priority{};
    VEDETTE_CHECK(ReadPriority(entry.value, priority));
    out.incidents.severity_map.emplace_back(entry.key, priority);
  }
  return Ok();
}

constexpr Field<KindRule> kKindFields[] = {
    {"kind", Set<&KindRule::kind>},
    {"pattern", Set<&KindRule::pattern>},
    {"priority", [](const YamlNode& node, KindRule& out) { return ReadPriority(node, out.priority); }},
};

/// `kinds: [...]` replaces the built-in list.
Status ReadKinds(const YamlNode& node, IncidentsSection& out) {
  out.incidents.kinds.clear();
  return ReadList(node, out.incidents.kinds, "kind of trouble", [](const YamlNode& item, KindRule& rule) {
    return ReadFields<KindRule>(item, kKindFields, rule, "incidents.kinds");
  });
}

/// `P0: 5m` ... `P3: 24h`; what is not named keeps its default.
Status ReadByPriority(const YamlNode& node, std::array<Millis, 4>& out) {
  VEDETTE_TRY(const std::vector<YamlNode::Entry> entries, node.Map());
  for (const YamlNode::Entry& entry : entries) {
    auto priority = alerting::ParsePriority(entry.key);
    if (!priority) return node.At(priority.error().message);
    VEDETTE_CHECK(ReadValue(entry.value, out[static_cast<std::size_t>(*priority)]));
  }
  return Ok();
}

constexpr Field<DeliveryOptions> kDeliveryFields[] = {
    {"first_backoff", Set<&DeliveryOptions::first_backoff>},
    {"max_backoff", Set<&DeliveryOptions::max_backoff>},
    {"max_retry_after", Set<&DeliveryOptions::max_retry_after>},
    {"give_up_after",
     [](const YamlNode& node, DeliveryOptions& out) { return ReadByPriority(node, out.give_up_after); }},
    {"max_queue_per_receiver", Set<&DeliveryOptions::max_queue_per_receiver>},
    {"max_in_flight", Set<&DeliveryOptions::max_in_flight>},
    {"slack_per_second", Set<&DeliveryOptions::slack_per_second>},
    {"slack_burst", Set<&DeliveryOptions::slack_burst>},
    {"pagerduty_per_second", Set<&DeliveryOptions::pagerduty_per_second>},
    {"pagerduty_burst", Set<&DeliveryOptions::pagerduty_burst>},
    {"webhook_per_second", Set<&DeliveryOptions::webhook_per_second>},
    {"webhook_burst", Set<&DeliveryOptions::webhook_burst>},
};

template <auto Member>
Status SetIncident(const YamlNode& node, IncidentsSection& out) {
  return ReadValue(node, out.incidents.*Member);
}

constexpr Field<IncidentsSection> kIncidentsFields[] = {
    {"priority_labels", SetIncident<&IncidentOptions::priority_labels>},
    {"severity_labels", SetIncident<&IncidentOptions::severity_labels>},
    {"severity_map", ReadSeverityMap},
    {"kinds", ReadKinds},
    {"wide_share", SetIncident<&IncidentOptions::wide_share>},
    {"redundant_targets", SetIncident<&IncidentOptions::redundant_targets>},
    {"deescalate_after", SetIncident<&IncidentOptions::deescalate_after>},
    {"response_targets",
     [](const YamlNode& node, IncidentsSection& out) { return ReadByPriority(node, out.incidents.response_targets); }},
    {"keep_resolved", SetIncident<&IncidentOptions::keep_resolved>},
    {"keep_resolved_for", SetIncident<&IncidentOptions::keep_resolved_for>},
    {"max_open", SetIncident<&IncidentOptions::max_open>},
    {"max_alerts", SetIncident<&IncidentOptions::max_alerts>},
    {"delivery",
     [](const YamlNode& node, IncidentsSection& out) {
       return ReadFields<DeliveryOptions>(node, kDeliveryFields, out.delivery, "incidents.delivery");
     }},
};

}  // namespace

Status ReadIncidents(const YamlNode& node, IncidentOptions& out, DeliveryOptions& delivery) {
  IncidentsSection section{out, delivery};
  VEDETTE_CHECK(ReadFields<IncidentsSection>(node, kIncidentsFields, section, "incidents"));
  if (const Status valid = section.incidents.Validate(); !valid) return node.At(valid.error().message);
  if (const Status valid = section.delivery.Validate(); !valid) return node.At(valid.error().message);
  out = std::move(section.incidents);
  delivery = std::move(section.delivery);
  return Ok();
}

}  // namespace vedette::config
