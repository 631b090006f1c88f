// The functions of templates: one sorted table that parser and evaluator share. Semantics and texts are Prometheus' and
// those of Go's text/template; docs/ prints the table.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "alerting/template/value.h"
#include "core/histogram.h"
#include "core/result.h"
#include "core/time.h"

namespace vedette::alerting::tmpl {

/// What functions may ask of their surroundings.
class Environment {
 public:
  virtual ~Environment() = default;

  struct QuerySample {
    Labels labels;
    double value = 0;  // 0 where it is a histogram
    std::shared_ptr<const Histogram> histogram = nullptr;
  };
  /// An instant query at the time of the evaluation.
  virtual Result<std::vector<QuerySample>> Query(std::string_view expr) = 0;
  virtual TimeMs Now() const = 0;
  /// Without a slash at its end.
  virtual std::string ExternalUrl() const = 0;
};

struct FunctionSpec {
  std::string_view name;
  int min_args = 0;
  int max_args = 0;  // -1: any number
  /// Null: the evaluator does it itself (and, or: they stop early; tmpl: it runs a template).
  Result<Value> (*call)(Environment& environment, std::span<const Value> args);
  std::string_view help;
};

/// Null when there is none of that name.
const FunctionSpec* FindTemplateFunction(std::string_view name);
/// Sorted by name.
std::span<const FunctionSpec> AllTemplateFunctions();

/// A number, a numeric text or a duration in seconds. Errors: kBadData.
Result<double> ToNumber(const Value& value);
/// Text only; valid as long as the value. Errors: kBadData.
Result<std::string_view> ToText(const Value& value);

using Args = std::span<const Value>;

// Families, each in its own file; the table in functions.cpp names them.
namespace fn {

// functions_go.cpp: Go's own.
Result<Value> Eq(Environment&, Args args);
Result<Value> Ne(Environment&, Args args);
Result<Value> Lt(Environment&, Args args);
Result<Value> Le(Environment&, Args args);
Result<Value> Gt(Environment&, Args args);
Result<Value> Ge(Environment&, Args args);
Result<Value> Not(Environment&, Args args);
Result<Value> Len(Environment&, Args args);
Result<Value> Index(Environment&, Args args);
Result<Value> Slice(Environment&, Args args);
Result<Value> Print(Environment&, Args args);
Result<Value> Println(Environment&, Args args);
Result<Value> Printf(Environment&, Args args);
Result<Value> Html(Environment&, Args args);
Result<Value> UrlQuery(Environment&, Args args);

// functions_text.cpp
Result<Value> Title(Environment&, Args args);
Result<Value> ToUpper(Environment&, Args args);
Result<Value> ToLower(Environment&, Args args);
Result<Value> Match(Environment&, Args args);
Result<Value> ReReplaceAll(Environment&, Args args);
Result<Value> SafeHtml(Environment&, Args args);
Result<Value> StripPort(Environment&, Args args);
Result<Value> StripDomain(Environment&, Args args);
Result<Value> GraphLink(Environment&, Args args);
Result<Value> TableLink(Environment&, Args args);
Result<Value> ExternalUrl(Environment& environment, Args args);
Result<Value> PathPrefix(Environment& environment, Args args);

// functions_numbers.cpp
Result<Value> Humanize(Environment&, Args args);
Result<Value> Humanize1024(Environment&, Args args);
Result<Value> HumanizeDuration(Environment&, Args args);
Result<Value> HumanizePercentage(Environment&, Args args);
Result<Value> HumanizeTimestamp(Environment&, Args args);
Result<Value> ToTime(Environment&, Args args);
Result<Value> ToDuration(Environment&, Args args);
Result<Value> Now(Environment& environment, Args args);
Result<Value> ParseDurationText(Environment&, Args args);

// functions_query.cpp
Result<Value> Query(Environment& environment, Args args);
Result<Value> First(Environment&, Args args);
Result<Value> Label(Environment&, Args args);
Result<Value> SampleValue(Environment&, Args args);
Result<Value> StrValue(Environment&, Args args);
Result<Value> SortByLabel(Environment&, Args args);
Result<Value> ArgsMap(Environment&, Args args);

}  // namespace fn

/// Text after Go's url.QueryEscape.
std::string QueryEscape(std::string_view text);
/// "/graph?g0.expr=...&g0.tab=1": the page that shows `expr`; tab 0 is the graph, 1 the table.
std::string ExpressionLink(std::string_view expr, int tab);

}  // namespace vedette::alerting::tmpl
