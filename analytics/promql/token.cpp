#include "analytics/promql/token.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "core/labels.h"
#include "core/utf8.h"

namespace vedette::promql {

namespace {

struct Keyword {
  std::string_view word;
  TokenKind kind;
};

constexpr Keyword kKeywords[] = {
    {"anchored", TokenKind::kAnchored},
    {"and", TokenKind::kAnd},
    {"atan2", TokenKind::kAtan2},
    {"avg", TokenKind::kAvg},
    {"bool", TokenKind::kBool},
    {"bottomk", TokenKind::kBottomk},
    {"by", TokenKind::kBy},
    {"count", TokenKind::kCount},
    {"count_values", TokenKind::kCountValues},
    {"end", TokenKind::kEndFunction},
    {"fill", TokenKind::kFill},
    {"fill_left", TokenKind::kFillLeft},
    {"fill_right", TokenKind::kFillRight},
    {"group", TokenKind::kGroup},
    {"group_left", TokenKind::kGroupLeft},
    {"group_right", TokenKind::kGroupRight},
    {"ignoring", TokenKind::kIgnoring},
    {"inf", TokenKind::kNumber},
    {"limit_ratio", TokenKind::kLimitRatio},
    {"limitk", TokenKind::kLimitk},
    {"max", TokenKind::kMax},
    {"max_of", TokenKind::kMaxOf},
    {"min", TokenKind::kMin},
    {"min_of", TokenKind::kMinOf},
    {"nan", TokenKind::kNumber},
    {"offset", TokenKind::kOffset},
    {"on", TokenKind::kOn},
    {"or", TokenKind::kOr},
    {"quantile", TokenKind::kQuantile},
    {"range", TokenKind::kRange},
    {"smoothed", TokenKind::kSmoothed},
    {"start", TokenKind::kStart},
    {"stddev", TokenKind::kStddev},
    {"stdvar", TokenKind::kStdvar},
    {"step", TokenKind::kStep},
    {"sum", TokenKind::kSum},
    {"topk", TokenKind::kTopk},
    {"unless", TokenKind::kUnless},
    {"without", TokenKind::kWithout},
};

constexpr bool KeywordsAreSorted() {
  for (std::size_t i = 1; i < std::size(kKeywords); ++i) {
    if (kKeywords[i - 1].word >= kKeywords[i].word) return false;
  }
  return true;
}
static_assert(KeywordsAreSorted());

std::string ToLower(std::string_view word) {
  std::string lower(word);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

/// Quoted and cut after ten characters.
std::string Shortened(std::string_view text) {
  constexpr std::size_t kShown = 10;
  if (text.size() <= kShown) return Quote(text);
  std::size_t end = 0;
  for (std::size_t i = 0; i < kShown && end < text.size(); ++i) end += DecodeUtf8(text.substr(end)).size;
  return Quote(text.substr(0, end)) + "...";
}

}  // namespace

std::optional<TokenKind> FindKeyword(std::string_view word) {
  const std::string lower = ToLower(word);
  const auto* row = std::lower_bound(std::begin(kKeywords), std::end(kKeywords), lower,
                                     [](const Keyword& keyword, std::string_view text) { return keyword.word < text; });
  if (row == std::end(kKeywords) || row->word != lower) return std::nullopt;
  return row->kind;
}

std::string Token::Describe() const {
  switch (kind) {
    case TokenKind::kEnd:
      return "end of input";
    case TokenKind::kIdentifier:
      return "identifier " + Quote(text);
    case TokenKind::kMetricIdentifier:
      return "metric identifier " + Quote(text);
    case TokenKind::kString:
      return "string " + Shortened(text);
    case TokenKind::kNumber:
      return "number " + Shortened(text);
    case TokenKind::kDuration:
      return "duration " + Shortened(text);
    default:
      break;
  }
  if (IsKeyword()) return fmt::format("<{}>", text);
  if (IsOperator()) return fmt::format("<op:{}>", text);
  if (IsAggregator()) return fmt::format("<aggr:{}>", text);
  return Shortened(text);
}

bool Token::IsMetricWord() const {
  switch (kind) {
    case TokenKind::kIdentifier:
    case TokenKind::kMetricIdentifier:
    case TokenKind::kBy:
    case TokenKind::kWithout:
    case TokenKind::kFill:
    case TokenKind::kFillLeft:
    case TokenKind::kFillRight:
    case TokenKind::kAnd:
    case TokenKind::kOr:
    case TokenKind::kUnless:
    case TokenKind::kOffset:
    case TokenKind::kAnchored:
    case TokenKind::kSmoothed:
      return true;
    default:
      return IsAggregator() || IsFunctionWord();
  }
}

}  // namespace vedette::promql
