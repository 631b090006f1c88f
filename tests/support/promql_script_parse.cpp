// The script format: commands, series with their values, expectations.
#include <algorithm>
#include <cctype>
#include <charconv>

#include "analytics/promql/histogram_math.h"
#include "analytics/promql/parser.h"
#include "core/numbers.h"
#include "tests/support/promql_script.h"

namespace vedette::test {

namespace {

std::string_view Trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

/// The first word, taken off `text`.
std::string_view TakeWord(std::string_view& text) {
  text = Trim(text);
  const std::string_view word = text.substr(0, text.find_first_of(" \t"));
  text = Trim(text.substr(word.size()));
  return word;
}

bool TakePrefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

Result<Labels> ParseLabels(std::string_view text) {
  if (Trim(text) == "{}") return Labels();
  VEDETTE_TRY(const std::vector<Matcher> matchers, promql::ParseMetricSelector(text));
  LabelsBuilder labels;
  for (const Matcher& matcher : matchers) labels.Set(matcher.name(), matcher.value());
  return labels.Build();
}

/// Where the labels of a series line end: after the closing brace, or before the first blank.
std::size_t EndOfLabels(std::string_view line) {
  const std::size_t blank = line.find_first_of(" \t");
  const std::size_t brace = line.find('{');
  if (brace == std::string_view::npos || line.substr(brace).starts_with("{{") ||
      (blank < brace && line.find_first_not_of(" \t", blank) != brace)) {
    return std::min(blank, line.size());
  }
  char quote = 0;
  for (std::size_t i = brace; i < line.size(); ++i) {
    const char c = line[i];
    if (quote != 0) {
      if (c == '\\' && quote != '`') {
        ++i;
      } else if (c == quote) {
        quote = 0;
      }
    } else if (c == '"' || c == '\'' || c == '`') {
      quote = c;
    } else if (c == '}') {
      return i + 1;
    }
  }
  return line.size();
}

/// Splits at blanks outside of {{...}}.
std::vector<std::string_view> SplitItems(std::string_view text) {
  std::vector<std::string_view> items;
  std::size_t begin = 0, i = 0;
  int depth = 0;
  for (; i <= text.size(); ++i) {
    const bool end = i == text.size() || (depth == 0 && (text[i] == ' ' || text[i] == '\t'));
    if (end) {
      if (i > begin) items.push_back(text.substr(begin, i - begin));
      begin = i + 1;
    } else if (text.substr(i).starts_with("{{")) {
      ++depth;
      ++i;
    } else if (text.substr(i).starts_with("}}")) {
      --depth;
      ++i;
    }
  }
  return items;
}

Result<std::size_t> ParseCount(std::string_view text) {
  std::size_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || end != text.data() + text.size()) return Fail(Code::kBadData, "bad count '{}'", text);
  return count;
}

Result<double> ParseNumber(std::string_view text) {
  const auto number = ParseFloat(text);
  if (!number) return Fail(Code::kBadData, "'{}' is no number", text);
  return *number;
}

/// "1+2x3": start, slope and how many more values. The sign that separates start and slope is not one of an exponent.
Status AddRamp(std::string_view item, std::vector<ScriptValue>& out) {
  const std::size_t times = item.rfind('x');
  VEDETTE_TRY(const std::size_t more, ParseCount(item.substr(times + 1)));
  const std::string_view numbers = item.substr(0, times);
  std::size_t sign = std::string_view::npos;
  for (std::size_t i = 1; i < numbers.size(); ++i) {
    if ((numbers[i] == '+' || numbers[i] == '-') && std::tolower(numbers[i - 1]) != 'e') {
      sign = i;
      break;
    }
  }
  double slope = 0;
  if (sign != std::string_view::npos) {
    VEDETTE_TRY(slope, ParseNumber(numbers.substr(sign)));
  }
  VEDETTE_TRY(double value, ParseNumber(numbers.substr(0, sign)));
  for (std::size_t i = 0; i <= more; ++i, value += slope) out.push_back({value});
  return Ok();
}

/// "{{...}}", "{{...}}x3", "{{...}}+{{...}}x3": the histogram, repeated or with another one added again and again.
Status AddHistograms(std::string_view item, std::vector<ScriptValue>& out) {
  const std::size_t end = item.find("}}");
  VEDETTE_TRY(Histogram histogram, ParseScriptHistogram(item.substr(2, end - 2)));
  std::string_view rest = item.substr(end + 2);
  std::optional<Histogram> step;
  const bool subtract = rest.starts_with('-');
  if (subtract || rest.starts_with('+')) {
    const std::size_t step_end = rest.find("}}");
    VEDETTE_TRY(step, ParseScriptHistogram(rest.substr(3, step_end - 3)));
    rest = rest.substr(step_end + 2);
  }
  std::size_t more = 0;
  if (!rest.empty()) {
    VEDETTE_TRY(more, ParseCount(rest.substr(1)));
  }
  for (std::size_t i = 0; i <= more; ++i) {
    out.push_back({std::nullopt, std::make_shared<const Histogram>(histogram)});
    promql::HistogramNotes notes;
    if (!step) continue;
    const bool fits = subtract ? promql::Subtract(histogram, *step, notes) : promql::Add(histogram, *step, notes);
    if (!fits) return Fail(Code::kBadData, "histograms of two kinds in '{}'", item);
  }
  return Ok();
}

Status AddItem(std::string_view item, std::vector<ScriptValue>& out) {
  if (item.starts_with("{{")) return AddHistograms(item, out);
  if (item == "_") {
    out.push_back({});
  } else if (item.starts_with("_x")) {
    VEDETTE_TRY(const std::size_t gaps, ParseCount(item.substr(2)));
    out.insert(out.end(), gaps, {});
  } else if (item == "stale") {
    out.push_back({StaleNan()});
  } else if (item.find('x') != std::string_view::npos) {
    return AddRamp(item, out);
  } else {
    VEDETTE_TRY(const double value, ParseNumber(item));
    out.push_back({value});
  }
  return Ok();
}

/// "-1m", "+5s", "0", "30".
Result<Millis> ParseOffset(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  VEDETTE_TRY(const Millis span, ParseDuration(text));
  return negative ? -span : span;
}

/// "_", "-1m", "-30s-1mx4": the start times of a series.
Status AddStarts(std::string_view item, std::vector<std::optional<Millis>>& out) {
  std::size_t more = 0;
  if (const std::size_t times = item.rfind('x'); times != std::string_view::npos) {
    VEDETTE_TRY(more, ParseCount(item.substr(times + 1)));
    item = item.substr(0, times);
  }
  if (item == "_") {
    out.insert(out.end(), std::max<std::size_t>(more, 1), std::nullopt);
    return Ok();
  }
  const std::size_t sign = item.find_first_of("+-", 1);
  Millis step{0};
  if (sign != std::string_view::npos) {
    VEDETTE_TRY(step, ParseOffset(item.substr(sign)));
  }
  VEDETTE_TRY(Millis offset, ParseOffset(item.substr(0, sign)));
  for (std::size_t i = 0; i <= more; ++i, offset += step) out.emplace_back(offset);
  return Ok();
}

Result<ScriptSeries> ParseSeries(std::string_view line) {
  const std::size_t end = EndOfLabels(line);
  ScriptSeries series;
  VEDETTE_TRY(series.labels, ParseLabels(line.substr(0, end)));
  for (const std::string_view item : SplitItems(line.substr(end))) VEDETTE_CHECK(AddItem(item, series.values));
  return series;
}

Result<ScriptTimes> ParseRange(std::string_view& text) {
  ScriptTimes times;
  for (const std::string_view word : {"from", "to", "step"}) {
    if (TakeWord(text) != word) return Fail(Code::kBadData, "'{}' is missing", word);
    VEDETTE_TRY(const Millis span, ParseDuration(TakeWord(text)));
    if (word == "from") times.start = TimeMs(span.count());
    if (word == "to") times.end = TimeMs(span.count());
    if (word == "step") times.step = span;
  }
  return times;
}

Status ParseExpectation(std::string_view text, ScriptCommand& command) {
  using Kind = ScriptNote::Kind;
  if (TakePrefix(text, "range vector")) {
    VEDETTE_TRY(command.range_vector, ParseRange(text));
    return Ok();
  }
  if (TakePrefix(text, "string")) {
    VEDETTE_TRY(const promql::ExprPtr literal, promql::ParseExpr(text));
    command.text = promql::As<promql::StringExpr>(*literal).value;
    return Ok();
  }
  const std::string_view word = TakeWord(text);
  if (word == "ordered") {
    command.ordered = true;
    return Ok();
  }
  constexpr std::pair<std::string_view, Kind> kKinds[] = {{"fail", Kind::kFail},
                                                          {"warn", Kind::kWarn},
                                                          {"info", Kind::kInfo},
                                                          {"no_warn", Kind::kNoWarn},
                                                          {"no_info", Kind::kNoInfo}};
  const auto* kind = std::ranges::find(kKinds, word, &std::pair<std::string_view, Kind>::first);
  if (kind == std::end(kKinds)) return Fail(Code::kBadData, "unknown expectation '{}'", word);
  ScriptNote note{kind->second, ScriptNote::Match::kAny, {}};
  if (TakePrefix(text, "msg:")) note.match = ScriptNote::Match::kExact;
  if (TakePrefix(text, "regex:")) note.match = ScriptNote::Match::kRegex;
  note.text = Trim(text);
  command.notes.push_back(std::move(note));
  return Ok();
}

Status ParseBodyLine(std::string_view line, ScriptCommand& command) {
  const bool load = command.kind == ScriptCommand::Kind::kLoad;
  if (!load && TakePrefix(line, "expect ")) return ParseExpectation(Trim(line), command);
  if (!load && !line.starts_with("{") && line.find_first_of(" \t") == std::string_view::npos) {
    if (const auto number = ParseFloat(line)) {
      command.scalar = number;
      return Ok();
    }
  }
  constexpr std::string_view kStarts = "@st";
  const std::size_t starts = load ? line.find(kStarts) : std::string_view::npos;
  if (starts != std::string_view::npos) {
    ScriptSeries series;
    VEDETTE_TRY(series.labels, ParseLabels(line.substr(0, starts)));
    for (const std::string_view item : SplitItems(line.substr(starts + kStarts.size()))) {
      VEDETTE_CHECK(AddStarts(item, series.starts));
    }
    command.series.push_back(std::move(series));
    return Ok();
  }
  VEDETTE_TRY(ScriptSeries series, ParseSeries(line));
  if (!command.series.empty() && command.series.back().labels == series.labels &&
      command.series.back().values.empty()) {
    command.series.back().values = std::move(series.values);
  } else {
    command.series.push_back(std::move(series));
  }
  return Ok();
}

Result<ScriptCommand> ParseCommand(std::string_view line) {
  using Kind = ScriptCommand::Kind;
  ScriptCommand command;
  std::string word(TakeWord(line));
  std::ranges::transform(word, word.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (word == "clear") return command;
  if (word == "load" || word == "load_with_nhcb") {
    command.kind = Kind::kLoad;
    command.custom_buckets = word == "load_with_nhcb";
    VEDETTE_TRY(command.times.step, ParseDuration(TakeWord(line)));
    return command;
  }
  if (!word.starts_with("eval")) return Fail(Code::kBadData, "unknown command '{}'", word);
  if (word == "eval_fail") command.notes.push_back({ScriptNote::Kind::kFail, ScriptNote::Match::kAny, {}});
  if (word == "eval_warn") command.notes.push_back({ScriptNote::Kind::kWarn, ScriptNote::Match::kAny, {}});
  if (word == "eval_info") command.notes.push_back({ScriptNote::Kind::kInfo, ScriptNote::Match::kAny, {}});
  command.ordered = word == "eval_ordered";
  if (TakeWord(line) == "instant") {
    command.kind = Kind::kInstant;
    TakeWord(line);  // at
    VEDETTE_TRY(const Millis at, ParseDuration(TakeWord(line)));
    command.times.start = command.times.end = TimeMs(at.count());
  } else {
    command.kind = Kind::kRange;
    VEDETTE_TRY(command.times, ParseRange(line));
  }
  command.query = line;
  return command;
}

}  // namespace

Result<std::vector<ScriptCommand>> ParseScript(std::string_view text) {
  std::vector<ScriptCommand> commands;
  bool in_block = false;
  for (int number = 1; !text.empty(); ++number) {
    const std::string_view line = Trim(text.substr(0, text.find('\n')));
    text.remove_prefix(
        std::min(text.size(), text.find('\n') == std::string_view::npos ? text.size() : text.find('\n') + 1));
    if (line.empty() || line.starts_with('#')) {
      in_block = false;  // a comment as well
      continue;
    }
    Status status = Ok();
    if (in_block) {
      status = ParseBodyLine(line, commands.back());
    } else {
      auto command = ParseCommand(line);
      if (command) {
        command->line = number;
        in_block = command->kind != ScriptCommand::Kind::kClear;
        commands.push_back(std::move(*command));
      } else {
        status = command.error();
      }
    }
    if (!status) return Annotate(fmt::format("line {}", number), status.error());
  }
  return commands;
}

}  // namespace vedette::test
