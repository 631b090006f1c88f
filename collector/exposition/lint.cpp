// What Prometheus' naming guide asks for, in the words of promtool: one row or function per rule.
#include <algorithm>
#include <array>
#include <cctype>
#include <set>

#include "collector/exposition/strict.h"
#include "core/labels.h"

namespace vedette::collector {
namespace {

struct Unit {
  std::string_view name, base;
};
constexpr Unit kUnits[] = {
    {"amperes", "amperes"}, {"bytes", "bytes"},     {"celsius", "celsius"}, {"grams", "grams"},
    {"joules", "joules"},   {"kelvin", "kelvin"},   {"meters", "meters"},   {"metres", "metres"},
    {"seconds", "seconds"}, {"volts", "volts"},     {"minutes", "seconds"}, {"hours", "seconds"},
    {"days", "seconds"},    {"weeks", "seconds"},   {"kelvins", "kelvin"},  {"fahrenheit", "celsius"},
    {"rankine", "celsius"}, {"inches", "meters"},   {"yards", "meters"},    {"miles", "meters"},
    {"bits", "bytes"},      {"calories", "joules"}, {"pounds", "grams"},    {"ounces", "grams"},
};
constexpr std::string_view kPrefixes[] = {"pico", "nano", "micro", "milli", "centi", "deci", "deca", "hecto", "kilo",
                                          "kibi", "mega", "mibi",  "giga",  "gibi",  "tera", "tebi", "peta",  "pebi"};
constexpr std::string_view kAbbreviations[] = {"s",  "ms", "us", "ns", "sec", "b", "kb",
                                               "mb", "gb", "tb", "pb", "m",   "h", "d"};

bool HasPart(std::string_view name, std::string_view part) {
  const std::string marked = "_" + std::string(part);
  return name.ends_with(marked) || name.find(marked + "_") != std::string_view::npos;
}

bool IsCamelCase(std::string_view name) {
  for (std::size_t i = 0; i + 1 < name.size(); ++i) {
    if (std::islower(static_cast<unsigned char>(name[i])) && std::isupper(static_cast<unsigned char>(name[i + 1])))
      return true;
  }
  return false;
}

/// The first unit that a part of the name is: itself and its base.
std::optional<std::pair<std::string_view, std::string_view>> UnitOf(std::string_view name) {
  while (!name.empty()) {
    const std::size_t end = std::min(name.find('_'), name.size());
    const std::string_view part = name.substr(0, end);
    name.remove_prefix(std::min(end + 1, name.size()));
    if (const auto* unit = std::ranges::find(kUnits, part, &Unit::name); unit != std::end(kUnits)) {
      return std::pair(part, unit->base);
    }
    for (const std::string_view prefix : kPrefixes) {
      if (!part.starts_with(prefix)) continue;
      const auto* unit = std::ranges::find(kUnits, part.substr(prefix.size()), &Unit::name);
      if (unit != std::end(kUnits)) return std::pair(part, unit->base);
    }
  }
  return std::nullopt;
}

void LintOne(const StrictFamily& family, std::set<std::string>& out) {
  const std::string& name = family.name;
  const auto remark = [&](std::string_view text) { out.insert(fmt::format("{} {}", name, text)); };
  const auto any_label = [&](const auto& is) {
    return std::ranges::any_of(family.samples, [&](const StrictSample& sample) {
      return std::ranges::any_of(sample.labels, [&](const auto& label) { return is(label.first); });
    });
  };
  if (!family.help || family.help->empty()) remark("no help text");
  if (const auto unit = UnitOf(name); unit && unit->first != unit->second) {
    remark(fmt::format("use base unit {} instead of {}", Quote(unit->second), Quote(unit->first)));
  }
  const bool untyped = family.type.empty() || family.type == "untyped" || family.type == "unknown";
  const bool histogram = family.type == "histogram" || family.type == "gaugehistogram";
  if (family.type == "counter") {
    if (!name.ends_with("_total")) remark("counter metrics should have \"_total\" suffix");
  } else if (!untyped && name.ends_with("_total")) {
    remark("non-counter metrics should not have \"_total\" suffix");
  }
  if (!untyped && !histogram) {
    if (name.ends_with("_bucket")) remark("non-histogram metrics should not have \"_bucket\" suffix");
    if (any_label([](std::string_view l) { return l == "le"; })) {
      remark("non-histogram metrics should not have \"le\" label");
    }
    if (family.type != "summary") {
      for (const std::string_view suffix : {"_count", "_sum"}) {
        if (name.ends_with(suffix)) {
          remark(fmt::format("non-histogram and non-summary metrics should not have {} suffix", Quote(suffix)));
        }
      }
    }
  }
  if (!untyped && family.type != "summary" && any_label([](std::string_view l) { return l == "quantile"; })) {
    remark("non-summary metrics should not have \"quantile\" label");
  }
  std::string lower(name);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const std::string_view type : {"counter", "gauge", "summary", "untyped", "histogram"}) {
    if (type != "untyped" && HasPart(lower, type))
      remark(fmt::format("metric name should not include type '{}'", type));
  }
  if (name.find(':') != std::string::npos) remark("metric names should not contain ':'");
  if (IsCamelCase(name)) remark("metric names should be written in 'snake_case' not 'camelCase'");
  if (any_label(IsCamelCase)) remark("label names should be written in 'snake_case' not 'camelCase'");
  for (const std::string_view unit : kAbbreviations) {
    if (HasPart(lower, unit)) remark("metric names should not contain abbreviated units");
  }
  std::set<std::pair<std::string, std::map<std::string, std::string>>> seen;
  for (const StrictSample& sample : family.samples) {
    if (!sample.time && !seen.emplace(sample.name, sample.labels).second) remark("metric not unique");
  }
}

}  // namespace

std::vector<std::string> LintFamilies(const std::vector<StrictFamily>& families) {
  std::set<std::string> remarks;
  for (const StrictFamily& family : families) LintOne(family, remarks);
  return {remarks.begin(), remarks.end()};
}

}  // namespace vedette::collector
