// Runs PromQL test scripts: `load` puts series into a fresh store, `eval` asks the engine, the lines below say what has
// to come out. The format is that of Prometheus' promqltest, native histograms and start times (`@st`) included.
//
// Each `eval instant` is evaluated in several ways which must agree: as written, with `@` put on its selectors at other
// times, and as the middle of a range query.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analytics/promql/engine.h"
#include "core/histogram.h"

namespace vedette::test {

/// A value of a series in a script: one of the two, or nothing for a gap.
struct ScriptValue {
  std::optional<double> number;
  std::shared_ptr<const Histogram> histogram = nullptr;
};

struct ScriptSeries {
  Labels labels;
  std::vector<ScriptValue> values;
  /// From a line of its own before the series: start times relative to the samples, as far as they go.
  std::vector<std::optional<Millis>> starts = {};
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
  bool custom_buckets = false;  // load_with_nhcb
  std::vector<ScriptNote> notes;
  std::optional<std::string> text;          // expect string
  std::optional<ScriptTimes> range_vector;  // expect range vector
  std::optional<double> scalar;
  std::vector<ScriptSeries> series;  // loaded, or expected
};

/// What `load_with_nhcb` adds: the classic histograms among the series, as native ones with bounds of their own.
std::vector<ScriptSeries> CustomBucketSeries(const std::vector<ScriptSeries>& series);

/// The histogram of "{{schema:1 sum:3 buckets:[1 2]}}", without the outer braces. Errors: kBadData.
Result<Histogram> ParseScriptHistogram(std::string_view body);
/// As exact as scripts want it: counts nearly equal; resets only where `want` knows of them.
bool AlmostEqual(const Histogram& want, const Histogram& got);
bool AlmostEqual(double want, double got);

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
