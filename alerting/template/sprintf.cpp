// Go's Sprintf over template values.
#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include "alerting/template/go_format.h"
#include "core/labels.h"
#include "core/utf8.h"

namespace vedette::alerting::tmpl {
namespace {

constexpr int kMaxWidth = 1000;
constexpr std::size_t kMaxBytes = 1 << 20;  // nothing is added to a text that is longer

struct Spec {
  bool plus = false, minus = false, sharp = false, space = false, zero = false;
  std::optional<int> width, precision;
  char verb = 'v';
};

std::size_t Runes(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

/// The first `runes` characters of UTF-8 text.
std::string_view CutRunes(std::string_view text, std::size_t runes) {
  std::size_t i = 0;
  for (; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xc0) == 0x80) continue;
    if (runes-- == 0) break;
  }
  return text.substr(0, i);
}

/// Pads to the width. `sign_size`: where zeros go in; 0 pads are only for numbers.
void AppendPadded(std::string& out, const Spec& spec, std::string_view text, bool number, std::size_t sign_size = 0) {
  const std::size_t width = spec.width ? static_cast<std::size_t>(*spec.width) : 0;
  const std::size_t size = Runes(text);
  const std::size_t pad = width > size ? width - size : 0;
  if (spec.minus) {
    out.append(text).append(pad, ' ');
  } else if (spec.zero && number) {
    out.append(text.substr(0, sign_size)).append(pad, '0').append(text.substr(sign_size));
  } else {
    out.append(pad, ' ').append(text);
  }
}

std::string_view SignOf(const Spec& spec, bool negative) {
  if (negative) return "-";
  return spec.plus ? "+" : spec.space ? " " : "";
}

bool AppendWhole(std::string& out, const Spec& spec, std::int64_t value) {
  const std::uint64_t magnitude = value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
  std::string digits, prefix;
  switch (spec.verb) {
    case 'v':
    case 'd':
      digits = std::to_string(magnitude);
      break;
    case 'b':
      digits = fmt::format("{:b}", magnitude);
      prefix = spec.sharp ? "0b" : "";
      break;
    case 'o':
      digits = fmt::format("{:o}", magnitude);
      prefix = spec.sharp ? "0" : "";
      break;
    case 'x':
      digits = fmt::format("{:x}", magnitude);
      prefix = spec.sharp ? "0x" : "";
      break;
    case 'X':
      digits = fmt::format("{:X}", magnitude);
      prefix = spec.sharp ? "0X" : "";
      break;
    case 'c': {
      std::string rune;
      AppendUtf8(rune, value < 0 || value > 0x10ffff ? 0xfffd : static_cast<std::uint32_t>(value));
      AppendPadded(out, spec, rune, false);
      return true;
    }
    case 'q': {
      std::string rune;
      AppendUtf8(rune, value < 0 || value > 0x10ffff ? 0xfffd : static_cast<std::uint32_t>(value));
      AppendPadded(out, spec, "'" + rune + "'", false);
      return true;
    }
    case 'U':
      AppendPadded(out, spec, fmt::format("U+{:04X}", magnitude), false);
      return true;
    default:
      return false;
  }
  Spec padding = spec;
  if (spec.precision) {
    const auto least = static_cast<std::size_t>(*spec.precision);
    if (digits.size() < least) digits.insert(0, least - digits.size(), '0');
    padding.zero = false;
  }
  const std::string sign = std::string(SignOf(spec, value < 0)) + prefix;
  AppendPadded(out, padding, sign + digits, true, sign.size());
  return true;
}

bool AppendNumber(std::string& out, const Spec& spec, double value) {
  std::string text;
  const double magnitude = std::fabs(value);
  const bool finite = std::isfinite(value);
  if (!finite) {
    if (std::string_view("vgGeEfF").find(spec.verb) == std::string_view::npos) return false;
    text = std::isnan(value) ? "NaN" : "Inf";
  } else {
    switch (spec.verb) {
      case 'v':
      case 'g':
        text = spec.precision ? GoGeneral(magnitude, *spec.precision) : GoGeneral(magnitude);
        break;
      case 'G': {
        text = spec.precision ? GoGeneral(magnitude, *spec.precision) : GoGeneral(magnitude);
        std::replace(text.begin(), text.end(), 'e', 'E');
        break;
      }
      case 'e':
        text = fmt::format("{:.{}e}", magnitude, spec.precision.value_or(6));
        break;
      case 'E':
        text = fmt::format("{:.{}E}", magnitude, spec.precision.value_or(6));
        break;
      case 'f':
      case 'F':
        text = fmt::format("{:.{}f}", magnitude, spec.precision.value_or(6));
        break;
      default:
        return false;
    }
  }
  std::string sign(SignOf(spec, std::signbit(value) && !std::isnan(value)));
  if (std::isinf(value) && sign.empty()) sign = "+";  // Go writes +Inf without being asked
  Spec padding = spec;
  if (!finite) padding.zero = false;
  AppendPadded(out, padding, sign + text, true, sign.size());
  return true;
}

bool AppendText(std::string& out, const Spec& spec, std::string_view text) {
  if (spec.precision && spec.verb != 'x' && spec.verb != 'X') {
    text = CutRunes(text, static_cast<std::size_t>(*spec.precision));
  }
  switch (spec.verb) {
    case 'v':
    case 's':
      AppendPadded(out, spec, text, true);
      return true;
    case 'q':
      AppendPadded(out, spec, spec.sharp && text.find('`') == text.npos ? fmt::format("`{}`", text) : Quote(text),
                   false);
      return true;
    case 'x':
    case 'X': {
      std::string hex;
      for (const char c : text) {
        hex += spec.verb == 'x' ? fmt::format("{:02x}", static_cast<unsigned char>(c))
                                : fmt::format("{:02X}", static_cast<unsigned char>(c));
      }
      AppendPadded(out, spec, hex, false);
      return true;
    }
    default:
      return false;
  }
}

/// `%!d(string=hi)`
void AppendBadVerb(std::string& out, char verb, const Value& value) {
  if (value.IsNil()) {
    out.append("%!").append(1, verb).append("(<nil>)");
    return;
  }
  out.append("%!").append(1, verb).append("(").append(value.TypeName()).append("=");
  AppendPrinted(out, value);
  out += ')';
}

void AppendValue(std::string& out, const Spec& spec, const Value& value) {
  bool fits = false;
  if (spec.verb == 'T') {
    AppendPadded(out, spec, value.IsNil() ? "<nil>" : value.TypeName(), false);
    return;
  }
  if (value.IsNil()) {
    if (spec.verb == 'v') return AppendPadded(out, spec, "<nil>", false);
  } else if (const auto* whole = value.If<std::int64_t>()) {
    fits = AppendWhole(out, spec, *whole);
  } else if (const auto* number = value.If<double>()) {
    fits = AppendNumber(out, spec, *number);
  } else if (const auto* text = value.IfText()) {
    fits = AppendText(out, spec, *text);
  } else if (const auto* flag = value.If<bool>()) {
    fits = spec.verb == 't' || spec.verb == 'v';
    if (fits) AppendPadded(out, spec, *flag ? "true" : "false", false);
  } else if (const auto* span = value.If<Value::Nanos>(); span && spec.verb == 'd') {
    fits = AppendWhole(out, spec, span->count());
  } else if (const auto* list = value.IfList()) {
    out += '[';
    for (std::size_t i = 0; i < list->size(); ++i) {
      if (i > 0) out += ' ';
      AppendValue(out, spec, (*list)[i]);
    }
    out += ']';
    return;
  } else {
    fits = AppendText(out, spec, Printed(value));
  }
  if (!fits) AppendBadVerb(out, spec.verb, value);
}

/// Walks the format and its arguments.
class Printer {
 public:
  Printer(std::string_view format, std::span<const Value> args) : rest_(format), args_(args) {}

