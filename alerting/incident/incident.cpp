#include "alerting/incident/incident.h"

namespace vedette::alerting {
namespace {

constexpr std::size_t kMaxIdName = 80;

bool IsIdChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
}

}  // namespace

std::string ReasonText(Priority priority, std::span<const Reason> reasons) {
  std::string out(PriorityName(priority));
  std::string_view glue = " because ";
  for (const Reason& reason : reasons) {
    out += glue;
    out += reason.text;
    if (reason.weight != 0) fmt::format_to(std::back_inserter(out), " ({:+d})", reason.weight);
    glue = ", ";
  }
  return out;
}

std::string IncidentId(const Labels& group_labels) {
  std::string id(group_labels.Get("alertname").substr(0, kMaxIdName));
  if (id.empty()) id = "group";
  for (char& c : id) {
    if (!IsIdChar(c)) c = '_';
  }
  fmt::format_to(std::back_inserter(id), "-{:016x}", group_labels.Hash());
  return id;
}

}  // namespace vedette::alerting
