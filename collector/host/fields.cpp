#include "collector/host/fields.h"

#include <charconv>

namespace vedette::collector {
namespace {

constexpr std::string_view kBlanks = " \t";

}  // namespace

std::optional<std::string_view> NextLine(std::string_view& text) {
  if (text.empty()) return std::nullopt;
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

std::string_view NextField(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
  const std::size_t end = std::min(line.find_first_of(kBlanks), line.size());
  const std::string_view field = line.substr(0, end);
  line.remove_prefix(end);
  return field;
}

void SplitFields(std::string_view line, std::vector<std::string_view>& fields) {
  fields.clear();
  for (std::string_view field = NextField(line); !field.empty(); field = NextField(line)) fields.push_back(field);
}

std::optional<double> ParseCount(std::string_view text) {
  const char* end = text.data() + text.size();
  if (text.starts_with('-')) {
    std::int64_t value = 0;
    const auto [rest, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc() || rest != end) return std::nullopt;
    return static_cast<double>(value);
  }
  std::uint64_t value = 0;
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || rest != end) return std::nullopt;
  return static_cast<double>(value);
}

std::optional<std::uint64_t> ParseHex(std::string_view text) {
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value, 16);
  if (error != std::errc() || rest != end) return std::nullopt;
  return value;
}

std::optional<double> ParseNumber(std::string_view text) {
  if (!text.starts_with("0x")) return ParseCount(text);
  const auto value = ParseHex(text.substr(2));
  if (!value) return std::nullopt;
  return static_cast<double>(*value);
}

Result<double> NeedCount(std::string_view text, std::string_view file) {
  const std::optional<double> value = ParseCount(text);
  if (!value) return Fail(Code::kBadData, "'{}' in {} is not a number", text.substr(0, 64), file);
  return *value;
}

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t start = text.find_first_not_of(kSpace);
  if (start == std::string_view::npos) return {};
  return text.substr(start, text.find_last_not_of(kSpace) - start + 1);
}

Result<NameFilter> NameFilter::Compile(std::string_view pattern) {
  NameFilter filter;
  if (pattern.empty()) return filter;
  // Regex is anchored at both ends; Go's MatchString is not.
  VEDETTE_TRY(filter.regex_, Regex::Compile(fmt::format(".*(?:{}).*", pattern)));
  return filter;
}

bool NameFilter::Found(std::string_view name) {
  if (!regex_) return false;
  if (const auto known = known_.find(name); known != known_.end()) return known->second;
  constexpr std::size_t kMaxKnown = 10'000;  // mounts of containers come and go; forget them all once in a while
  if (known_.size() >= kMaxKnown) known_.clear();
  return known_.emplace(std::string(name), regex_->Matches(name)).first->second;
}

Result<DeviceFilter> DeviceFilter::Compile(std::string_view option, std::string_view exclude,
                                           std::string_view include) {
  if (!exclude.empty() && !include.empty()) {
    return Fail(Code::kBadData, "{}_exclude and {}_include are mutually exclusive", option, option);
  }
  DeviceFilter filter;
  auto excluded = NameFilter::Compile(exclude);
  if (!excluded) return Annotate(fmt::format("{}_exclude", option), excluded.error());
  filter.exclude_ = *std::move(excluded);
  if (!include.empty()) {
    auto included = NameFilter::Compile(include);
    if (!included) return Annotate(fmt::format("{}_include", option), included.error());
    filter.include_ = *std::move(included);
  }
  return filter;
}

bool DeviceFilter::Wanted(std::string_view name) { return include_ ? include_->Found(name) : !exclude_.Found(name); }

}  // namespace vedette::collector
