#include "alerting/template/value.h"

#include "alerting/template/go_format.h"

namespace vedette::alerting::tmpl {
namespace {

template <class... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};
template <class... Fs>
Overloaded(Fs...) -> Overloaded<Fs...>;

template <class T>
using Shared = std::shared_ptr<const T>;

}  // namespace

std::string_view Value::TypeName() const {
  return std::visit(Overloaded{
                        [](std::monostate) -> std::string_view { return "nil"; },
                        [](bool) -> std::string_view { return "bool"; },
                        [](std::int64_t) -> std::string_view { return "int"; },
                        [](double) -> std::string_view { return "float64"; },
                        [](const std::string&) -> std::string_view { return "string"; },
                        [](TimeMs) -> std::string_view { return "time.Time"; },
                        [](Nanos) -> std::string_view { return "time.Duration"; },
                        [](const Labels&) -> std::string_view { return "map[string]string"; },
                        [](const Shared<List>&) -> std::string_view { return "list"; },
                        [](const Shared<Map>&) -> std::string_view { return "map[string]interface {}"; },
                        [](const Shared<Object>& object) { return object->type; },
                    },
                    data_);
}

bool Value::Truth() const {
  return std::visit(Overloaded{
                        [](std::monostate) { return false; },
                        [](bool v) { return v; },
                        [](std::int64_t v) { return v != 0; },
                        [](double v) { return v != 0; },
                        [](const std::string& v) { return !v.empty(); },
                        [](TimeMs) { return true; },
                        [](Nanos v) { return v.count() != 0; },
                        [](const Labels& v) { return !v.empty(); },
                        [](const Shared<List>& v) { return !v->empty(); },
                        [](const Shared<Map>& v) { return !v->empty(); },
                        [](const Shared<Object>&) { return true; },
                    },
                    data_);
}

std::optional<std::size_t> Value::Length() const {
  if (const auto* text = IfText()) return text->size();
  if (const auto* labels = If<Labels>()) return labels->size();
  if (const auto* list = IfList()) return list->size();
  if (const auto* map = IfMap()) return map->size();
  return std::nullopt;
}

void AppendPrinted(std::string& out, const Value& value, std::size_t max_bytes) {
  if (out.size() >= max_bytes) return;
  if (value.IsNil()) {
    out += "<no value>";
  } else if (const auto* flag = value.If<bool>()) {
    out += *flag ? "true" : "false";
  } else if (const auto* whole = value.If<std::int64_t>()) {
    out += std::to_string(*whole);
  } else if (const auto* number = value.If<double>()) {
    out += GoGeneral(*number);
  } else if (const auto* text = value.IfText()) {
    out += *text;
  } else if (const auto* time = value.If<TimeMs>()) {
    out += GoTimeText(*time);
  } else if (const auto* span = value.If<Value::Nanos>()) {
    out += GoDurationText(*span);
  } else if (const auto* labels = value.If<Labels>()) {
    out += "map[";
    for (std::size_t i = 0; i < labels->size(); ++i) {
      if (i > 0) out += ' ';
      out.append((*labels)[i].name).append(":").append((*labels)[i].value);
    }
    out += ']';
  } else if (const auto* list = value.IfList()) {
    out += '[';
    for (std::size_t i = 0; i < list->size(); ++i) {
      if (i > 0) out += ' ';
      AppendPrinted(out, (*list)[i], max_bytes);
    }
    out += ']';
  } else if (const auto* map = value.IfMap()) {
    out += "map[";
    bool first = true;
    for (const auto& [key, item] : *map) {
      if (!first) out += ' ';
      first = false;
      out.append(key).append(":");
      AppendPrinted(out, item, max_bytes);
    }
    out += ']';
  } else if (const auto* object = value.IfObject()) {
    out += '{';
    for (std::size_t i = 0; i < object->fields.size(); ++i) {
      if (i > 0) out += ' ';
      AppendPrinted(out, object->fields[i].second, max_bytes);
    }
    out += '}';
  }
}

std::string Printed(const Value& value) {
  std::string out;
  AppendPrinted(out, value);
  return out;
}

}  // namespace vedette::alerting::tmpl
