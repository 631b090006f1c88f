// Resolves times and finds step-invariant parts.
#include "analytics/promql/plan.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <optional>
#include <utility>

#include "analytics/promql/duration_expr.h"
#include "analytics/promql/eval_labels.h"
#include "analytics/promql/functions.h"
#include "analytics/promql/series_wise.h"

namespace vedette::promql {

namespace {

/// Ranges closer than this are read through one querier.
constexpr std::int64_t kNearMs = 2 * 3600 * 1000;

/// Depends on the time of evaluation even when the arguments do not.
bool DependsOnTime(FunctionId id) {
  switch (id) {
    case FunctionId::kDaysInMonth:
    case FunctionId::kDayOfMonth:
    case FunctionId::kDayOfWeek:
    case FunctionId::kDayOfYear:
    case FunctionId::kHour:
    case FunctionId::kMinute:
    case FunctionId::kMonth:
    case FunctionId::kYear:
    case FunctionId::kPredictLinear:
    case FunctionId::kTime:
    case FunctionId::kTimestamp:
    case FunctionId::kStartTimestamp:
      return true;
    default:
      return false;
  }
}

bool LooksAtCounts(FunctionId id) {
  return id == FunctionId::kHistogramCount || id == FunctionId::kHistogramSum || id == FunctionId::kHistogramAvg;
}

bool LooksAtBuckets(FunctionId id) {
  return id == FunctionId::kHistogramQuantile || id == FunctionId::kHistogramQuantiles ||
         id == FunctionId::kHistogramFraction;
}

/// Up by one while it lives, when it is to count.
class Nested {
 public:
  Nested(int& depth, bool counts) : depth_(depth), by_(counts ? 1 : 0) { depth_ += by_; }
  ~Nested() { depth_ -= by_; }
  Nested(const Nested&) = delete;
  Nested& operator=(const Nested&) = delete;

 private:
  int& depth_;
  int by_;
};

/// Sets `@ start()` and `@ end()` to times.
void ResolveEdges(TimeModifiers& time, const QueryTimes& times) {
  if (time.at_edge == StartOrEnd::kStart) time.at = times.start;
  if (time.at_edge == StartOrEnd::kEnd) time.at = times.end;
}

/// Parentheses around an argument are left out of its place in annotations.
void StripParens(ExprPtr& expr) {
  while (expr && expr->kind == ExprKind::kParen) {
    ExprPtr inner = std::move(As<ParenExpr>(*expr).expr);
    expr = std::move(inner);
  }
}

bool KeepsNoLabels(AggregateOp op) {
  switch (op) {
    case AggregateOp::kSum:
    case AggregateOp::kAvg:
    case AggregateOp::kMin:
    case AggregateOp::kMax:
    case AggregateOp::kCount:
    case AggregateOp::kGroup:
    case AggregateOp::kStddev:
    case AggregateOp::kStdvar:
    case AggregateOp::kQuantile:
      return true;
    default:
      return false;
  }
}

/// The selector whose rows the aggregation takes as they are, or after a function over their windows.
const VectorSelector* SelectorOf(const Expr& operand) {
  if (operand.kind == ExprKind::kVectorSelector) return &As<VectorSelector>(operand);
  if (operand.kind != ExprKind::kCall) return nullptr;
  const auto& call = As<CallExpr>(operand);
  const auto window = std::ranges::find_if(
      call.args, [](const ExprPtr& arg) { return Unwrap(*arg).kind == ExprKind::kMatrixSelector; });
  if (window == call.args.end()) return nullptr;
  const VectorSelector& selector = *As<MatrixSelector>(Unwrap(**window)).selector;
  // Else series that differ in their names only would be the same without, which is an error.
  return HasOneName(selector) ? &selector : nullptr;
}

/// Where the selector's other labels do not matter: the names of those that do.
std::optional<std::vector<std::string>> NamesFor(const AggregateExpr& aggregate) {
  const bool by_metadata = std::ranges::any_of(aggregate.grouping, IsMetadataLabel);
  if (aggregate.without || by_metadata || !KeepsNoLabels(aggregate.op)) return std::nullopt;
  std::vector<std::string> names = aggregate.grouping;
  names.insert(names.end(), std::begin(kMetadataLabels), std::end(kMetadataLabels));
  return names;
}

/// One walk over the tree. Data ranges, invariance and what is read of histograms all need it.
class Walk {
 public:
  Walk(const QueryTimes& times, std::unordered_set<const Expr*>& invariant,
       std::unordered_set<const Expr*>& counts_only,
       std::unordered_map<const Expr*, std::vector<std::string>>& labels_that_matter, std::vector<TimeRange>& ranges)
      : times_(times),
        invariant_(invariant),
        counts_only_(counts_only),
        labels_that_matter_(labels_that_matter),
        ranges_(ranges) {}

