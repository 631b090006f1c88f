// A label matcher: name = / != / =~ / !~ value. Selectors, silences, routes and rule filters are made of these.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/labels.h"
#include "core/regex_shape.h"
#include "core/result.h"

namespace re2 {
class RE2;
}

namespace vedette {

/// An anchored regular expression in RE2's syntax in which the dot matches line breaks as well, as everywhere in
/// Prometheus. What regex_shape.h understands wholly is answered without the automaton, what it understands in part
/// only asks it about texts that may match.
/// Immutable, thread-safe, cheap to copy.
class Regex {
 public:
  /// Errors: kBadData with RE2's reason. Memory per expression is bounded.
  static Result<Regex> Compile(std::string_view pattern);

  bool Matches(std::string_view text) const;
  /// When non-empty: the expression matches exactly these texts (an alternation of literals).
  std::span<const std::string> literals() const {
    return rep_->kind == Kind::kLiterals ? rep_->shape.literals : std::span<const std::string>();
  }
  /// Every match starts with this; empty when nothing is known.
  std::string_view prefix() const { return rep_->prefix; }
  const std::string& pattern() const { return rep_->pattern; }

  /// If `text` matches, expands `replacement` ($1, ${1}, $name, ${name}, $$ as in Go) into `out`; else false.
  bool Expand(std::string_view text, std::string_view replacement, std::string& out) const;

 private:
  enum class Kind { kLiterals, kFolded, kShape, kAutomaton };
  struct Rep {
    Kind kind = Kind::kAutomaton;
    std::string pattern;
    std::string prefix;
    RegexShape shape;
    std::shared_ptr<const re2::RE2> automaton;
  };
  std::shared_ptr<const Rep> rep_;
};

/// Go's regexp.ReplaceAllString: every unanchored match of `pattern` in `text` becomes the expanded `replacement`.
Result<std::string> ReplaceAllMatches(std::string_view pattern, std::string_view text, std::string_view replacement);

enum class MatchOp : std::uint8_t { kEqual, kNotEqual, kRegex, kNotRegex };
/// "=", "!=", "=~", "!~"
std::string_view MatchOpText(MatchOp op);

class Matcher {
 public:
  /// Errors: kBadData for a regular expression that does not compile.
  static Result<Matcher> Create(MatchOp op, std::string name, std::string value);
  static Matcher Equal(std::string name, std::string value);

  const std::string& name() const { return name_; }
  const std::string& value() const { return value_; }
  MatchOp op() const { return op_; }
  /// For the index: the compiled expression of =~ and !~, null otherwise.
  const Regex* regex() const { return regex_ ? &*regex_ : nullptr; }

  bool Matches(std::string_view value) const;
  bool MatchesEmpty() const { return Matches({}); }
  /// `name="value"` with Go quoting.
  std::string ToString() const;
  bool operator==(const Matcher& other) const {
    return op_ == other.op_ && name_ == other.name_ && value_ == other.value_;
  }

 private:
  Matcher(MatchOp op, std::string name, std::string value)
      : op_(op), name_(std::move(name)), value_(std::move(value)) {}
  MatchOp op_;
  std::string name_, value_;
  std::optional<Regex> regex_;
};

/// Whether every matcher accepts the set (an absent label is the empty value).
bool MatchesAll(std::span<const Matcher> matchers, const Labels& labels);

}  // namespace vedette
