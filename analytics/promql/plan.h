// A tree made ready for one evaluation: times resolved, parts that are the same at every step found, data to read
// known.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "analytics/promql/ast.h"
#include "core/result.h"
#include "core/time.h"

namespace vedette::promql {

/// The query as a whole; subqueries inherit it. An instant query has start == end and no step.
struct QueryTimes {
  TimeMs start, end;
  Millis step{0};
  Millis lookback{0};
  Millis default_subquery_step{0};
};

class Plan {
 public:
  /// Copies the tree, resolves duration expressions and `@ start()`, `@ end()`, and looks through it.
  /// Errors: kBadData for a duration that has no usable value.
  static Result<Plan> Make(const Expr& expr, const QueryTimes& times);

  const Expr& root() const { return *root_; }
  /// Whether every step has the same value, so that one evaluation serves all of them.
  bool SameAtEveryStep(const Expr& expr) const { return invariant_.contains(&expr); }
  /// Whether of the histograms that the selector finds only counts and sums are looked at: it stands within
  /// histogram_count() or the like, and within nothing that needs buckets. Counter resets are seen nevertheless.
  bool CountsOnly(const VectorSelector& selector) const { return counts_only_.contains(&selector); }
  /// The labels that matter of what the selector finds, where these are few: the names that an aggregation around it
  /// groups by, and the metric's. Null: all.
  const std::vector<std::string>* LabelsThatMatter(const VectorSelector& selector) const {
    const auto found = labels_that_matter_.find(&selector);
    return found == labels_that_matter_.end() ? nullptr : &found->second;
  }
  /// What the selectors will read: disjoint ranges, far apart from each other, ascending. One querier for each, so that
  /// parts of a query that look at the same time see the same data.
  const std::vector<TimeRange>& data_ranges() const { return ranges_; }

 private:
  Plan() = default;

  ExprPtr root_;
  std::unordered_set<const Expr*> invariant_, counts_only_;
  std::unordered_map<const Expr*, std::vector<std::string>> labels_that_matter_;
  std::vector<TimeRange> ranges_;
};

/// Without the parentheses around it.
const Expr& Unwrap(const Expr& expr);

/// a - b, stopping at the ends of the range of times.
std::int64_t MinusSaturated(std::int64_t a, std::int64_t b);

/// What an instant selector reads when its reference times, offset included, go from `first` to `last`.
TimeRange InstantRange(const VectorSelector& selector, std::int64_t first, std::int64_t last, Millis lookback);
/// The same of a range selector.
TimeRange WindowRange(const MatrixSelector& selector, std::int64_t first, std::int64_t last, Millis lookback);

/// Steps of a subquery: multiples of its step, the first one after the window of the first outer step.
struct SubqueryTimes {
  std::int64_t first = 0, last = 0, step = 1;
};
SubqueryTimes TimesOf(const SubqueryExpr& subquery, std::int64_t first_outer, std::int64_t last_outer,
                      Millis default_step);

/// Reference times of a selector or subquery, `@` and offset applied.
struct ReferenceTimes {
  std::int64_t first = 0, last = 0;
};
ReferenceTimes Shift(const TimeModifiers& time, std::int64_t first, std::int64_t last);

}  // namespace vedette::promql
