// Runs the commands of a script and compares.
#include "tests/support/promql_script.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>

#include <prometheus/registry.h>

#include "analytics/promql/functions.h"
#include "core/histogram_buckets.h"
#include "core/matcher.h"
#include "core/numbers.h"
#include "storage/memory/memory_storage.h"
#include "tests/support/fake_clock.h"

namespace vedette::test {

namespace {

using promql::QueryOutcome;
using promql::ResultSeries;

std::string Show(const std::vector<ResultSeries>& series) {
  std::string text;
  for (const ResultSeries& one : series) {
    text += "\n      " + one.labels.ToString();
    for (const promql::Point& point : one.points) {
      text += fmt::format(" {}@{}", FormatSampleValue(point.value), point.time_ms);
    }
    for (const promql::HistogramPoint& point : one.histograms) {
      text += fmt::format(" schema {} threshold {} reset {} {}@{}", point.histogram->layout->schema,
                          point.histogram->layout->zero_threshold, static_cast<int>(point.histogram->reset),
                          FormatHistogram(*point.histogram), point.time_ms);
    }
  }
  return text.empty() ? " nothing" : text;
}

std::vector<ResultSeries> Expected(const ScriptCommand& command, const ScriptTimes& times) {
  std::vector<ResultSeries> all;
  for (const ScriptSeries& series : command.series) {
    ResultSeries want{series.labels, {}};
    for (std::size_t i = 0; i < series.values.size(); ++i) {
      const auto time = times.start.ms + static_cast<std::int64_t>(i) * times.step.count();
      if (series.values[i].number) want.points.push_back({time, *series.values[i].number});
      if (series.values[i].histogram) want.histograms.push_back({time, series.values[i].histogram});
    }
    if (!want.points.empty() || !want.histograms.empty()) all.push_back(std::move(want));
  }
  return all;
}

bool SamePoints(const ResultSeries& want, const ResultSeries& got) {
  return want.labels == got.labels &&
         std::ranges::equal(want.points, got.points,
                            [](const promql::Point& a, const promql::Point& b) {
                              return a.time_ms == b.time_ms && AlmostEqual(a.value, b.value);
                            }) &&
         std::ranges::equal(want.histograms, got.histograms,
                            [](const promql::HistogramPoint& a, const promql::HistogramPoint& b) {
                              return a.time_ms == b.time_ms && AlmostEqual(*a.histogram, *b.histogram);
                            });
}

/// How the order of the result matters.
enum class Order { kAny, kAsWritten, kByLabels };

Status CompareSeries(std::vector<ResultSeries> want, std::vector<ResultSeries> got, Order order) {
  if (order != Order::kAsWritten) std::ranges::sort(want, {}, &ResultSeries::labels);
  if (order == Order::kAny) std::ranges::sort(got, {}, &ResultSeries::labels);
  if (std::ranges::equal(want, got, SamePoints)) return Ok();
  return Fail(Code::kExecution, "\n    want:{}\n    got:{}", Show(want), Show(got));
}

Status CompareNotes(const ScriptCommand& command, const promql::Annotations& notes) {
  const auto check = [&](ScriptNote::Kind some, ScriptNote::Kind none, const std::vector<std::string>& got) -> Status {
    bool wanted = false;
    const auto matches = [](const ScriptNote& note, const std::string& text) {
      if (note.match == ScriptNote::Match::kAny) return true;
      if (note.match == ScriptNote::Match::kExact) return note.text == text;
      const auto regex = Regex::Compile(".*" + note.text + ".*");
      return regex && regex->Matches(text);
    };
    for (const ScriptNote& note : command.notes) {
      if (note.kind == none && !got.empty()) return Fail(Code::kExecution, "unexpected annotation: {}", got.front());
      if (note.kind != some) continue;
      wanted = true;
      if (std::ranges::none_of(got, [&](const std::string& text) { return matches(note, text); })) {
        return Fail(Code::kExecution, "missing annotation '{}', got: {}", note.text, fmt::join(got, " | "));
      }
    }
    for (const std::string& text : got) {
      const auto fits = [&](const ScriptNote& note) { return note.kind == some && matches(note, text); };
      if (wanted && std::ranges::none_of(command.notes, fits)) {
        return Fail(Code::kExecution, "unexpected annotation: {}", text);
      }
    }
    return Ok();
  };
  using Kind = ScriptNote::Kind;
  VEDETTE_CHECK(check(Kind::kWarn, Kind::kNoWarn, notes.warnings));
  return check(Kind::kInfo, Kind::kNoInfo, notes.infos);
}

Status CompareFailure(const ScriptNote& want, const Result<QueryOutcome>& got) {
  if (got) return Fail(Code::kExecution, "want an error, got a result");
  const std::string& message = got.error().message;
  bool fits = true;
  if (want.match == ScriptNote::Match::kExact) fits = want.text == message;
  if (want.match == ScriptNote::Match::kRegex) {
    const auto regex = Regex::Compile(".*" + want.text + ".*");
    fits = regex && regex->Matches(message);
  }
  return fits ? Ok() : Status(Fail(Code::kExecution, "want the error '{}', got '{}'", want.text, message));
}

Status CompareOutcome(const ScriptCommand& command, const Result<QueryOutcome>& got) {
  const auto failure = std::ranges::find(command.notes, ScriptNote::Kind::kFail, &ScriptNote::kind);
  if (failure != command.notes.end()) return CompareFailure(*failure, got);
  if (!got) return got.error();
  VEDETTE_CHECK(CompareNotes(command, got->notes));
  const promql::QueryValue& value = got->value;
  if (command.text) {
    if (value.type == promql::ValueType::kString && value.text == *command.text) return Ok();
    return Fail(Code::kExecution, "want the string '{}', got '{}'", *command.text, value.text);
  }
  if (command.scalar) {
    const bool scalar = value.type == promql::ValueType::kScalar && value.series.size() == 1;
    if (scalar && AlmostEqual(*command.scalar, value.series[0].points[0].value)) return Ok();
    return Fail(Code::kExecution, "want the scalar {}, got{}", *command.scalar, Show(value.series));
  }
  const Order order = command.kind == ScriptCommand::Kind::kRange ? Order::kByLabels
                      : command.ordered                           ? Order::kAsWritten
                                                                  : Order::kAny;
  return CompareSeries(Expected(command, command.range_vector.value_or(command.times)), value.series, order);
}

/// Puts `@ time` on every selector and subquery that has none. False when something inside depends on the time anyway.
bool PinTimes(promql::Expr& expr, TimeMs time) {
  using promql::As;
  const auto pin = [time](promql::TimeModifiers& modifiers) {
    if (!modifiers.at && modifiers.at_edge == promql::StartOrEnd::kNeither) modifiers.at = time;
    return true;
  };
  switch (expr.kind) {
    case promql::ExprKind::kVectorSelector:
      return pin(As<promql::VectorSelector>(expr).time);
    case promql::ExprKind::kMatrixSelector:
      return pin(As<promql::MatrixSelector>(expr).selector->time);
    case promql::ExprKind::kSubquery:
      return pin(As<promql::SubqueryExpr>(expr).time);
    case promql::ExprKind::kUnary:
      return PinTimes(*As<promql::UnaryExpr>(expr).expr, time);
    case promql::ExprKind::kParen:
      return PinTimes(*As<promql::ParenExpr>(expr).expr, time);
    case promql::ExprKind::kBinary:
      return PinTimes(*As<promql::BinaryExpr>(expr).lhs, time) && PinTimes(*As<promql::BinaryExpr>(expr).rhs, time);
    case promql::ExprKind::kAggregate: {
      auto& aggregate = As<promql::AggregateExpr>(expr);
      return PinTimes(*aggregate.expr, time) && (!aggregate.param || PinTimes(*aggregate.param, time));
    }
    case promql::ExprKind::kCall: {
      constexpr std::string_view kUnsafe[] = {
          "days_in_month", "day_of_month", "day_of_week",    "day_of_year", "hour",      "minute",
          "month",         "year",         "predict_linear", "time",        "timestamp", "start_timestamp",
          "start",         "end",          "range",          "step",        "info"};
      auto& call = As<promql::CallExpr>(expr);
      if (std::ranges::find(kUnsafe, call.function->name) != std::end(kUnsafe)) return false;
      return std::ranges::all_of(call.args, [time](const promql::ExprPtr& arg) { return PinTimes(*arg, time); });
    }
    default:
      return true;
  }
}

void MoveTo(ResultSeries& series, std::int64_t time_ms) {
  for (promql::Point& point : series.points) point.time_ms = time_ms;
  for (promql::HistogramPoint& point : series.histograms) point.time_ms = time_ms;
}

class ScriptRun {
 public:
  explicit ScriptRun(const promql::EngineOptions& options) : options_(options) { Clear(); }

