#include "collector/host/text_format.h"

#include <cmath>
#include <iterator>

#include <fmt/format.h>

#include "core/numbers.h"

namespace vedette::collector {
namespace {

std::string_view TypeName(MetricType type) {
  switch (type) {
    case MetricType::kCounter:
      return "counter";
    case MetricType::kGauge:
      return "gauge";
    case MetricType::kUntyped:
      break;
  }
  return "untyped";
}

/// Bytes of the valid UTF-8 sequence that `text` starts with; 0 when it starts with none.
std::size_t SequenceLength(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  return length <= text.size() && IsValidUtf8(text.substr(0, length)) ? length : 0;
}

void AppendEscaped(std::string& out, std::string_view value) {
  const bool valid = IsValidUtf8(value);
  while (!value.empty()) {
    const std::size_t length = valid ? 1 : SequenceLength(value);
    const std::string_view piece = value.substr(0, std::max<std::size_t>(length, 1));
    value.remove_prefix(piece.size());
    if (length == 0) {
      out += "\xef\xbf\xbd";
    } else if (piece == "\\") {
      out += "\\\\";
    } else if (piece == "\"") {
      out += "\\\"";
    } else if (piece == "\n") {
      out += "\\n";
    } else {
      out += piece;
    }
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

void TextFormat::Family(std::string_view name, std::string_view help, MetricType type) {
  name_ = name;
  help_ = help;
  type_ = type;
  header_due_ = true;
}

void TextFormat::Sample(std::span<const LabelView> labels, double value) {
  if (header_due_) {
    fmt::format_to(std::back_inserter(text_), "# HELP {0} {1}\n# TYPE {0} {2}\n", name_, help_, TypeName(type_));
    header_due_ = false;
  }
  text_ += name_;
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
