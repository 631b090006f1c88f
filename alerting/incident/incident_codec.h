// How incidents and their alerts are kept in the state tables: JSON rows, described in docs/alert_state.md.
//
// An incident's row does not hold its alerts: each has a row of its own, so that one more alert in a large incident
// costs one small row.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "alerting/incident/incident.h"
#include "core/result.h"

namespace vedette::alerting {

inline constexpr std::string_view kIncidentTable = "incidents";
inline constexpr std::string_view kIncidentAlertTable = "incident_alerts";

/// Keys sort by number.
std::string IncidentKey(std::uint64_t number);
std::string IncidentAlertKey(std::uint64_t number, std::uint64_t fingerprint);
/// The number at the start of either key. Errors: kCorruption.
Result<std::uint64_t> NumberOfKey(std::string_view key);

struct IncidentCodec {
  static std::string Encode(const Incident& incident);
  static Result<Incident> Decode(std::string_view bytes);
};

struct IncidentAlertCodec {
  static std::string Encode(const IncidentAlert& alert);
  static Result<IncidentAlert> Decode(std::string_view bytes);
};

}  // namespace vedette::alerting
