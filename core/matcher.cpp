#include "core/matcher.h"

#include <algorithm>
#include <functional>
#include <iterator>

#include <re2/re2.h>

#include "core/search_regex.h"

namespace vedette {
namespace {

constexpr std::int64_t kMaxAutomatonBytes = 8 << 20;

re2::RE2::Options RegexOptions() {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_dot_nl(true);
  options.set_max_mem(kMaxAutomatonBytes);
  return options;
}

/// What all of the sorted texts start with.
std::string CommonPrefix(std::span<const std::string> sorted) {
  if (sorted.empty()) return {};
  const std::string &first = sorted.front(), &last = sorted.back();
  const auto differ = std::ranges::mismatch(first, last);
  return std::string(first.begin(), differ.in1);
}

/// `text` in lower case; nothing when it is not ASCII, where more folds than letters.
std::optional<std::string> FoldAscii(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if ((static_cast<unsigned char>(c) & 0x80) != 0) return std::nullopt;
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

/// One reference of a Go replacement template: "$1", "${name}" or "$$"; advances `i` past it.
void AppendReference(std::string_view replacement, std::size_t& i, const re2::RE2& regex,
                     std::span<const re2::StringPiece> groups, std::string& out) {
  ++i;  // the dollar
  if (i < replacement.size() && replacement[i] == '$') {
    out.push_back('$');
    ++i;
    return;
  }
  const bool braced = i < replacement.size() && replacement[i] == '{';
  std::size_t start = i + (braced ? 1 : 0), end = start;
  const auto is_word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; };
  while (end < replacement.size() && is_word(replacement[end])) ++end;
  if (end == start || (braced && (end == replacement.size() || replacement[end] != '}'))) {
    out.push_back('$');  // not a reference: Go keeps the dollar
    return;
  }
  const std::string name(replacement.substr(start, end - start));
  i = end + (braced ? 1 : 0);
  std::size_t number = groups.size();
  if (std::ranges::all_of(name, [](char c) { return c >= '0' && c <= '9'; })) {
    if (name.size() < 6) number = std::stoul(name);
  } else if (const auto found = regex.NamedCapturingGroups().find(name); found != regex.NamedCapturingGroups().end()) {
    number = static_cast<std::size_t>(found->second);
  }
  if (number < groups.size() && groups[number].data() != nullptr)
    out.append(groups[number].data(), groups[number].size());
}

void AppendExpanded(std::string_view replacement, const re2::RE2& regex, std::span<const re2::StringPiece> groups,
                    std::string& out) {
  for (std::size_t i = 0; i < replacement.size();) {
    if (replacement[i] == '$') {
      AppendReference(replacement, i, regex, groups, out);
    } else {
      out.push_back(replacement[i++]);
    }
  }
}

/// In the words of Go's package regexp, which Prometheus shows.
Error RegexError(const re2::RE2& regex) {
  struct Words {
    re2::RE2::ErrorCode code;
    std::string_view text;
  };
  constexpr Words kWords[] = {
      {re2::RE2::ErrorBadEscape, "invalid escape sequence"},
      {re2::RE2::ErrorBadCharClass, "invalid character class"},
      {re2::RE2::ErrorBadCharRange, "invalid character class range"},
      {re2::RE2::ErrorMissingBracket, "missing closing ]"},
      {re2::RE2::ErrorMissingParen, "missing closing )"},
      {re2::RE2::ErrorUnexpectedParen, "unexpected )"},
      {re2::RE2::ErrorTrailingBackslash, "trailing backslash at end of expression"},
      {re2::RE2::ErrorRepeatArgument, "missing argument to repetition operator"},
      {re2::RE2::ErrorRepeatSize, "invalid repeat count"},
      {re2::RE2::ErrorRepeatOp, "invalid nested repetition operator"},
      {re2::RE2::ErrorBadPerlOp, "invalid or unsupported Perl syntax"},
      {re2::RE2::ErrorBadUTF8, "invalid UTF-8"},
      {re2::RE2::ErrorBadNamedCapture, "invalid named capture"},
  };
  const auto* const found = std::ranges::find(kWords, regex.error_code(), &Words::code);
  if (found == std::end(kWords)) return Fail(Code::kBadData, "error parsing regexp: {}", regex.error());
  if (regex.error_code() == re2::RE2::ErrorTrailingBackslash) {
    return Fail(Code::kBadData, "error parsing regexp: {}: ``", found->text);
  }
  return Fail(Code::kBadData, "error parsing regexp: {}: `{}`", found->text, regex.error_arg());
}

re2::StringPiece ToPiece(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

Result<Regex> Regex::Compile(std::string_view pattern) {
  auto rep = std::make_shared<Rep>();
  rep->pattern = pattern;
  auto automaton = std::make_shared<re2::RE2>(ToPiece(pattern), RegexOptions());
  if (!automaton->ok()) {
    return RegexError(*automaton);
  }
  rep->automaton = std::move(automaton);
  if (auto shape = ReadShape(pattern)) {
    rep->shape = *std::move(shape);
    rep->kind = !rep->shape.literals.empty() ? (rep->shape.folded ? Kind::kFolded : Kind::kLiterals)
                : rep->shape.exact           ? Kind::kShape
                                             : Kind::kAutomaton;
    rep->prefix = CommonPrefix(rep->shape.prefixes);
  }
  Regex out;
  out.rep_ = std::move(rep);
  return out;
}

bool Regex::Matches(std::string_view text) const {
  const Rep& rep = *rep_;
  switch (rep.kind) {
    case Kind::kLiterals:
      return std::ranges::binary_search(rep.shape.literals, text, std::less<>());
    case Kind::kFolded:
      if (const auto folded = FoldAscii(text)) return std::ranges::binary_search(rep.shape.literals, *folded);
      break;
    case Kind::kShape:
      return rep.shape.MayMatch(text);
    case Kind::kAutomaton:
      if (!rep.shape.MayMatch(text)) return false;
      break;
  }
  return re2::RE2::FullMatch(ToPiece(text), *rep.automaton);
}

bool Regex::Expand(std::string_view text, std::string_view replacement, std::string& out) const {
  const re2::RE2& regex = *rep_->automaton;
  std::vector<re2::StringPiece> groups(static_cast<std::size_t>(regex.NumberOfCapturingGroups()) + 1);
  if (!regex.Match(ToPiece(text), 0, text.size(), re2::RE2::ANCHOR_BOTH, groups.data(),
                   static_cast<int>(groups.size()))) {
    return false;
  }
  out.clear();
  AppendExpanded(replacement, regex, groups, out);
  return true;
}

Result<SearchRegex> SearchRegex::Compile(std::string_view pattern) {
  re2::RE2::Options options = RegexOptions();
  options.set_dot_nl(false);
  auto automaton = std::make_shared<re2::RE2>(ToPiece(pattern), options);
  if (!automaton->ok()) {
    return RegexError(*automaton);
  }
  SearchRegex out;
  out.automaton_ = std::move(automaton);
  return out;
}

bool SearchRegex::Found(std::string_view text) const { return re2::RE2::PartialMatch(ToPiece(text), *automaton_); }

bool SearchRegex::FoundAndExpand(std::string_view text, std::span<std::string> templates) const {
  std::vector<re2::StringPiece> groups(static_cast<std::size_t>(automaton_->NumberOfCapturingGroups()) + 1);
  if (!automaton_->Match(ToPiece(text), 0, text.size(), re2::RE2::UNANCHORED, groups.data(),
                         static_cast<int>(groups.size()))) {
    return false;
  }
  for (std::string& one : templates) {
    std::string expanded;
    AppendExpanded(one, *automaton_, groups, expanded);
    one = std::move(expanded);
  }
  return true;
}

const std::string& SearchRegex::pattern() const { return automaton_->pattern(); }

Result<std::string> ReplaceAllMatches(std::string_view pattern, std::string_view text, std::string_view replacement) {
  re2::RE2::Options options = RegexOptions();
  options.set_dot_nl(false);
  const re2::RE2 regex(ToPiece(pattern), options);
  if (!regex.ok()) return RegexError(regex);
  std::vector<re2::StringPiece> groups(static_cast<std::size_t>(regex.NumberOfCapturingGroups()) + 1);
  std::string out;
  std::size_t at = 0;      // where the search goes on
  std::size_t copied = 0;  // everything before it is in `out`
  while (at <= text.size() && regex.Match(ToPiece(text), at, text.size(), re2::RE2::UNANCHORED, groups.data(),
                                          static_cast<int>(groups.size()))) {
    const auto start = static_cast<std::size_t>(groups[0].data() - text.data());
    const std::size_t end = start + groups[0].size();
    // An empty match right behind the previous match is not a match to Go.
    if (end > start || start > copied || copied == 0) {
      out.append(text.substr(copied, start - copied));
      AppendExpanded(replacement, regex, groups, out);
      copied = end;
    }
    at = end > at ? end : at + 1;
  }
  out.append(text.substr(copied));
  return out;
}

std::string_view MatchOpText(MatchOp op) {
  switch (op) {
    case MatchOp::kEqual:
      return "=";
    case MatchOp::kNotEqual:
      return "!=";
    case MatchOp::kRegex:
      return "=~";
    case MatchOp::kNotRegex:
      return "!~";
  }
  return "?";
}

Result<Matcher> Matcher::Create(MatchOp op, std::string name, std::string value) {
  Matcher out(op, std::move(name), std::move(value));
  if (op == MatchOp::kRegex || op == MatchOp::kNotRegex) {
    VEDETTE_TRY(out.regex_, Regex::Compile(out.value_));
  }
  return out;
}

Matcher Matcher::Equal(std::string name, std::string value) {
  return Matcher(MatchOp::kEqual, std::move(name), std::move(value));
}

bool Matcher::Matches(std::string_view value) const {
  switch (op_) {
    case MatchOp::kEqual:
      return value == value_;
    case MatchOp::kNotEqual:
      return value != value_;
    case MatchOp::kRegex:
      return regex_->Matches(value);
    case MatchOp::kNotRegex:
      return !regex_->Matches(value);
  }
  return false;
}

std::string Matcher::ToString() const {
  return fmt::format("{}{}{}", IsLegacyLabelName(name_) ? name_ : Quote(name_), MatchOpText(op_), Quote(value_));
}

bool MatchesAll(std::span<const Matcher> matchers, const Labels& labels) {
  return std::ranges::all_of(matchers, [&](const Matcher& m) { return m.Matches(labels.Get(m.name())); });
}

}  // namespace vedette
