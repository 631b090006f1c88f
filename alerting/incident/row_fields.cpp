#include "alerting/incident/row_fields.h"

#include <cmath>
#include <limits>

#include <nlohmann/json.hpp>

namespace vedette::alerting {

using nlohmann::json;

namespace {

/// Rows nest three levels at most; what is deeper was not written by us.
constexpr int kMaxRowDepth = 16;

}  // namespace

Result<json> ParseRow(std::string_view bytes) {
  bool too_deep = false;
  const auto guard = [&](int depth, json::parse_event_t, json&) {
    if (depth > kMaxRowDepth) too_deep = true;
    return !too_deep;
  };
  json row = json::parse(bytes.begin(), bytes.end(), guard, false);
  if (too_deep || !row.is_object()) return Fail(Code::kCorruption, "the row is not a JSON object");
  return Result<json>(boost::system::in_place_value, std::move(row));
}

std::string PrintRow(const json& row) { return row.dump(-1, ' ', false, json::error_handler_t::replace); }

json LabelsToJson(const Labels& labels) {
  json out = json::object();
  for (const LabelView label : labels) out[std::string(label.name)] = label.value;
  return out;
}

RowFields::RowFields(const json& object) : object_(&object) {
  if (!object.is_object()) Fault("an element is not an object");
}

Status RowFields::status() const {
  if (problem_) return *problem_;
  return Ok();
}

void RowFields::Fault(std::string what) {
  if (!problem_) problem_ = Error{Code::kCorruption, std::move(what)};
}

const json* RowFields::Find(const char* name, bool required) {
  if (problem_) return nullptr;
  const auto found = object_->find(name);
  if (found != object_->end()) return &*found;
  if (required) Fault(fmt::format("field {} is missing", name));
  return nullptr;
}

std::string RowFields::Text(const char* name) {
  const json* value = Find(name);
  if (value == nullptr) return {};
  if (value->is_string()) return value->get<std::string>();
  Fault(fmt::format("field {} is not a string", name));
  return {};
}

std::int64_t RowFields::Int(const char* name, std::int64_t min, std::int64_t max) {
  const json* value = Find(name);
  if (value == nullptr) return min;
  const bool fits = value->is_number_integer() &&
                    (!value->is_number_unsigned() || value->get<std::uint64_t>() <= std::uint64_t(INT64_MAX));
  const std::int64_t number = fits ? value->get<std::int64_t>() : 0;
  if (fits && number >= min && number <= max) return number;
  Fault(fmt::format("field {} is not an integer from {} to {}", name, min, max));
  return min;
}

std::uint64_t RowFields::Number(const char* name) {
  const json* value = Find(name);
  if (value == nullptr) return 0;
  if (value->is_number_unsigned()) return value->get<std::uint64_t>();
  Fault(fmt::format("field {} is not a whole number", name));
  return 0;
}

double RowFields::Real(const char* name) {
  const json* value = Find(name);
  if (value == nullptr || value->is_null()) return std::numeric_limits<double>::quiet_NaN();  // JSON has no NaN
  if (value->is_number()) return value->get<double>();
  Fault(fmt::format("field {} is not a number", name));
  return 0;
}

bool RowFields::Flag(const char* name) {
  const json* value = Find(name);
  if (value == nullptr) return false;
  if (value->is_boolean()) return value->get<bool>();
  Fault(fmt::format("field {} is not a truth value", name));
  return false;
}

TimeMs RowFields::Time(const char* name) {
  // The years 0 to 9999: sums of a time and a span then never overflow.
  return TimeMs(Int(name, -62'167'219'200'000, 253'402'300'799'999));
}

std::optional<TimeMs> RowFields::OptionalTime(const char* name) {
  if (Find(name, false) == nullptr) return std::nullopt;
  return Time(name);
}

Millis RowFields::Span(const char* name) { return Millis(Int(name, 0, 315'360'000'000'000)); }

Labels RowFields::LabelSet(const char* name) {
  const json* value = Find(name);
  if (value == nullptr) return {};
  LabelsBuilder out;
  if (!value->is_object()) Fault(fmt::format("field {} is not a label set", name));
  for (const auto& [label, text] : value->items()) {
    if (!text.is_string()) {
      Fault(fmt::format("label {} of field {} is not a string", label, name));
      return {};
    }
    out.Set(label, text.get_ref<const std::string&>());
  }
  return out.Build();
}

std::vector<std::uint64_t> RowFields::Numbers(const char* name) {
  const json* value = Find(name);
  std::vector<std::uint64_t> out;
  if (value == nullptr) return out;
  if (!value->is_array()) Fault(fmt::format("field {} is not a list", name));
  for (const json& item : *value) {
    if (!item.is_number_unsigned()) {
      Fault(fmt::format("field {} holds something other than whole numbers", name));
      return {};
    }
    out.push_back(item.get<std::uint64_t>());
  }
  return out;
}

std::size_t RowFields::ArraySize(const char* name) {
  const json* value = Find(name);
  if (value == nullptr) return 0;
  if (value->is_array()) return value->size();
  Fault(fmt::format("field {} is not a list", name));
  return 0;
}

RowFields RowFields::Element(const char* name, std::size_t i) { return RowFields((*object_)[name][i]); }

}  // namespace vedette::alerting