  /// Evaluated from `first` to `last`. True when the value is the same at every step.
  bool Visit(Expr& expr, std::int64_t first, std::int64_t last) {
    const bool same = Inspect(expr, first, last);
    if (same) invariant_.insert(&expr);
    return same;
  }

 private:
  bool Inspect(Expr& expr, std::int64_t first, std::int64_t last) {
    switch (expr.kind) {
      case ExprKind::kNumber:
      case ExprKind::kString:
        return true;
      case ExprKind::kVectorSelector:
        return VisitSelector(As<VectorSelector>(expr), first, last);
      case ExprKind::kMatrixSelector:
        return VisitWindow(As<MatrixSelector>(expr), first, last);
      case ExprKind::kSubquery:
        return VisitSubquery(As<SubqueryExpr>(expr), first, last);
      case ExprKind::kCall:
        return VisitCall(As<CallExpr>(expr), first, last);
      case ExprKind::kAggregate: {
        auto& aggregate = As<AggregateExpr>(expr);
        StripParens(aggregate.param);
        StripParens(aggregate.expr);
        if (const VectorSelector* const selector = SelectorOf(*aggregate.expr)) {
          if (auto names = NamesFor(aggregate)) labels_that_matter_[selector] = *std::move(names);
        }
        const bool same_param = !aggregate.param || Visit(*aggregate.param, first, last);
        return Visit(*aggregate.expr, first, last) && same_param;
      }
      case ExprKind::kBinary: {
        auto& binary = As<BinaryExpr>(expr);
        const Nested buckets(in_buckets_, binary.op == BinaryOp::kTrimLower || binary.op == BinaryOp::kTrimUpper);
        const bool same_left = Visit(*binary.lhs, first, last);
        return Visit(*binary.rhs, first, last) && same_left;
      }
      case ExprKind::kUnary:
        return Visit(*As<UnaryExpr>(expr).expr, first, last);
      case ExprKind::kParen:
        return Visit(*As<ParenExpr>(expr).expr, first, last);
    }
    return false;
  }

  bool VisitSelector(VectorSelector& selector, std::int64_t first, std::int64_t last) {
    ResolveEdges(selector.time, times_);
    const ReferenceTimes shifted = Shift(selector.time, first, last);
    ranges_.push_back(InstantRange(selector, shifted.first, shifted.last, times_.lookback));
    NoteHistograms(selector);
    return selector.time.at.has_value();
  }

  bool VisitWindow(MatrixSelector& window, std::int64_t first, std::int64_t last) {
    ResolveEdges(window.selector->time, times_);
    const ReferenceTimes shifted = Shift(window.selector->time, first, last);
    ranges_.push_back(WindowRange(window, shifted.first, shifted.last, times_.lookback));
    NoteHistograms(*window.selector);
    return window.selector->time.at.has_value();
  }

  bool VisitSubquery(SubqueryExpr& subquery, std::int64_t first, std::int64_t last) {
    ResolveEdges(subquery.time, times_);
    const SubqueryTimes inner = TimesOf(subquery, first, last, times_.default_subquery_step);
    const Nested buckets(in_buckets_, true);  // its samples are compared anew
    Visit(*subquery.expr, inner.first, inner.last);
    return subquery.time.at.has_value();
  }

  bool VisitCall(CallExpr& call, std::int64_t first, std::int64_t last) {
    bool same = true;
    const Nested counts(in_counts_, LooksAtCounts(call.function->id));
    const Nested buckets(in_buckets_, LooksAtBuckets(call.function->id));
    for (ExprPtr& arg : call.args) {
      StripParens(arg);
      same &= Visit(*arg, first, last);
    }
    if (!DependsOnTime(call.function->id)) return same;
    // The time of a sample that `@` names is fixed; the time of any other expression is that of the evaluation.
    const bool of_selector =
        (call.function->id == FunctionId::kTimestamp || call.function->id == FunctionId::kStartTimestamp) &&
        Unwrap(*call.args.front()).kind == ExprKind::kVectorSelector;
    const bool of_argument = call.function->id != FunctionId::kTimestamp &&
                             call.function->id != FunctionId::kStartTimestamp &&
                             call.function->id != FunctionId::kPredictLinear && !call.args.empty();
    return same && (of_selector || of_argument);
  }

