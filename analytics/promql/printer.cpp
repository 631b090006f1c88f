// Tree to one line of text.
#include "analytics/promql/printer.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "analytics/promql/functions.h"
#include "analytics/promql/printer_parts.h"
#include "core/labels.h"
#include "core/numbers.h"

namespace vedette::promql {

namespace {

void AppendExpr(std::string& out, const Expr& expr);

void AppendNumber(std::string& out, double value, bool is_duration) {
  if (!is_duration) return AppendFixed(out, value);
  out += FormatDuration(Millis(static_cast<std::int64_t>(std::llround(value * 1000.0))));
}

std::string_view DurationOpText(DurationExpr::Op op) {
  switch (op) {
    case DurationExpr::Op::kAdd:
      return " + ";
    case DurationExpr::Op::kSub:
      return " - ";
    case DurationExpr::Op::kMul:
      return " * ";
    case DurationExpr::Op::kDiv:
      return " / ";
    case DurationExpr::Op::kMod:
      return " % ";
    default:
      return " ^ ";
  }
}

void AppendDurationExpr(std::string& out, const DurationExpr& expr) {
  if (expr.wrapped) out += '(';
  switch (expr.op) {
    case DurationExpr::Op::kNumber:
      AppendNumber(out, expr.seconds, expr.is_duration);
      break;
    case DurationExpr::Op::kStep:
      out += "step()";
      break;
    case DurationExpr::Op::kRange:
      out += "range()";
      break;
    case DurationExpr::Op::kMinOf:
    case DurationExpr::Op::kMaxOf:
      out += expr.op == DurationExpr::Op::kMinOf ? "min_of(" : "max_of(";
      AppendDurationExpr(out, *expr.lhs);
      out += ", ";
      AppendDurationExpr(out, *expr.rhs);
      out += ')';
      break;
    case DurationExpr::Op::kNegate:
      out += '-';
      AppendDurationExpr(out, *expr.rhs);
      break;
    case DurationExpr::Op::kPlus:
      AppendDurationExpr(out, *expr.rhs);
      break;
    default:
      AppendDurationExpr(out, *expr.lhs);
      out += DurationOpText(expr.op);
      AppendDurationExpr(out, *expr.rhs);
  }
  if (expr.wrapped) out += ')';
}

void AppendDuration(std::string& out, Millis literal, const DurationExprPtr& expr) {
  if (expr) return AppendDurationExpr(out, *expr);
  out += FormatDuration(literal);
}

/// ` @ 12.000`, by integers so that it reads back to the same millisecond.
void AppendAt(std::string& out, const TimeModifiers& time) {
  if (time.at) {
    const std::int64_t ms = time.at->ms;
    const std::uint64_t magnitude = ms < 0 ? 0 - static_cast<std::uint64_t>(ms) : static_cast<std::uint64_t>(ms);
    fmt::format_to(std::back_inserter(out), " @ {}{}.{:03}", ms < 0 ? "-" : "", magnitude / 1000, magnitude % 1000);
  } else if (time.at_edge != StartOrEnd::kNeither) {
    out += time.at_edge == StartOrEnd::kStart ? " @ start()" : " @ end()";
  }
}

void AppendOffset(std::string& out, const TimeModifiers& time) {
  if (time.offset_expr == nullptr && time.offset == Millis(0)) return;
  out += " offset ";
  AppendDuration(out, time.offset, time.offset_expr);
}

void AppendExtended(std::string& out, const VectorSelector& selector) {
  if (selector.anchored) out += " anchored";
  if (selector.smoothed) out += " smoothed";
}

/// Name and braces.
void AppendSeries(std::string& out, const VectorSelector& selector) {
  out += selector.name;
  std::vector<std::string> matchers;
  for (const Matcher& matcher : selector.matchers) {
    const bool is_name = matcher.name() == kMetricName && matcher.op() == MatchOp::kEqual;
    if (is_name && matcher.value() == selector.name && !matcher.value().empty()) continue;
    matchers.push_back(matcher.ToString());
  }
  if (matchers.empty()) {
    if (selector.name.empty()) out += "{}";
    return;
  }
  std::ranges::sort(matchers);
  fmt::format_to(std::back_inserter(out), "{{{}}}", fmt::join(matchers, ","));
}

void AppendVectorSelector(std::string& out, const VectorSelector& selector) {
  AppendSeries(out, selector);
  AppendAt(out, selector.time);
  AppendExtended(out, selector);
  AppendOffset(out, selector.time);
}

void AppendMatrixSelector(std::string& out, const MatrixSelector& matrix) {
  AppendSeries(out, *matrix.selector);
  out += '[';
  AppendDuration(out, matrix.range, matrix.range_expr);
  out += ']';
  AppendExtended(out, *matrix.selector);
  AppendAt(out, matrix.selector->time);
  AppendOffset(out, matrix.selector->time);
}

void AppendLabels(std::string& out, const std::vector<std::string>& labels) {
  out += '(';
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (i > 0) out += ", ";
    out += IsLegacyLabelName(labels[i]) ? labels[i] : Quote(labels[i]);
  }
  out += ')';
}

void AppendFill(std::string& out, std::string_view word, double value) {
  out.append(" ").append(word).append(" (");
  AppendGeneral(out, value);
  out += ')';
}

void AppendMatching(std::string& out, const VectorMatching& matching) {
  const bool grouped = matching.card == Cardinality::kManyToOne || matching.card == Cardinality::kOneToMany;
  if (!matching.labels.empty() || matching.on || grouped) {
    out += matching.on ? " on " : " ignoring ";
    AppendLabels(out, matching.labels);
  }
  if (grouped) {
    out += matching.card == Cardinality::kManyToOne ? " group_left " : " group_right ";
    AppendLabels(out, matching.include);
  }
  const auto& left = matching.fill_left;
  const auto& right = matching.fill_right;
  if (left && right && *left == *right) return AppendFill(out, "fill", *left);
  if (left) AppendFill(out, "fill_left", *left);
  if (right) AppendFill(out, "fill_right", *right);
}

void AppendCall(std::string& out, const CallExpr& call) {
  out.append(call.function->name).append("(");
  for (std::size_t i = 0; i < call.args.size(); ++i) {
    if (i > 0) out += ", ";
    AppendExpr(out, *call.args[i]);
  }
  out += ')';
}

void AppendAggregate(std::string& out, const AggregateExpr& aggregate) {
  AppendAggregateHead(out, aggregate);
  out += '(';
  if (aggregate.param) {
    AppendExpr(out, *aggregate.param);
    out += ", ";
  }
  AppendExpr(out, *aggregate.expr);
  out += ')';
}

void AppendBinary(std::string& out, const BinaryExpr& binary) {
  if (IsPowerOfInfinity(binary)) {
    out += "Inf";
  } else {
    AppendExpr(out, *binary.lhs);
  }
  out += ' ';
  AppendOperator(out, binary);
  out += ' ';
  AppendExpr(out, *binary.rhs);
}

void AppendExpr(std::string& out, const Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kNumber:
      return AppendNumber(out, As<NumberExpr>(expr).value, As<NumberExpr>(expr).is_duration);
    case ExprKind::kString:
      out += Quote(As<StringExpr>(expr).value);
      return;
    case ExprKind::kVectorSelector:
      return AppendVectorSelector(out, As<VectorSelector>(expr));
    case ExprKind::kMatrixSelector:
      return AppendMatrixSelector(out, As<MatrixSelector>(expr));
    case ExprKind::kSubquery:
      AppendExpr(out, *As<SubqueryExpr>(expr).expr);
      return AppendSubquerySuffix(out, As<SubqueryExpr>(expr));
    case ExprKind::kCall:
      return AppendCall(out, As<CallExpr>(expr));
    case ExprKind::kAggregate:
      return AppendAggregate(out, As<AggregateExpr>(expr));
    case ExprKind::kBinary:
      return AppendBinary(out, As<BinaryExpr>(expr));
    case ExprKind::kUnary:
      out += As<UnaryExpr>(expr).negate ? '-' : '+';
      return AppendExpr(out, *As<UnaryExpr>(expr).expr);
    case ExprKind::kParen:
      out += '(';
      AppendExpr(out, *As<ParenExpr>(expr).expr);
      out += ')';
  }
}

}  // namespace

