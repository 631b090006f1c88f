#include "collector/push/otlp/names.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "core/labels.h"
#include "core/numbers.h"
#include "core/utf8.h"

namespace vedette::collector::otlp {
namespace {

using Names = std::pair<std::string_view, std::string_view>;
constexpr Names kUnits[] = {
    {"d", "days"},          {"h", "hours"},        {"min", "minutes"},   {"s", "seconds"},      {"ms", "milliseconds"},
    {"us", "microseconds"}, {"ns", "nanoseconds"}, {"By", "bytes"},      {"KiBy", "kibibytes"}, {"MiBy", "mebibytes"},
    {"GiBy", "gibibytes"},  {"TiBy", "tibibytes"}, {"KBy", "kilobytes"}, {"MBy", "megabytes"},  {"GBy", "gigabytes"},
    {"TBy", "terabytes"},   {"m", "meters"},       {"V", "volts"},       {"A", "amperes"},      {"J", "joules"},
    {"W", "watts"},         {"g", "grams"},        {"Cel", "celsius"},   {"Hz", "hertz"},       {"1", ""},
    {"%", "percent"}};
constexpr Names kPerUnits[] = {{"s", "second"}, {"m", "minute"}, {"h", "hour"}, {"d", "day"},
                               {"w", "week"},   {"mo", "month"}, {"y", "year"}};

bool IsAlphanumeric(char c) { return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsNameChar(char c) { return IsAlphanumeric(c) || c == ':'; }

std::string_view Trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n\v\f");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n\v\f") + 1 - first);
}

std::string WordOf(std::string_view unit, std::span<const Names> words) {
  const auto found = std::ranges::find(words, unit, &Names::first);
  return std::string(found == words.end() ? unit : found->second);
}

/// The unit in words: "bytes" and "per_second" of "By/s". Remarks in braces are no unit.
std::pair<std::string, std::string> UnitWords(std::string_view unit) {
  std::pair<std::string, std::string> out;
  const std::size_t slash = unit.find('/');
  const auto is_unit = [](std::string_view text) {
    return !text.empty() && text.find_first_of("{}") == std::string_view::npos;
  };
  if (const auto main = Trimmed(unit.substr(0, slash)); is_unit(main)) out.first = WordOf(main, kUnits);
  if (slash == std::string_view::npos) return out;
  if (const auto per = Trimmed(unit.substr(slash + 1)); is_unit(per)) out.second = "per_" + WordOf(per, kPerUnits);
  return out;
}

/// Calls `take` with each code point's bytes; what is no UTF-8 goes byte by byte.
template <class Take>
void ForEachRune(std::string_view text, const Take& take) {
  while (!text.empty()) {
    const std::size_t size = DecodeUtf8(text).size;
    take(text.substr(0, size));
    text.remove_prefix(size);
  }
}

/// Every rune that no metric name has becomes an underscore, of which only one stands in a row and none in front.
std::string CleanUnit(std::string_view unit) {
  std::string out;
  ForEachRune(unit, [&](std::string_view rune) {
    const char c = rune.size() == 1 && IsNameChar(rune[0]) ? rune[0] : '_';
    if (c != '_' || !out.ends_with('_')) out += c;
  });
  return out.starts_with('_') ? out.substr(1) : out;
}

template <class Keep>
std::vector<std::string> Fields(std::string_view text, const Keep& keep) {
  std::vector<std::string> out;
  bool inside = false;
  for (const char c : text) {
    if (keep(c)) {
      if (!inside) out.emplace_back();
      out.back() += c;
    }
    inside = keep(c);
  }
  return out;
}

std::string Joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) {
    if (&word != words.data()) out += '_';
    out += word;
  }
  return out;
}

void MoveToEnd(std::vector<std::string>& words, std::string_view word) {
  std::erase(words, word);
  words.emplace_back(word);
}

bool IsCounter(const Metric& metric) { return metric.type == MetricType::kSum && metric.monotonic; }
bool IsRatio(const Metric& metric) { return metric.type == MetricType::kGauge && metric.unit == "1"; }

void AddUnit(std::string_view unit, std::vector<std::string>& words) {
  const auto [main_word, per_word] = UnitWords(unit);
  std::string main = CleanUnit(main_word), per = CleanUnit(per_word);
  const auto has = [&](const std::string& word) { return std::ranges::find(words, word) != words.end(); };
  if (has(main)) main.clear();
  if (per == "per_") {
    per.clear();
  } else {
    if (per.ends_with('_')) per.pop_back();
    if (has(per)) per.clear();
  }
  if (!per.empty() && main.ends_with('_')) main.pop_back();
  if (!main.empty()) words.push_back(std::move(main));
  if (!per.empty()) words.push_back(std::move(per));
}

