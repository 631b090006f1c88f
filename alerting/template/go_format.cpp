#include "alerting/template/go_format.h"

#include <array>
#include <cmath>

#include <fmt/format.h>

#include "core/numbers.h"

namespace vedette::alerting::tmpl {
namespace {

constexpr std::array<std::string_view, 12> kMonths = {"January",   "February", "March",    "April",
                                                      "May",       "June",     "July",     "August",
                                                      "September", "October",  "November", "December"};
constexpr std::array<std::string_view, 7> kDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                   "Thursday", "Friday", "Saturday"};

/// ".123" without zeros at the end; empty when there is no fraction.
std::string Fraction(int milliseconds) {
  if (milliseconds == 0) return {};
  std::string text = fmt::format(".{:03}", milliseconds);
  while (text.back() == '0') text.pop_back();
  return text;
}

/// One element of Go's reference time: its text, and how the time prints there.
struct LayoutPiece {
  std::string_view pattern;
  std::string (*print)(const CivilTime& t);
};

int Hour12(const CivilTime& t) { return t.hour % 12 == 0 ? 12 : t.hour % 12; }

// Longer patterns before their prefixes.
constexpr LayoutPiece kLayout[] = {
    {"January", [](const CivilTime& t) { return std::string(kMonths[static_cast<std::size_t>(t.month - 1)]); }},
    {"Jan",
     [](const CivilTime& t) { return std::string(kMonths[static_cast<std::size_t>(t.month - 1)].substr(0, 3)); }},
    {"Monday", [](const CivilTime& t) { return std::string(kDays[static_cast<std::size_t>(t.weekday)]); }},
    {"Mon", [](const CivilTime& t) { return std::string(kDays[static_cast<std::size_t>(t.weekday)].substr(0, 3)); }},
    {"MST", [](const CivilTime&) { return std::string("UTC"); }},
    {"2006", [](const CivilTime& t) { return fmt::format("{:04}", t.year); }},
    {"-07:00", [](const CivilTime&) { return std::string("+00:00"); }},
    {"-0700", [](const CivilTime&) { return std::string("+0000"); }},
    {"Z07:00", [](const CivilTime&) { return std::string("Z"); }},
    {"002", [](const CivilTime& t) { return fmt::format("{:03}", t.year_day); }},
    {"01", [](const CivilTime& t) { return fmt::format("{:02}", t.month); }},
    {"02", [](const CivilTime& t) { return fmt::format("{:02}", t.day); }},
    {"03", [](const CivilTime& t) { return fmt::format("{:02}", Hour12(t)); }},
    {"04", [](const CivilTime& t) { return fmt::format("{:02}", t.minute); }},
    {"05", [](const CivilTime& t) { return fmt::format("{:02}", t.second); }},
    {"06", [](const CivilTime& t) { return fmt::format("{:02}", t.year % 100); }},
    {"15", [](const CivilTime& t) { return fmt::format("{:02}", t.hour); }},
    {".000", [](const CivilTime& t) { return fmt::format(".{:03}", t.millisecond); }},
    {".999", [](const CivilTime& t) { return Fraction(t.millisecond); }},
    {"PM", [](const CivilTime& t) { return std::string(t.hour >= 12 ? "PM" : "AM"); }},
    {"pm", [](const CivilTime& t) { return std::string(t.hour >= 12 ? "pm" : "am"); }},
    {"_2", [](const CivilTime& t) { return fmt::format("{:2}", t.day); }},
    {"1", [](const CivilTime& t) { return std::to_string(t.month); }},
    {"2", [](const CivilTime& t) { return std::to_string(t.day); }},
    {"3", [](const CivilTime& t) { return std::to_string(Hour12(t)); }},
    {"4", [](const CivilTime& t) { return std::to_string(t.minute); }},
    {"5", [](const CivilTime& t) { return std::to_string(t.second); }},
};

}  // namespace

std::string GoGeneral(double value) {
  std::string out;
  AppendGeneral(out, value);
  return out;
}

std::string GoGeneral(double value, int digits) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return fmt::format("{:.{}g}", value, digits);
}

std::string GoTimeText(TimeMs time) {
  const CivilTime t = ToCivil(time);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}{} +0000 UTC", t.year, t.month, t.day, t.hour, t.minute,
                     t.second, Fraction(t.millisecond));
}

std::string GoTimeFormat(TimeMs time, std::string_view layout) {
  const CivilTime t = ToCivil(time);
  std::string out;
  while (!layout.empty()) {
    const LayoutPiece* found = nullptr;
    for (const LayoutPiece& piece : kLayout) {
      if (layout.substr(0, piece.pattern.size()) == piece.pattern) {
        found = &piece;
        break;
      }
    }
    if (found == nullptr) {
      out += layout.front();
      layout.remove_prefix(1);
      continue;
    }
    out += found->print(t);
    layout.remove_prefix(found->pattern.size());
    // .000000 and .999999999: more digits than a millisecond has.
    if (found->pattern[0] == '.') {
      const char digit = found->pattern[1];
      while (!layout.empty() && layout.front() == digit) {
        if (digit == '0') out += '0';
        layout.remove_prefix(1);
      }
    }
  }
  return out;
}

std::string GoDurationText(std::chrono::nanoseconds span) {
  if (span.count() == 0) return "0s";
  const bool negative = span.count() < 0;
  const std::uint64_t nanos =
      negative ? 0 - static_cast<std::uint64_t>(span.count()) : static_cast<std::uint64_t>(span.count());
  const auto scaled = [](std::uint64_t value, std::uint64_t unit, int digits) {
    std::string text = std::to_string(value / unit);
    if (value % unit == 0) return text;
    text += fmt::format(".{:0{}}", value % unit, digits);
    while (text.back() == '0') text.pop_back();
    return text;
  };
  std::string text = negative ? "-" : "";
  if (nanos < 1'000) return text + std::to_string(nanos) + "ns";
  if (nanos < 1'000'000) return text + scaled(nanos, 1'000, 3) + "µs";
  if (nanos < 1'000'000'000) return text + scaled(nanos, 1'000'000, 6) + "ms";
  const std::uint64_t minutes = nanos / 60'000'000'000;
  if (minutes >= 60) text += std::to_string(minutes / 60) + "h";
  if (minutes > 0) text += std::to_string(minutes % 60) + "m";
  return text + scaled(nanos % 60'000'000'000, 1'000'000'000, 9) + "s";
}

}  // namespace vedette::alerting::tmpl