  void Clear() {
    storage::StorageOptions storage_options;
    storage_options.retention = Millis(0);
    engine_.reset();
    registry_ = std::make_unique<prometheus::Registry>();
    store_ = storage::NewMemoryStorage(storage_options, clock_);
    engine_ = std::make_unique<promql::Engine>(*store_, options_, clock_, *registry_);
  }

  Status Load(const ScriptCommand& command) {
    std::vector<ScriptSeries> all = command.series;
    if (command.custom_buckets) std::ranges::move(CustomBucketSeries(command.series), std::back_inserter(all));
    const auto appender = store_->NewAppender({.allow_future = true});
    for (auto line = all.begin(); line != all.end(); ++line) {
      const ScriptSeries& series = *line;
      // Of a series written twice the last line counts.
      if (std::ranges::find(line + 1, all.end(), series.labels, &ScriptSeries::labels) != all.end()) continue;
      VEDETTE_TRY(const storage::SeriesId id, appender->Series(series.labels));
      for (std::size_t i = 0; i < series.values.size(); ++i) {
        const TimeMs time(static_cast<std::int64_t>(i) * command.times.step.count());
        if (series.values[i].number) appender->Add(id, time, *series.values[i].number);
        if (series.values[i].histogram) appender->AddHistogram(id, time, *series.values[i].histogram);
        if (i < series.starts.size() && series.starts[i]) appender->AddStart(id, time, time + *series.starts[i]);
      }
    }
    VEDETTE_CHECK(appender->Commit());
    return Ok();
  }

