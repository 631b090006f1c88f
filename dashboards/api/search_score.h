// How well a name fits what somebody types: the scores of Prometheus' search API.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vedette::dashboards {

enum class FuzzyMatch : std::uint8_t { kSubsequence, kJaroWinkler };

/// The term's characters in their order with anything between: 1 for the name itself; long runs count most, what lies
/// between, before and (half) behind them counts against it. 0: they are not there. Of names beyond 1,024 characters
/// the beginning is looked at.
double SubsequenceScore(std::u32string_view term, std::u32string_view name);
/// Jaro-Winkler similarity, 0 to 1.
double JaroWinklerScore(std::u32string_view a, std::u32string_view b);

/// Something to look for.
class SearchTerm {
 public:
  /// `threshold`: scores below it are no match. 0 for kJaroWinkler: only what contains the term.
  SearchTerm(std::string_view term, FuzzyMatch match, double threshold, bool case_sensitive);

  /// Nothing: the name does not match. A name that begins with the term has 1.
  std::optional<double> Score(std::string_view name) const;

 private:
  const FuzzyMatch match_;
  const double threshold_;
  const bool case_sensitive_;
  const std::string text_;
  const std::u32string term_;
};

}  // namespace vedette::dashboards