void AppendAggregateHead(std::string& out, const AggregateExpr& aggregate) {
  out += AggregateName(aggregate.op);
  if (!aggregate.without && aggregate.grouping.empty()) return;
  out += aggregate.without ? " without " : " by ";
  AppendLabels(out, aggregate.grouping);
  out += ' ';
}

bool IsPowerOfInfinity(const BinaryExpr& binary) {
  return binary.op == BinaryOp::kPow && binary.lhs->kind == ExprKind::kNumber &&
         std::isinf(As<NumberExpr>(*binary.lhs).value);
}

void AppendOperator(std::string& out, const BinaryExpr& binary) {
  out += BinaryOpText(binary.op);
  if (binary.return_bool) out += " bool";
  if (binary.matching) AppendMatching(out, *binary.matching);
}

void AppendSubquerySuffix(std::string& out, const SubqueryExpr& subquery) {
  out += '[';
  AppendDuration(out, subquery.range, subquery.range_expr);
  out += ':';
  if (subquery.step_expr || subquery.step != Millis(0)) AppendDuration(out, subquery.step, subquery.step_expr);
  out += ']';
  AppendAt(out, subquery.time);
  AppendOffset(out, subquery.time);
}

std::string Print(const Expr& expr) {
  std::string out;
  AppendExpr(out, expr);
  return out;
}

}  // namespace vedette::promql
