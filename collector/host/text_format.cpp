#include "collector/host/text_format.h"

#include <cmath>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "core/numbers.h"
#include "core/utf8.h"

namespace vedette::collector {
namespace {

std::string_view TypeName(FamilyType type) {
  switch (type) {
    case FamilyType::kCounter:
      return "counter";
    case FamilyType::kGauge:
      return "gauge";
    case FamilyType::kHistogram:
      return "histogram";
    case FamilyType::kSummary:
      return "summary";
    case FamilyType::kUntyped:
      break;
  }
  return "untyped";
}

/// A run of bytes that are no UTF-8 becomes one U+FFFD, as Go's ToValidUTF8 has it.
void AppendEscaped(std::string& out, std::string_view value) {
  bool invalid = false;  // the bytes before were
  while (!value.empty()) {
    const DecodedRune decoded = DecodeUtf8(value);
    const std::string_view piece = value.substr(0, decoded.size);
    value.remove_prefix(decoded.size);
    if (decoded.rune == kReplacementRune && decoded.size == 1) {
      if (!std::exchange(invalid, true)) out += "\xef\xbf\xbd";
      continue;
    }
    invalid = false;
    if (piece == "\n") {
      out += "\\n";
      continue;
    }
    if (piece == "\\" || piece == "\"") out += '\\';
    out += piece;
  }
}

void AppendValue(std::string& out, double value) {
  constexpr double kExactIntegers = 9007199254740992.0;  // 2^53: whole doubles below it print without a fraction
  if (std::abs(value) < kExactIntegers && value == std::trunc(value)) {
    fmt::format_to(std::back_inserter(out), "{}", static_cast<std::int64_t>(value));
  } else {
    AppendSampleValue(out, value);
  }
}

}  // namespace

void TextFormat::Family(std::string_view name, std::string_view help, FamilyType type) {
  name_ = name;
  help_ = help;
  type_ = type;
  header_due_ = true;
}

void TextFormat::SampleOf(std::string_view name, std::span<const LabelView> labels, double value) {
  if (header_due_) {
    fmt::format_to(std::back_inserter(text_), "# HELP {0} {1}\n# TYPE {0} {2}\n", name_, help_, TypeName(type_));
    header_due_ = false;
  }
  text_ += name;
  char separator = '{';
  for (const LabelView label : labels) {
    text_ += separator;
    text_ += label.name;
    text_ += "=\"";
    AppendEscaped(text_, label.value);
    text_ += '"';
    separator = ',';
  }
  if (!labels.empty()) text_ += '}';
  text_ += ' ';
  AppendValue(text_, value);
  text_ += '\n';
}

void TextFormat::RollBack(std::size_t size) {
  text_.resize(size);
  header_due_ = false;
}

}  // namespace vedette::collector
