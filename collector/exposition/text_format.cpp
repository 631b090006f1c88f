// The lines of the Prometheus text format 0.0.4. Blanks and tabs may stand between all tokens.
#include <algorithm>
#include <charconv>

#include "collector/exposition/parser.h"
#include "core/labels.h"

namespace vedette::collector {

ExpositionParser::Event ExpositionParser::NextText() {
  for (;;) {
    line_ = at_;
    SkipBlanks();
    if (at_ == end_) return Event::kEnd;
    if (*at_ == '#') return TextComment();
    if (*at_ != '\n') break;
    ++at_;
  }
  if (!ReadSeries()) return Event::kError;
  SkipBlanks();
  return FinishTextSample();
}

/// `# HELP name text`, `# TYPE name type`; everything else behind a # is nobody's business.
ExpositionParser::Event ExpositionParser::TextComment() {
  ++at_;
  const bool spaced = at_ != end_ && (*at_ == ' ' || *at_ == '\t');
  SkipBlanks();
  const std::string_view line = rest().substr(0, rest().find('\n'));
  const auto is = [&](std::string_view keyword) {
    return spaced && line.starts_with(keyword) && line.size() > keyword.size() &&
           (line[keyword.size()] == ' ' || line[keyword.size()] == '\t');
  };
  const bool help = is("HELP");
  if (!help && !is("TYPE")) {
    text_ = line;
    at_ = std::min(end_, line.data() + line.size() + 1);
    return Event::kComment;
  }
  if (!ReadFamily("HELP")) return Event::kError;
  text_ = rest().substr(0, rest().find('\n'));
  const char* const line_end = at_ + text_.size();
  if (text_.find_first_not_of(" \t") == std::string_view::npos) text_ = {};
  if (!text_.empty()) text_.remove_prefix(1);  // one separator; further ones belong to the text
  if (help && !IsValidUtf8(text_)) return FailHere("help text is not valid UTF-8");
  if (!help && !ReadType()) return Event::kError;
  at_ = std::min(end_, line_end + 1);
  return help ? Event::kHelp : Event::kType;
}

/// Behind the series text: value, optional time in whole milliseconds, end of the line.
ExpositionParser::Event ExpositionParser::FinishTextSample() {
  if (!ReadValue("expected value after metric")) return Event::kError;
  timestamp_.reset();
  exemplar_ = {};
  SkipBlanks();
  if (at_ == end_) return Event::kSeries;
  if (*at_ == '\n') return ++at_, Event::kSeries;

  std::int64_t ms = 0;
  const auto [stop, problem] = std::from_chars(at_, end_, ms);
  // from_chars would take a sign; the format has none.
  if (problem != std::errc() || *at_ == '-') return FailHere("expected a timestamp in milliseconds or the line's end");
  at_ = stop;
  SkipBlanks();
  if (at_ != end_ && *at_ != '\n') return FailHere("expected the line's end after the timestamp");
  if (at_ != end_) ++at_;
  timestamp_ = TimeMs(ms);
  return Event::kSeries;
}

}  // namespace vedette::collector