  std::string Run() {
    while (!rest_.empty() && out_.size() < kMaxBytes) {
      const std::size_t percent = rest_.find('%');
      out_.append(rest_.substr(0, percent));
      if (percent == std::string_view::npos) break;
      rest_.remove_prefix(percent + 1);
      Verb();
    }
    if (next_ < args_.size()) Extra();
    return std::move(out_);
  }

 private:
  void Verb() {
    Spec spec;
    for (; !rest_.empty(); rest_.remove_prefix(1)) {
      const char flag = rest_.front();
      if (flag == '+')
        spec.plus = true;
      else if (flag == '-')
        spec.minus = true;
      else if (flag == '#')
        spec.sharp = true;
      else if (flag == ' ')
        spec.space = true;
      else if (flag == '0')
        spec.zero = true;
      else
        break;
    }
    spec.width = Number("BADWIDTH");
    if (spec.width && *spec.width < 0) {
      spec.minus = true;
      spec.width = -*spec.width;
    }
    if (!rest_.empty() && rest_.front() == '.') {
      rest_.remove_prefix(1);
      spec.precision = Number("BADPREC").value_or(0);
      if (*spec.precision < 0) spec.precision.reset();
    }
    if (rest_.empty()) {
      out_ += "%!(NOVERB)";
      return;
    }
    spec.verb = rest_.front();
    rest_.remove_prefix(1);
    if (spec.verb == '%') {
      out_ += '%';
    } else if (next_ >= args_.size()) {
      out_.append("%!").append(1, spec.verb).append("(MISSING)");
    } else {
      AppendValue(out_, spec, args_[next_++]);
    }
  }

  std::optional<int> Number(std::string_view bad) {
    if (!rest_.empty() && rest_.front() == '*') {
      rest_.remove_prefix(1);
      const auto* whole = next_ < args_.size() ? args_[next_++].If<std::int64_t>() : nullptr;
      if (whole == nullptr) {
        out_.append("%!(").append(bad).append(")");
        return std::nullopt;
      }
      return static_cast<int>(std::clamp<std::int64_t>(*whole, -kMaxWidth, kMaxWidth));
    }
    std::optional<int> number;
    for (; !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9'; rest_.remove_prefix(1)) {
      number = std::min(kMaxWidth, number.value_or(0) * 10 + (rest_.front() - '0'));
    }
    return number;
  }

  void Extra() {
    out_ += "%!(EXTRA ";
    for (std::size_t i = next_; i < args_.size() && out_.size() < kMaxBytes; ++i) {
      if (i > next_) out_ += ", ";
      if (args_[i].IsNil()) {
        out_ += "<nil>";
        continue;
      }
      out_.append(args_[i].TypeName()).append("=");
      AppendPrinted(out_, args_[i]);
    }
    out_ += ')';
  }

  std::string_view rest_;
  std::span<const Value> args_;
  std::size_t next_ = 0;
  std::string out_;
};

}  // namespace

std::string Sprintf(std::string_view format, std::span<const Value> args) { return Printer(format, args).Run(); }

}  // namespace vedette::alerting::tmpl
