// Readers of single values: durations, sizes, URLs, secrets, label sets.
#include <algorithm>
#include <array>

#include "alerting/route/matchers.h"
#include "config/config.h"
#include "config/fields.h"

namespace vedette::config {
namespace {

template <class T>
Status ReadAs(const YamlNode& node, T& out) {
  VEDETTE_TRY(out, node.As<T>());
  return Ok();
}

struct ByteUnit {
  std::string_view name;
  int shift;
};
constexpr auto kByteUnits = std::to_array<ByteUnit>({{"B", 0},
                                                     {"KB", 10},
                                                     {"KiB", 10},
                                                     {"MB", 20},
                                                     {"MiB", 20},
                                                     {"GB", 30},
                                                     {"GiB", 30},
                                                     {"TB", 40},
                                                     {"TiB", 40},
                                                     {"PB", 50},
                                                     {"PiB", 50},
                                                     {"EB", 60},
                                                     {"EiB", 60}});

}  // namespace

Status ReadValue(const YamlNode& node, std::string& out) { return ReadAs(node, out); }
Status ReadValue(const YamlNode& node, bool& out) { return ReadAs(node, out); }
Status ReadValue(const YamlNode& node, int& out) { return ReadAs(node, out); }
Status ReadValue(const YamlNode& node, double& out) { return ReadAs(node, out); }
Status ReadValue(const YamlNode& node, Millis& out) { return ReadAs(node, out); }
Status ReadValue(const YamlNode& node, std::vector<std::string>& out) { return ReadAs(node, out); }

Status ReadValue(const YamlNode& node, std::size_t& out) {
  VEDETTE_TRY(const std::uint64_t value, node.As<std::uint64_t>());
  out = value;
  return Ok();
}

Status ReadValue(const YamlNode& node, Secret& out) {
  VEDETTE_TRY(std::string text, node.As<std::string>());
  out = Secret(std::move(text));
  return Ok();
}

Status ReadValue(const YamlNode& node, std::vector<std::pair<std::string, std::string>>& out) {
  VEDETTE_TRY(const std::vector<YamlNode::Entry> entries, node.Map());
  for (const YamlNode::Entry& entry : entries) {
    VEDETTE_TRY(std::string value, entry.value.As<std::string>());
    out.emplace_back(entry.key, std::move(value));
  }
  return Ok();
}

Status ReadValue(const YamlNode& node, std::map<std::string, bool>& out) {
  VEDETTE_TRY(const std::vector<YamlNode::Entry> entries, node.Map());
  for (const YamlNode::Entry& entry : entries) {
    VEDETTE_TRY(out[entry.key], entry.value.As<bool>());
  }
  return Ok();
}

Status ReadValue(const YamlNode& node, Labels& out) {
  VEDETTE_TRY(const std::vector<YamlNode::Entry> entries, node.Map());
  LabelsBuilder builder;
  for (const YamlNode::Entry& entry : entries) {
    VEDETTE_TRY(const std::string value, entry.value.As<std::string>());
    if (entry.key.empty() || !IsValidUtf8(entry.key))
      return node.At(fmt::format("{} is not a valid label name", Quote(entry.key)));
    if (!IsValidUtf8(value)) return entry.value.At(fmt::format("{} is not a valid label value", Quote(value)));
    builder.Set(entry.key, value);
  }
  out = builder.Build();
  return Ok();
}

Result<std::size_t> ParseByteSize(const std::string& text) {
  if (text == "0") return std::size_t{0};
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const std::string_view unit = std::string_view(text).substr(digits);
  const auto row = std::ranges::find(kByteUnits, unit, &ByteUnit::name);
  if (digits == 0 || digits > 12 || row == kByteUnits.end()) {
    return Fail(Code::kBadData, "'{}' is not a size: a number and a unit such as 15MB", text);
  }
  const std::uint64_t number = std::stoull(text.substr(0, digits));
  if (row->shift > 0 && number >> (63 - row->shift) != 0) return Fail(Code::kBadData, "'{}' is too large", text);
  return static_cast<std::size_t>(number << row->shift);
}

Status ReadBytes(const YamlNode& node, std::size_t& out) {
  VEDETTE_TRY(const std::string text, node.As<std::string>());
  const auto size = ParseByteSize(text);
  if (!size) return node.At(size.error().message);
  out = *size;
  return Ok();
}

Status ReadHttpUrl(const YamlNode& node, std::string& out) {
  VEDETTE_TRY(out, node.As<std::string>());
  const std::string_view url(out);
  const std::size_t scheme_end = url.find("://");
  const std::string_view scheme = scheme_end == std::string_view::npos ? "" : url.substr(0, scheme_end);
  if (scheme != "http" && scheme != "https") return node.At("URL scheme must be 'http' or 'https'");
  const std::string_view rest = url.substr(scheme_end + 3);
  if (rest.empty() || rest.front() == '/' || rest.front() == ':') return node.At("host is missing in URL");
  return Ok();
}

Status ReadMatchers(const YamlNode& node, std::vector<Matcher>& out) {
  VEDETTE_TRY(const std::vector<YamlNode> items, node.Sequence());
  for (const YamlNode& item : items) {
    VEDETTE_TRY(const std::string text, item.As<std::string>());
    auto matchers = alerting::ParseMatchers(text);
    if (!matchers) return item.At(matchers.error().message);
    out.insert(out.end(), matchers->begin(), matchers->end());
  }
  return Ok();
}

}  // namespace vedette::config