  Status Eval(const ScriptCommand& command) {
    if (command.kind == ScriptCommand::Kind::kRange) {
      return CompareOutcome(command,
                            engine_->Range(command.query, command.times.start, command.times.end, command.times.step));
    }
    VEDETTE_CHECK(CompareOutcome(command, engine_->Instant(command.query, command.times.start)));
    if (command.ordered || command.text || command.range_vector) return Ok();
    for (const std::string_view word : {"start()", "end()", "range()", "step()"}) {
      if (command.query.find(word) != std::string::npos) return Ok();
    }
    VEDETTE_TRY(const promql::ExprPtr expr, promql::ParseExpr(command.query, options_.parser));
    if (Status same = EvalInRange(command, *expr, command.times.start); !same) {
      return Annotate("as the middle of a range", same.error());
    }
    return EvalPinned(command, *expr);
  }

 private:
  /// The instant query as the second of three steps.
  Status EvalInRange(const ScriptCommand& command, const promql::Expr& expr, TimeMs at) {
    if (expr.type == promql::ValueType::kString || expr.type == promql::ValueType::kMatrix) return Ok();
    constexpr Millis kStep = std::chrono::minutes(1);
    auto outcome = engine_->Range(expr, at - kStep, at + kStep, kStep);
    const bool fails =
        std::ranges::find(command.notes, ScriptNote::Kind::kFail, &ScriptNote::kind) != command.notes.end();
    if (fails || !outcome) return outcome || fails ? Ok() : Status(outcome.error());
    std::vector<ResultSeries> middle;
    for (ResultSeries& series : outcome->value.series) {
      std::erase_if(series.points, [at](const promql::Point& point) { return point.time_ms != at.ms; });
      std::erase_if(series.histograms, [at](const promql::HistogramPoint& point) { return point.time_ms != at.ms; });
      MoveTo(series, command.times.start.ms);
      if (!series.points.empty() || !series.histograms.empty()) middle.push_back(std::move(series));
    }
    if (command.scalar) {
      return CompareSeries({{Labels(), {{command.times.start.ms, *command.scalar}}}}, std::move(middle), Order::kAny);
    }
    return CompareSeries(Expected(command, command.times), std::move(middle), Order::kAny);
  }

  /// With `@` everywhere the time of evaluation does not matter.
  Status EvalPinned(const ScriptCommand& command, const promql::Expr& expr) {
    const promql::ExprPtr pinned = promql::Clone(expr);
    const std::int64_t at = command.times.start.ms;
    if (!PinTimes(*pinned, TimeMs(at))) return Ok();
    for (const std::int64_t other : {-10 * at, std::int64_t{0}, at / 5, at, 10 * at}) {
      auto outcome = engine_->Instant(*pinned, TimeMs(other));
      if (outcome) {
        for (ResultSeries& series : outcome->value.series) MoveTo(series, at);
      }
      ScriptCommand without_notes = command;  // places in the text are those of the query as written
      std::erase_if(without_notes.notes, [](const ScriptNote& note) { return note.kind != ScriptNote::Kind::kFail; });
      if (Status same = CompareOutcome(without_notes, outcome); !same) {
        return Annotate(fmt::format("with @ {} evaluated at {}", at, other), same.error());
      }
      if (Status same = EvalInRange(command, *pinned, TimeMs(other)); !same) {
        return Annotate(fmt::format("with @ {} in a range around {}", at, other), same.error());
      }
    }
    return Ok();
  }

  promql::EngineOptions options_;
  FakeClock clock_;
  std::unique_ptr<prometheus::Registry> registry_;
  std::unique_ptr<storage::Storage> store_;
  std::unique_ptr<promql::Engine> engine_;
};

}  // namespace

promql::EngineOptions ScriptEngineOptions() {
  promql::EngineOptions options;
  options.delayed_name_removal = true;
  options.use_start_timestamps = true;
  options.parser = {.experimental_functions = true,
                    .extended_range_selectors = true,
                    .binop_fill_modifiers = true,
                    .duration_expressions = true};
  return options;
}

Result<ScriptReport> RunScript(std::string_view text, const promql::EngineOptions& options) {
  VEDETTE_TRY(const std::vector<ScriptCommand> commands, ParseScript(text));
  ScriptReport report;
  ScriptRun run(options);
  for (const ScriptCommand& command : commands) {
    if (command.kind == ScriptCommand::Kind::kClear) {
      run.Clear();
    } else if (command.kind == ScriptCommand::Kind::kLoad) {
      if (const Status loaded = run.Load(command); !loaded) {
        return Annotate(fmt::format("line {}", command.line), loaded.error());
      }
    } else if (const Status status = run.Eval(command); !status) {
      report.failures.push_back(fmt::format("line {}: {}: {}", command.line, command.query, status.error().message));
    } else {
      ++report.passed;
    }
  }
  return report;
}

}  // namespace vedette::test
