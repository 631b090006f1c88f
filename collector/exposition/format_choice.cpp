#include "collector/exposition/format_choice.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <vector>

#include <fmt/format.h>

#include "collector/media_type.h"
#include "core/labels.h"
#include "core/numbers.h"
#include "core/utf8.h"

namespace vedette::collector {
namespace {

struct AcceptEntry {
  std::string_view text;
  double weight = 1;
};

/// More are not looked at.
constexpr std::size_t kMaxEntries = 64;

/// The heaviest first, equals in their order.
std::vector<AcceptEntry> AcceptEntries(std::string_view accept) {
  std::vector<AcceptEntry> entries;
  while (!accept.empty() && entries.size() < kMaxEntries) {
    const auto end = std::min(accept.find(','), accept.size());
    AcceptEntry entry{accept.substr(0, end)};
    accept.remove_prefix(std::min(end + 1, accept.size()));
    const std::string weight = MediaParameter(entry.text, "q");
    // As Prometheus' negotiation: no number weighs nothing, 2 is more than 1. NaN, which has no place in an order,
    // is 1.
    if (!weight.empty()) entry.weight = ParseFloat(weight).value_or(0);
    if (std::isnan(entry.weight)) entry.weight = 1;
    entries.push_back(entry);
  }
  std::ranges::stable_sort(entries, std::ranges::greater{}, &AcceptEntry::weight);
  return entries;
}

bool IsDelimitedFamily(std::string_view entry) {
  return MediaType(entry) == "application/vnd.google.protobuf" &&
         MediaParameter(entry, "proto") == "io.prometheus.client.metricfamily" &&
         MediaParameter(entry, "encoding") == "delimited";
}

bool IsText(std::string_view entry) {
  const std::string version = MediaParameter(entry, "version");
  return MediaType(entry) == "text/plain" && (version.empty() || version == "0.0.4");
}

bool IsLegacyRune(std::uint32_t rune, bool first) {
  const bool letter = (rune >= 'a' && rune <= 'z') || (rune >= 'A' && rune <= 'Z') || rune == '_' || rune == ':';
  return letter || (!first && rune >= '0' && rune <= '9');
}

void AppendEscapedRune(std::string& out, std::uint32_t rune, bool first, NameEscaping escaping) {
  const bool legacy = IsLegacyRune(rune, first);
  if (escaping == NameEscaping::kUnderscores) return AppendUtf8(out, legacy ? rune : '_');
  if (rune == '_') {
    out += "__";
  } else if (escaping == NameEscaping::kDots && rune == '.') {
    out += "_dot_";
  } else if (legacy) {
    AppendUtf8(out, rune);
  } else if (escaping == NameEscaping::kDots) {
    out += "__";
  } else {
    fmt::format_to(std::back_inserter(out), "_{:x}_", rune);
  }
}

}  // namespace

FormatChoice ChooseFormat(std::string_view accept) {
  FormatChoice choice;
  for (const AcceptEntry& entry : AcceptEntries(accept)) {
    if (const auto escaping = ParseNameEscaping(MediaParameter(entry.text, "escaping"))) choice.escaping = *escaping;
    if (IsDelimitedFamily(entry.text)) {
      choice.format = PageFormat::kProtobuf;
      return choice;
    }
    if (IsText(entry.text)) return choice;
  }
  return choice;
}

std::string ContentTypeOf(const FormatChoice& choice) {
  const std::string_view type =
      choice.format == PageFormat::kProtobuf
          ? "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
          : "text/plain; version=0.0.4; charset=utf-8";
  return fmt::format("{}; escaping={}", type, NameEscapingText(choice.escaping));
}

std::string EscapeMetricName(std::string_view name, NameEscaping escaping) {
  if (escaping == NameEscaping::kAllowUtf8 || IsLegacyMetricName(name)) return std::string(name);
  std::string out = escaping == NameEscaping::kValues ? "U__" : "";
  bool first = true;
  while (!name.empty()) {
    const DecodedRune rune = DecodeUtf8(name);
    AppendEscapedRune(out, rune.rune, first, escaping);
    name.remove_prefix(rune.size);
    first = false;
  }
  return out;
}

}  // namespace vedette::collector
