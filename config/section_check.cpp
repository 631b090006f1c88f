#include "config/section_check.h"

#include <algorithm>

namespace vedette::config {

Status IsPort(const YamlNode& value) {
  VEDETTE_TRY(const int port, value.As<int>());
  return port >= 0 && port <= 65'535 ? Ok() : Status(value.At("a port is at most 65535"));
}

Status IsHttpUrl(const YamlNode& value) {
  std::string url;
  return ReadHttpUrl(value, url);
}

Status IsFilters(const YamlNode& value) {
  static constexpr KeyCheck kKeys[] = {{"name", Is<Text>}, {"values", Is<Texts>}};
  VEDETTE_TRY(const std::vector<YamlNode> filters, value.Sequence());
  for (const YamlNode& filter : filters) VEDETTE_CHECK(CheckKeys(filter, "filters", kKeys));
  return Ok();
}

Status IsAwsFilters(const YamlNode& value) {
  VEDETTE_CHECK(IsFilters(value));
  VEDETTE_TRY(const std::vector<YamlNode> filters, value.Sequence());
  for (const YamlNode& filter : filters) {
    if (!IsSet(filter, "values")) return filter.At("filter values cannot be empty");
  }
  return Ok();
}

Status CheckKeys(const YamlNode& section, std::string_view what, std::span<const KeyCheck> keys) {
  VEDETTE_TRY(const std::vector<YamlNode::Entry> entries, section.Map());
  for (const YamlNode::Entry& entry : entries) {
    const auto row = std::ranges::find(keys, entry.key, &KeyCheck::key);
    if (row == keys.end()) {
      return Fail(Code::kBadData, "{}:{}:{}: field {} not found in {}", section.file(), entry.line, entry.column,
                  entry.key, what);
    }
    if (!entry.value.IsNull()) VEDETTE_CHECK(row->check(entry.value));
  }
  return Ok();
}

Status CheckHttpSection(const YamlNode& section, std::string_view what, std::span<const KeyCheck> keys,
                        const SectionContext& context, HttpConfig& http, bool discovers) {
  VEDETTE_TRY(const std::vector<YamlNode::Entry> entries, section.Map());
  for (const YamlNode::Entry& entry : entries) {
    const auto row = std::ranges::find(keys, entry.key, &KeyCheck::key);
    if (row != keys.end()) {
      if (!entry.value.IsNull()) VEDETTE_CHECK(row->check(entry.value));
      continue;
    }
    VEDETTE_TRY(const bool taken, ReadHttpConfigKey(entry, http));
    if (taken) continue;
    if (discovers && entry.key.ends_with("_sd_configs")) {
      if (!entry.value.IsNull()) VEDETTE_CHECK(CheckDiscovery(section, entry, context));
    } else {
      return Fail(Code::kBadData, "{}:{}:{}: field {} not found in {}", section.file(), entry.line, entry.column,
                  entry.key, what);
    }
  }
  return CheckHttpConfig(section, context, http);
}

bool IsSet(const YamlNode& section, std::string_view key) {
  const auto value = section.Get(key);
  if (!value || value->IsNull()) return false;
  if (value->IsSequence()) return !value->Sequence()->empty();
  return !value->IsScalar() || !value->text().empty();
}

std::string TextOf(const YamlNode& section, std::string_view key) {
  const auto value = section.Get(key);
  return value && value->IsScalar() ? value->text() : std::string();
}

Status NeedTexts(const YamlNode& section, std::initializer_list<std::string_view> keys, std::string_view message) {
  for (const std::string_view key : keys) {
    if (TextOf(section, key).empty()) return section.At(fmt::format(fmt::runtime(message), key));
  }
  return Ok();
}

Status NeedOneOf(const YamlNode& section, std::string_view key, std::string_view fallback,
                 std::initializer_list<std::string_view> known) {
  const auto value = section.Get(key);
  const std::string text = IsSet(section, key) ? value->text() : std::string(fallback);
  if (std::ranges::find(known, text) != known.end()) return Ok();
  return (value ? *value : section)
      .At(fmt::format("unknown {} {}, supported: {}", key, Quote(text), fmt::join(known, ", ")));
}

}  // namespace vedette::config