  void NoteHistograms(const VectorSelector& selector) {
    if (in_counts_ > 0 && in_buckets_ == 0) counts_only_.insert(&selector);
  }

  const QueryTimes& times_;
  std::unordered_set<const Expr*>& invariant_;
  std::unordered_set<const Expr*>& counts_only_;
  std::unordered_map<const Expr*, std::vector<std::string>>& labels_that_matter_;
  std::vector<TimeRange>& ranges_;
  int in_counts_ = 0, in_buckets_ = 0;  // calls and the like around the node
};

std::vector<TimeRange> JoinNear(std::vector<TimeRange> ranges) {
  std::ranges::sort(ranges, {}, &TimeRange::min);
  std::vector<TimeRange> joined;
  for (const TimeRange& range : ranges) {
    if (!joined.empty() && MinusSaturated(range.min.ms, joined.back().max.ms) <= kNearMs) {
      joined.back().max = std::max(joined.back().max, range.max);
    } else {
      joined.push_back(range);
    }
  }
  return joined;
}

}  // namespace

Result<Plan> Plan::Make(const Expr& expr, const QueryTimes& times) {
  Plan plan;
  plan.root_ = Clone(expr);
  VEDETTE_CHECK(ResolveDurations(*plan.root_, {times.step, times.end - times.start}));
  std::vector<TimeRange> ranges;
  Walk(times, plan.invariant_, plan.counts_only_, plan.labels_that_matter_, ranges)
      .Visit(*plan.root_, times.start.ms, times.end.ms);
  plan.ranges_ = JoinNear(std::move(ranges));
  return plan;
}

const Expr& Unwrap(const Expr& expr) {
  const Expr* inner = &expr;
  while (inner->kind == ExprKind::kParen) inner = As<ParenExpr>(*inner).expr.get();
  return *inner;
}

std::int64_t MinusSaturated(std::int64_t a, std::int64_t b) {
  std::int64_t difference = 0;
  if (!__builtin_sub_overflow(a, b, &difference)) return difference;
  return b < 0 ? std::numeric_limits<std::int64_t>::max() : std::numeric_limits<std::int64_t>::min();
}

TimeRange InstantRange(const VectorSelector& selector, std::int64_t first, std::int64_t last, Millis lookback) {
  const std::int64_t ahead = selector.smoothed ? lookback.count() : 0;
  return {TimeMs(MinusSaturated(first, lookback.count() - 1)), TimeMs(MinusSaturated(last, -ahead))};
}

TimeRange WindowRange(const MatrixSelector& window, std::int64_t first, std::int64_t last, Millis lookback) {
  const VectorSelector& selector = *window.selector;
  const std::int64_t ahead = selector.smoothed ? lookback.count() : 0;
  const std::int64_t behind = selector.smoothed || selector.anchored ? lookback.count() : 0;
  return {TimeMs(MinusSaturated(first, window.range.count() + behind - 1)), TimeMs(MinusSaturated(last, -ahead))};
}

ReferenceTimes Shift(const TimeModifiers& time, std::int64_t first, std::int64_t last) {
  if (time.at) first = last = time.at->ms;
  return {MinusSaturated(first, time.offset.count()), MinusSaturated(last, time.offset.count())};
}

SubqueryTimes TimesOf(const SubqueryExpr& subquery, std::int64_t first_outer, std::int64_t last_outer,
                      Millis default_step) {
  const ReferenceTimes shifted = Shift(subquery.time, first_outer, last_outer);
  const std::int64_t window_start = MinusSaturated(shifted.first, subquery.range.count());
  SubqueryTimes times;
  times.step = std::max<std::int64_t>(1, (subquery.step.count() > 0 ? subquery.step : default_step).count());
  times.first = window_start / times.step * times.step;  // towards zero, also for negative times
  if (times.first <= window_start) times.first = MinusSaturated(times.first, -times.step);
  times.last = shifted.last;
  return times;
}

}  // namespace vedette::promql
