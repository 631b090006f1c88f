// A regular expression that is found anywhere in a text, as Go's regexp has it, where Prometheus' own (core/matcher.h)
// are anchored: for probes and other things that blackbox_exporter and its like define.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "core/result.h"

namespace re2 {
class RE2;
}

namespace vedette {

/// The dot stops at line breaks. Immutable, thread-safe, cheap to copy.
class SearchRegex {
 public:
  /// Errors: kBadData with RE2's reason.
  static Result<SearchRegex> Compile(std::string_view pattern);
  bool Found(std::string_view text) const;
  /// If it is found, expands each of `templates` ($1, ${name} ... as in Go) in place; else false.
  bool FoundAndExpand(std::string_view text, std::span<std::string> templates) const;
  const std::string& pattern() const;

 private:
  std::shared_ptr<const re2::RE2> automaton_;
};

}  // namespace vedette
