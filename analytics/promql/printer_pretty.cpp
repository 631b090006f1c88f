// Tree to indented text: a part that does not fit in 100 characters is broken at its outermost level.
#include <string_view>

#include "analytics/promql/functions.h"
#include "analytics/promql/printer.h"
#include "analytics/promql/printer_parts.h"

namespace vedette::promql {

namespace {

constexpr std::size_t kMaxLine = 100;  // Prometheus breaks there

std::string Pretty(const Expr& expr, int level);

std::string Indent(int level) { return std::string(2 * static_cast<std::size_t>(level), ' '); }

std::string PrettyAggregate(const AggregateExpr& aggregate, int level) {
  std::string out = Indent(level);
  AppendAggregateHead(out, aggregate);
  out += "(\n";
  if (aggregate.param) out += Pretty(*aggregate.param, level + 1) + ",\n";
  return out + Pretty(*aggregate.expr, level + 1) + "\n" + Indent(level) + ")";
}

std::string PrettyBinary(const BinaryExpr& binary, int level) {
  std::string out = IsPowerOfInfinity(binary) ? Indent(level + 1) + "Inf" : Pretty(*binary.lhs, level + 1);
  out += "\n" + Indent(level);
  AppendOperator(out, binary);
  return out + "\n" + Pretty(*binary.rhs, level + 1);
}

std::string PrettyCall(const CallExpr& call, int level) {
  std::string out = Indent(level).append(call.function->name) + "(\n";
  for (std::size_t i = 0; i < call.args.size(); ++i) {
    if (i > 0) out += ",\n";
    out += Pretty(*call.args[i], level + 1);
  }
  return out + "\n" + Indent(level) + ")";
}

std::string PrettyUnary(const UnaryExpr& unary, int level) {
  // The sign takes the place of the operand's indentation.
  const std::string operand = Pretty(*unary.expr, level);
  const std::size_t text = operand.find_first_not_of(" \n");
  return Indent(level) + (unary.negate ? "-" : "+") + operand.substr(text);
}

std::string Pretty(const Expr& expr, int level) {
  if (expr.kind == ExprKind::kUnary) return PrettyUnary(As<UnaryExpr>(expr), level);
  std::string line = Print(expr);
  const bool fits = line.size() <= kMaxLine;
  // Prometheus indents a subquery by its inner expression only, so a short one starts at the margin.
  if (expr.kind == ExprKind::kSubquery && fits) return line;
  if (!fits) {
    switch (expr.kind) {
      case ExprKind::kAggregate:
        return PrettyAggregate(As<AggregateExpr>(expr), level);
      case ExprKind::kBinary:
        return PrettyBinary(As<BinaryExpr>(expr), level);
      case ExprKind::kCall:
        return PrettyCall(As<CallExpr>(expr), level);
      case ExprKind::kParen:
        return Indent(level) + "(\n" + Pretty(*As<ParenExpr>(expr).expr, level + 1) + "\n" + Indent(level) + ")";
      case ExprKind::kSubquery: {
        std::string out = Pretty(*As<SubqueryExpr>(expr).expr, level);
        AppendSubquerySuffix(out, As<SubqueryExpr>(expr));
        return out;
      }
      default:
        break;
    }
  }
  return Indent(level) + line;
}

}  // namespace

std::string PrettyPrint(const Expr& expr) { return Pretty(expr, 0); }

}  // namespace vedette::promql
