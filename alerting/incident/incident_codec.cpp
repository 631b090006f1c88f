#include "alerting/incident/incident_codec.h"

#include <charconv>

#include <nlohmann/json.hpp>

#include "alerting/incident/row_fields.h"

namespace vedette::alerting {

using nlohmann::json;

std::string IncidentKey(std::uint64_t number) { return fmt::format("{:016d}", number); }

std::string IncidentAlertKey(std::uint64_t number, std::uint64_t fingerprint) {
  return fmt::format("{:016d}/{:016x}", number, fingerprint);
}

Result<std::uint64_t> NumberOfKey(std::string_view key) {
  std::uint64_t number = 0;
  const std::string_view digits = key.substr(0, key.find('/'));
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size()) {
    return Fail(Code::kCorruption, "key {} does not start with an incident's number", Quote(key));
  }
  return number;
}

std::string IncidentCodec::Encode(const Incident& incident) {
  json row = {{"number", incident.number},
              {"id", incident.id},
              {"group_labels", LabelsToJson(incident.group_labels)},
              {"priority", static_cast<int>(incident.priority)},
              {"started_at", incident.started_at.ms},
              {"updated_at", incident.updated_at.ms},
              {"acknowledged_by", incident.acknowledged_by}};
  json& reasons = row["reasons"] = json::array();
  for (const Reason& r : incident.reasons)
    reasons.push_back({{"input", r.input}, {"text", r.text}, {"weight", r.weight}});
  if (incident.acknowledged_at) row["acknowledged_at"] = incident.acknowledged_at->ms;
  if (incident.resolved_at) row["resolved_at"] = incident.resolved_at->ms;
  if (incident.less_urgent_since) row["less_urgent_since"] = incident.less_urgent_since->ms;
  if (incident.settled) row["settled"] = true;
  return PrintRow(row);
}

Result<Incident> IncidentCodec::Decode(std::string_view bytes) {
  VEDETTE_TRY(const json row, ParseRow(bytes));
  RowFields fields(row);
  Incident out;
  out.number = fields.Number("number");
  out.id = fields.Text("id");
  out.group_labels = fields.LabelSet("group_labels");
  out.priority = static_cast<Priority>(fields.Int("priority", 0, 3));
  out.started_at = fields.Time("started_at");
  out.updated_at = fields.Time("updated_at");
  out.acknowledged_by = fields.Text("acknowledged_by");
  fields.Each("reasons", [&](RowFields& r) {
    out.reasons.push_back({r.Text("input"), r.Text("text"), static_cast<int>(r.Int("weight", -3, 3))});
  });
  out.acknowledged_at = fields.OptionalTime("acknowledged_at");
  out.resolved_at = fields.OptionalTime("resolved_at");
  out.less_urgent_since = fields.OptionalTime("less_urgent_since");
  out.settled = row.contains("settled");
  VEDETTE_CHECK(fields.status());
  return out;
}

std::string IncidentAlertCodec::Encode(const IncidentAlert& alert) {
  json row = {{"labels", LabelsToJson(alert.labels)},
              {"annotations", LabelsToJson(alert.annotations)},
              {"generator_url", alert.generator_url},
              {"value", alert.value},
              {"starts_at", alert.starts_at.ms},
              {"kind", static_cast<int>(alert.kind)},
              {"rule", {{"file", alert.rule.file}, {"group", alert.rule.group}, {"name", alert.rule.name}}}};
  json& evidence = row["evidence"] = json::array();
  for (const Evidence& e : alert.evidence) evidence.push_back({{"name", e.name}, {"value", e.value}});
  if (alert.ended_at) row["ended_at"] = alert.ended_at->ms;
  return PrintRow(row);
}

Result<IncidentAlert> IncidentAlertCodec::Decode(std::string_view bytes) {
  VEDETTE_TRY(const json row, ParseRow(bytes));
  RowFields fields(row);
  IncidentAlert out;
  out.labels = fields.LabelSet("labels");
  out.annotations = fields.LabelSet("annotations");
  out.generator_url = fields.Text("generator_url");
  out.value = fields.Real("value");
  out.starts_at = fields.Time("starts_at");
  out.kind = static_cast<AlertKind>(fields.Int("kind", 0, 2));
  if (const auto rule = row.find("rule"); rule != row.end()) {
    RowFields of_rule(*rule);
    out.rule = {of_rule.Text("file"), of_rule.Text("group"), of_rule.Text("name")};
    VEDETTE_CHECK(of_rule.status());
  }
  fields.Each("evidence", [&](RowFields& e) { out.evidence.push_back({e.Text("name"), e.Text("value")}); });
  out.ended_at = fields.OptionalTime("ended_at");
  VEDETTE_CHECK(fields.status());
  if (out.labels.empty()) return Fail(Code::kCorruption, "the alert has no labels");
  return out;
}

}  // namespace vedette::alerting
