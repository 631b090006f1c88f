// Runs PromQL test scripts: `load` puts series into a fresh store, `eval` asks the engine, the lines below say what has
// to come out. The format is that of Prometheus' promqltest; points that are native histograms are left out of loads.
//
// Each `eval instant` is evaluated in several ways which must agree: as written, with `@` put on its selectors at other
// times, and as the middle of a range query.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analytics/promql/engine.h"

namespace vedette::test {

/// A value of a series in a script: nothing for a gap, and for a native histogram in a load.
struct ScriptValue {
  std::optional<double> number;
  bool histogram = false;
};

struct ScriptSeries {
  Labels labels;
  std::vector<ScriptValue> values;
};

/// `expect warn msg: ...`
struct ScriptNote {
  enum class Kind { kFail, kWarn, kInfo, kNoWarn, kNoInfo } kind;
  enum class Match { kAny, kExact, kRegex } match = Match::kAny;
  std::string text;
};

struct ScriptTimes {
  TimeMs start, end;
  Millis step{0};
};

struct ScriptCommand {
  enum class Kind { kClear, kLoad, kInstant, kRange } kind = Kind::kClear;
  int line = 0;
  ScriptTimes times;  // of a load: only the step
  std::string query;
  bool ordered = false;
  std::vector<ScriptNote> notes;
  std::optional<std::string> text;          // expect string
  std::optional<ScriptTimes> range_vector;  // expect range vector
  std::optional<double> scalar;
  std::vector<ScriptSeries> series;  // loaded, or expected
};

/// Errors: kBadData with the line.
Result<std::vector<ScriptCommand>> ParseScript(std::string_view text);

struct ScriptReport {
  int passed = 0;
  std::vector<std::string> failures;  // "line 12: eval instant at 5m foo: want ..., got ..."
};

/// The engine settings of the scripts: everything experimental on, delayed name removal.
promql::EngineOptions ScriptEngineOptions();

/// Errors: kBadData when the script cannot be read.
Result<ScriptReport> RunScript(std::string_view text, const promql::EngineOptions& options = ScriptEngineOptions());

}  // namespace vedette::test
