#include "core/retry_after.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>

#include "core/numbers.h"

namespace vedette {
namespace {

/// Beyond this a Retry-After is nonsense.
constexpr double kMaxRetrySeconds = 7 * 24 * 3600;

int MonthOf(std::string_view name) {
  constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto found = std::find(kMonths.begin(), kMonths.end(), name.substr(0, 3));
  return found == kMonths.end() ? 0 : static_cast<int>(found - kMonths.begin()) + 1;
}

/// Reads the words of an HTTP date: day, month, year and time, wherever they stand.
std::optional<TimeMs> ParseHttpDate(std::string_view text) {
  CivilTime civil;
  bool has_day = false, has_month = false, has_year = false, has_time = false;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find_first_of(" ,-", at), text.size());
    const std::string_view word = text.substr(at, end - at);
    at = end + 1;
    if (word.empty()) continue;
    const bool digits = std::all_of(word.begin(), word.end(), [](unsigned char c) { return std::isdigit(c); });
    const auto number = [](std::string_view part) {
      int n = 0;
      for (const char c : part) n = n * 10 + (c - '0');
      return n;
    };
    if (digits && word.size() <= 2 && !has_day) {
      civil.day = number(word);
      has_day = true;
    } else if (digits && (word.size() == 4 || word.size() == 2) && !has_year) {
      civil.year = number(word);
      if (word.size() == 2) civil.year += civil.year < 70 ? 2000 : 1900;
      has_year = true;
    } else if (word.size() == 8 && word[2] == ':' && word[5] == ':') {
      for (const std::size_t i : {0, 1, 3, 4, 6, 7}) {
        if (!std::isdigit(static_cast<unsigned char>(word[i]))) return std::nullopt;
      }
      civil.hour = number(word.substr(0, 2));
      civil.minute = number(word.substr(3, 2));
      civil.second = number(word.substr(6, 2));
      has_time = true;
    } else if (const int month = MonthOf(word); month != 0 && !has_month) {
      civil.month = month;
      has_month = true;
    }
  }
  if (!has_day || !has_month || !has_year || !has_time) return std::nullopt;
  if (civil.day < 1 || civil.day > DaysInMonth(civil.year, civil.month) || civil.hour > 23 || civil.minute > 59 ||
      civil.second > 60) {
    return std::nullopt;
  }
  return FromCivil(civil);
}

}  // namespace

std::optional<Millis> ParseRetryAfter(std::string_view text, TimeMs now) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front()))) text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.remove_suffix(1);
  if (text.empty()) return std::nullopt;
  if (const auto seconds = ParseFloat(text)) {
    if (std::isnan(*seconds) || *seconds < 0) return std::nullopt;
    return Millis(static_cast<std::int64_t>(std::ceil(std::min(*seconds, kMaxRetrySeconds) * 1000)));
  }
  const auto date = ParseHttpDate(text);
  if (!date) return std::nullopt;
  const Millis limit(static_cast<std::int64_t>(kMaxRetrySeconds * 1000));
  return std::clamp(*date - now, Millis(0), limit);
}

}  // namespace vedette
