#include "alerting/template/members.h"

#include "alerting/template/go_format.h"

namespace vedette::alerting::tmpl {
namespace {

using MemberArgs = std::span<const Value>;

struct TimeMethod {
  std::string_view name;
  std::size_t args;
  Value (*call)(TimeMs time, MemberArgs args);
};

std::int64_t FloorSeconds(TimeMs time) { return time.ms >= 0 ? time.ms / 1000 : -((-time.ms + 999) / 1000); }

constexpr TimeMethod kTimeMethods[] = {
    {"Day", 0, [](TimeMs t, MemberArgs) { return Value(ToCivil(t).day); }},
    {"Format", 1,
     [](TimeMs t, MemberArgs a) { return a[0].IfText() ? Value(GoTimeFormat(t, *a[0].IfText())) : Value(); }},
    {"Hour", 0, [](TimeMs t, MemberArgs) { return Value(ToCivil(t).hour); }},
    {"Minute", 0, [](TimeMs t, MemberArgs) { return Value(ToCivil(t).minute); }},
    {"Month", 0, [](TimeMs t, MemberArgs) { return Value(GoTimeFormat(t, "January")); }},
    {"Second", 0, [](TimeMs t, MemberArgs) { return Value(ToCivil(t).second); }},
    {"String", 0, [](TimeMs t, MemberArgs) { return Value(GoTimeText(t)); }},
    {"UTC", 0, [](TimeMs t, MemberArgs) { return Value(t); }},
    {"Unix", 0, [](TimeMs t, MemberArgs) { return Value(FloorSeconds(t)); }},
    {"UnixMilli", 0, [](TimeMs t, MemberArgs) { return Value(t.ms); }},
    {"Weekday", 0, [](TimeMs t, MemberArgs) { return Value(GoTimeFormat(t, "Monday")); }},
    {"Year", 0, [](TimeMs t, MemberArgs) { return Value(ToCivil(t).year); }},
    {"YearDay", 0, [](TimeMs t, MemberArgs) { return Value(ToCivil(t).year_day); }},
};

Result<Value> DurationMember(Value::Nanos span, std::string_view name) {
  const auto nanos = static_cast<double>(span.count());
  if (name == "Hours") return Value(nanos / 3.6e12);
  if (name == "Minutes") return Value(nanos / 6e10);
  if (name == "Seconds") return Value(nanos / 1e9);
  if (name == "Milliseconds") return Value(static_cast<std::int64_t>(span.count() / 1'000'000));
  if (name == "String") return Value(GoDurationText(span));
  return Fail(Code::kBadData, "can't evaluate field {} in type time.Duration", name);
}

/// Alertmanager's .Alerts.Firing and .Alerts.Resolved: the elements with that status.
Value WithStatus(const List& list, std::string_view status) {
  List out;
  for (const Value& element : list) {
    const Object* object = element.IfObject();
    if (object == nullptr) continue;
    for (const auto& [field, content] : object->fields) {
      if (field == "Status" && content.IfText() != nullptr && *content.IfText() == status) out.push_back(element);
    }
  }
  return Value(std::move(out));
}

/// Alertmanager's methods of label sets; a label of that name goes before.
std::optional<Value> LabelsMethod(const Labels& labels, std::string_view name) {
  if (labels.Has(name) || (name != "SortedPairs" && name != "Names" && name != "Values")) return std::nullopt;
  List out;
  for (const LabelView label : labels) {
    if (name == "Names") out.emplace_back(label.name);
    if (name == "Values") out.emplace_back(label.value);
    if (name == "SortedPairs") {
      out.emplace_back(Object{"template.Pair", {{"Name", Value(label.name)}, {"Value", Value(label.value)}}});
    }
  }
  return Value(std::move(out));
}

}  // namespace

Result<Value> Member(const Value& value, std::string_view name, MemberArgs args) {
  if (const auto* time = value.If<TimeMs>()) {
    for (const TimeMethod& method : kTimeMethods) {
      if (method.name != name) continue;
      if (method.args != args.size()) {
        return Fail(Code::kBadData, "wrong number of args for {}: want {} got {}", name, method.args, args.size());
      }
      return method.call(*time, args);
    }
  }
  if (!args.empty()) return Fail(Code::kBadData, "{} has arguments but cannot be invoked as function", name);
  if (const auto* labels = value.If<Labels>()) return LabelsMethod(*labels, name).value_or(Value(labels->Get(name)));
  if (const auto* list = value.IfList(); list != nullptr && (name == "Firing" || name == "Resolved")) {
    return WithStatus(*list, name == "Firing" ? "firing" : "resolved");
  }
  if (const auto* map = value.IfMap()) {
    const auto found = map->find(name);
    return found == map->end() ? Value(std::string()) : found->second;
  }
  if (const auto* object = value.IfObject()) {
    for (const auto& [field, content] : object->fields) {
      if (field == name) return content;
    }
  }
  if (const auto* span = value.If<Value::Nanos>()) return DurationMember(*span, name);
  if (value.IsNil()) return Fail(Code::kBadData, "nil data; no entry for key \"{}\"", name);
  return Fail(Code::kBadData, "can't evaluate field {} in type {}", name, value.TypeName());
}

}  // namespace vedette::alerting::tmpl
