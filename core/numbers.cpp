#include "core/numbers.h"

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>

namespace vedette {
namespace {

constexpr std::uint64_t kStaleBits = 0x7ff0000000000002;
constexpr std::uint64_t kNormalNanBits = 0x7ff8000000000001;

/// Shortest decimal digits and exponent: value = 0.d1d2d3... * 10^point.
struct Digits {
  std::array<char, 24> digit{};
  int count = 0;
  int point = 0;
};

Digits ShortestDigits(double magnitude) {
  std::array<char, 40> text{};
  const auto done = std::to_chars(text.data(), text.data() + text.size(), magnitude, std::chars_format::scientific);
  Digits out;
  const char* p = text.data();
  for (; p != done.ptr && *p != 'e'; ++p) {
    if (*p != '.') out.digit[static_cast<std::size_t>(out.count++)] = *p;
  }
  int exponent = 0;
  const char* first = p + 1 + (p[1] == '+' ? 1 : 0);
  std::from_chars(first, done.ptr, exponent);
  out.point = exponent + 1;
  return out;
}

/// Handles NaN, infinities and the sign; true when `value` is written completely.
bool AppendSpecial(std::string& out, double value) {
  if (std::isnan(value)) return out += "NaN", true;
  if (std::isinf(value)) return out += value > 0 ? "+Inf" : "-Inf", true;
  if (std::signbit(value)) out.push_back('-');
  if (value == 0) return out.push_back('0'), true;
  return false;
}

void AppendFixedDigits(std::string& out, const Digits& d) {
  const auto count = static_cast<std::size_t>(d.count);
  if (d.point <= 0) {
    out += "0.";
    out.append(static_cast<std::size_t>(-d.point), '0');
    out.append(d.digit.data(), count);
  } else if (d.point >= d.count) {
    out.append(d.digit.data(), count);
    out.append(static_cast<std::size_t>(d.point - d.count), '0');
  } else {
    const auto whole = static_cast<std::size_t>(d.point);
    out.append(d.digit.data(), whole);
    out.push_back('.');
    out.append(d.digit.data() + whole, count - whole);
  }
}

void AppendExponentDigits(std::string& out, const Digits& d) {
  out.push_back(d.digit[0]);
  if (d.count > 1) {
    out.push_back('.');
    out.append(d.digit.data() + 1, static_cast<std::size_t>(d.count - 1));
  }
  int exponent = d.point - 1;
  out += exponent < 0 ? "e-" : "e+";
  exponent = std::abs(exponent);
  if (exponent < 10) out.push_back('0');
  std::array<char, 8> text{};
  const auto done = std::to_chars(text.data(), text.data() + text.size(), exponent);
  out.append(text.data(), done.ptr);
}

}  // namespace

double StaleNan() { return std::bit_cast<double>(kStaleBits); }
bool IsStaleNan(double value) { return std::bit_cast<std::uint64_t>(value) == kStaleBits; }
double NormalNan() { return std::bit_cast<double>(kNormalNanBits); }

std::optional<double> ParseFloat(std::string_view text) {
  bool negative = false;
  std::string_view body = text;
  if (!body.empty() && (body.front() == '+' || body.front() == '-')) {
    negative = body.front() == '-';
    body.remove_prefix(1);
  }
  if (body.empty() || body.front() == '+' || body.front() == '-') return std::nullopt;
  double value = 0;
  const auto [end, error] = std::from_chars(body.data(), body.data() + body.size(), value);
  if (end != body.data() + body.size()) return std::nullopt;
  if (error == std::errc::result_out_of_range) {
    // from_chars does not say which side was left; strtod does, and it is slow only for these few texts.
    value = std::strtod(std::string(body).c_str(), nullptr);
    if (std::isinf(value)) return std::nullopt;
  } else if (error != std::errc()) {
    return std::nullopt;
  }
  // As in Go a NaN has no sign, and no payload in parentheses.
  if (std::isnan(value)) return text.size() == 3 ? std::optional(NormalNan()) : std::nullopt;
  return negative ? -value : value;
}

void AppendSampleValue(std::string& out, double value) {
  if (AppendSpecial(out, value)) return;
  const double magnitude = std::fabs(value);
  const Digits digits = ShortestDigits(magnitude);
  if (magnitude < 1e-6 || magnitude >= 1e21) {
    AppendExponentDigits(out, digits);
  } else {
    AppendFixedDigits(out, digits);
  }
}

void AppendFixed(std::string& out, double value) {
  if (!AppendSpecial(out, value)) AppendFixedDigits(out, ShortestDigits(std::fabs(value)));
}

void AppendExponent(std::string& out, double value) {
  if (std::isfinite(value) && value == 0) {
    out += std::signbit(value) ? "-0e+00" : "0e+00";
  } else if (!AppendSpecial(out, value)) {
    AppendExponentDigits(out, ShortestDigits(std::fabs(value)));
  }
}

void AppendGeneral(std::string& out, double value) {
  if (AppendSpecial(out, value)) return;
  const Digits digits = ShortestDigits(std::fabs(value));
  const int exponent = digits.point - 1;
  if (exponent < -4 || exponent >= 6) {
    AppendExponentDigits(out, digits);
  } else {
    AppendFixedDigits(out, digits);
  }
}

std::string FormatSampleValue(double value) {
  std::string out;
  AppendSampleValue(out, value);
  return out;
}

std::string FormatFixed(double value) {
  std::string out;
  AppendFixed(out, value);
  return out;
}

}  // namespace vedette
