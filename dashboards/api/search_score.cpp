#include "dashboards/api/search_score.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace vedette::dashboards {
namespace {

/// Every place at which the term might begin is tried: the work grows with the square of the length.
constexpr std::size_t kMostCharacters = 1024;

std::string Folded(std::string_view text, bool case_sensitive) {
  std::string out(text);
  if (case_sensitive) return out;
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

/// The characters of valid UTF-8; of other texts something that is compared alike.
std::u32string Characters(std::string_view text) {
  std::u32string out;
  for (std::size_t i = 0; i < text.size() && out.size() < kMostCharacters;) {
    const auto lead = static_cast<unsigned char>(text[i++]);
    char32_t character = lead;
    if (lead >= 0xc0) {
      character = lead & (lead >= 0xf0 ? 0x07U : lead >= 0xe0 ? 0x0fU : 0x1fU);
      for (; i < text.size() && (static_cast<unsigned char>(text[i]) & 0xc0U) == 0x80; ++i) {
        character = character << 6U | (static_cast<unsigned char>(text[i]) & 0x3fU);
      }
    }
    out.push_back(character);
  }
  return out;
}

/// Every character of the term at its next place from `begin` on, where the first one is. Nothing: not all are there.
std::optional<double> ScoreFrom(std::u32string_view term, std::u32string_view name, std::size_t begin) {
  const double per_character = 1.0 / static_cast<double>(name.size());
  double score = 0;
  std::size_t matched = 0, behind = 0;  // of the term; the last run
  for (std::size_t at = begin; matched < term.size();) {
    const std::size_t first = name.find(term[matched], at);
    if (first == std::u32string_view::npos) return std::nullopt;
    for (at = first; at < name.size() && matched < term.size() && name[at] == term[matched]; ++at) ++matched;
    score -= static_cast<double>(first - behind) * per_character;
    score += static_cast<double>((at - first) * (at - first));
    behind = at;
  }
  return score - static_cast<double>(name.size() - behind) * per_character * 0.5;
}

}  // namespace

double SubsequenceScore(std::u32string_view term, std::u32string_view name) {
  if (term.empty() || term == name) return 1;
  double best = 0;
  for (std::size_t at = 0; at + term.size() <= name.size(); ++at) {
    at = name.find(term.front(), at);
    if (at == std::u32string_view::npos || at + term.size() > name.size()) break;
    const std::optional<double> score = ScoreFrom(term, name, at);
    if (!score) break;  // nor from a later one
    best = std::max(best, *score);
  }
  return best / static_cast<double>(term.size() * term.size());
}

double JaroWinklerScore(std::u32string_view a, std::u32string_view b) {
  if (a == b) return 1;
  if (a.size() > b.size()) std::swap(a, b);
  if (a.empty()) return 0;
  // Characters are common when they are not further apart than this.
  const std::size_t reach = b.size() / 2 > 0 ? b.size() / 2 - 1 : 0;
  std::vector<bool> taken(b.size());
  std::u32string common_a, common_b;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const std::size_t end = std::min(i + reach + 1, b.size());
    for (std::size_t j = i > reach ? i - reach : 0; j < end; ++j) {
      if (taken[j] || a[i] != b[j]) continue;
      taken[j] = true;
      common_a.push_back(a[i]);
      break;
    }
  }
  if (common_a.empty()) return 0;
  for (std::size_t j = 0; j < b.size(); ++j) {
    if (taken[j]) common_b.push_back(b[j]);
  }
  double misplaced = 0;
  for (std::size_t i = 0; i < common_a.size(); ++i) misplaced += common_a[i] != common_b[i] ? 1 : 0;
  const auto common = static_cast<double>(common_a.size());
  const double jaro = (common * (1.0 / static_cast<double>(a.size())) + common * (1.0 / static_cast<double>(b.size())) +
                       (common - misplaced * 0.5) / common) /
                      3.0;
  constexpr std::size_t kPrefix = 4;
  constexpr double kPerPrefix = 0.1;  // Winkler's
  std::size_t prefix = 0;
  while (prefix < std::min(kPrefix, a.size()) && a[prefix] == b[prefix]) ++prefix;
  return jaro + static_cast<double>(prefix) * kPerPrefix * (1.0 - jaro);
}

SearchTerm::SearchTerm(std::string_view term, FuzzyMatch match, double threshold, bool case_sensitive)
    : match_(match),
      threshold_(threshold),
      case_sensitive_(case_sensitive),
      text_(Folded(term, case_sensitive)),
      term_(Characters(text_)) {}

std::optional<double> SearchTerm::Score(std::string_view given) const {
  const std::string name = Folded(given, case_sensitive_);
  if (name.starts_with(text_)) return 1;
  constexpr double kWithin = 0.9;
  double score = 0;
  if (match_ == FuzzyMatch::kSubsequence) {
    if (text_.size() > name.size()) return std::nullopt;
    score = SubsequenceScore(term_, Characters(name));
  } else if (name.find(text_) != std::string::npos) {
    return kWithin;
  } else if (threshold_ > 0) {
    score = JaroWinklerScore(term_, Characters(name));
  }
  if (score <= 0 || score < threshold_) return std::nullopt;
  return score;
}

}  // namespace vedette::dashboards