std::string EscapedName(const Metric& metric, bool suffixes) {
  std::vector<std::string> words =
      Fields(metric.name, [&](char c) { return IsNameChar(c) || (!suffixes && c == '_'); });
  if (suffixes) {
    AddUnit(metric.unit, words);
    if (IsCounter(metric)) MoveToEnd(words, "total");
    if (IsRatio(metric)) MoveToEnd(words, "ratio");
  }
  std::string name = Joined(words);
  return !name.empty() && IsDigit(name[0]) ? "_" + name : name;
}

/// Cuts `suffix` and the character in front of it, when something is left.
void CutSuffix(std::string& name, std::string_view suffix) {
  if (name.ends_with(suffix) && name.size() > suffix.size() + 1) name.resize(name.size() - suffix.size() - 1);
}

std::string Utf8Name(const Metric& metric) {
  std::string name(metric.name);
  const auto [main, per] = UnitWords(metric.unit);
  if (IsRatio(metric)) CutSuffix(name, "ratio");
  if (IsCounter(metric)) CutSuffix(name, "total");
  if (!per.empty()) CutSuffix(name, per);
  if (!main.empty() && !name.ends_with(main)) name += "_" + main;
  if (!per.empty()) name += "_" + per;
  if (IsCounter(metric)) name += "_total";
  if (IsRatio(metric)) name += "_ratio";
  return name;
}

bool OnlyUnderscores(std::string_view text) { return text.find_first_not_of('_') == std::string_view::npos; }

std::string SanitizedLabel(std::string_view name, bool keep_underscores) {
  const bool reserved = !keep_underscores && name.size() >= 4 && name.starts_with("__") && name.ends_with("__");
  if (reserved) name = name.substr(2, name.size() - 4);
  std::string out = reserved ? "__" : "";
  const std::size_t front = out.size();
  ForEachRune(name, [&](std::string_view rune) {
    if (rune.size() == 1 && IsAlphanumeric(rune[0])) {
      out += rune;
    } else if (keep_underscores || out.size() == front || out.back() != '_') {
      out += '_';
    }
  });
  return reserved ? out + "__" : out;
}

}  // namespace

Result<std::string> MetricNameOf(const Metric& metric, OtlpTranslation strategy) {
  switch (strategy) {
    case OtlpTranslation::kNoTranslation:
      return std::string(metric.name);
    case OtlpTranslation::kUtf8WithSuffixes:
      return Utf8Name(metric);
    default:
      break;
  }
  std::string name = EscapedName(metric, strategy == OtlpTranslation::kEscapedWithSuffixes);
  const std::string shown = Quote(metric.name.substr(0, 200));
  if (name.empty()) return Fail(Code::kBadData, "normalization for metric {} resulted in empty name", shown);
  if (name != metric.name && OnlyUnderscores(name)) {
    return Fail(Code::kBadData, "normalization for metric {} resulted in invalid name {}", shown, Quote(name));
  }
  return name;
}

Result<std::string> LabelNameOf(std::string_view attribute, const OtlpOptions& options) {
  if (attribute.empty()) return Fail(Code::kBadData, "label name is empty");
  const std::string shown = Quote(attribute.substr(0, 200));
  if (!options.escapes()) {
    if (OnlyUnderscores(attribute)) return Fail(Code::kBadData, "label name {} contains only underscores", shown);
    return std::string(attribute);
  }
  std::string name = SanitizedLabel(attribute, options.label_name_preserve_multiple_underscores);
  if (IsDigit(name[0])) {
    name.insert(0, "key_");
  } else if (options.label_name_underscore_sanitization && name.starts_with("_") && !name.starts_with("__")) {
    name.insert(0, "key");
  }
  if (OnlyUnderscores(name)) {
    return Fail(Code::kBadData, "normalization for label name {} resulted in invalid name {}", shown, Quote(name));
  }
  return name;
}

std::string UnitNameOf(std::string_view unit) {
  const auto [main_word, per_word] = UnitWords(unit);
  const std::string main = CleanUnit(main_word), per = CleanUnit(per_word);
  std::string out = main.empty() || per.empty() ? main + per : main + "_" + per;
  if (out.starts_with('_')) out.erase(0, 1);
  if (out.ends_with('_')) out.pop_back();
  return out;
}

}  // namespace vedette::collector::otlp
