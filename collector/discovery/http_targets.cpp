#include "collector/discovery/http_targets.h"

#include <nlohmann/json.hpp>

#include "collector/discovery/json_reader.h"
#include "collector/relabel/relabel.h"

namespace vedette::collector {
namespace {

using Json = nlohmann::json;

Error At(std::size_t group, std::string_view what) { return Fail(Code::kBadData, "group {}: {}", group, what); }

Result<TargetGroup> ParseGroup(const Json& json, std::string_view url, std::size_t index) {
  if (!json.is_object()) return At(index, "not an object");
  TargetGroup group{fmt::format("{}:{}", url, index), {}, {}};
  LabelsBuilder labels;
  for (const auto& [key, value] : json.items()) {
    if (key == "targets") {
      if (!value.is_array()) return At(index, "targets is not a list");
      for (const Json& target : value) {
        if (!target.is_string()) return At(index, "a target is not a string");
        group.targets.push_back({{"__address__", target.get_ref<const std::string&>()}});
      }
    } else if (key == "labels") {
      if (!value.is_object() && !value.is_null()) return At(index, "labels is not an object");
      for (const auto& [name, text] : value.items()) {
        if (!text.is_string()) return At(index, fmt::format("label {} is not a string", Quote(name)));
        if (!IsValidLabelName(name, NameValidation::kUtf8)) {
          return At(index, fmt::format("{} is not a valid label name", Quote(name)));
        }
        labels.Set(name, text.get_ref<const std::string&>());
      }
    }
  }
  labels.Set("__meta_url", url);
  group.labels = labels.Build();
  return group;
}

}  // namespace

Result<std::vector<TargetGroup>> ParseHttpTargets(std::string_view body, std::string_view url) {
  VEDETTE_CHECK(CheckJsonSize(body));
  Json json;
  try {
    json = Json::parse(body);
  } catch (const Json::parse_error& error) {
    return Fail(Code::kBadData, "not JSON, at byte {}", error.byte);
  } catch (const Json::exception&) {
    return Fail(Code::kBadData, "not JSON: a number is out of range");
  }
  if (!json.is_array()) return Fail(Code::kBadData, "not a list of target groups");
  std::vector<TargetGroup> groups;
  for (const Json& item : json) {
    VEDETTE_TRY(TargetGroup group, ParseGroup(item, url, groups.size()));
    groups.push_back(std::move(group));
  }
  return groups;
}

}  // namespace vedette::collector
