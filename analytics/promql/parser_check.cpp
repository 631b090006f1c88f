#include "analytics/promql/parser_check.h"

#include <algorithm>
#include <utility>

#include "analytics/promql/functions.h"
#include "core/labels.h"

namespace vedette::promql {

namespace {

class Checker {
 public:
  explicit Checker(std::string_view text) : text_(text) {}

  Status Check(Expr& expr) const {
    switch (expr.kind) {
      case ExprKind::kNumber:
      case ExprKind::kString:
        return Ok();
      case ExprKind::kVectorSelector:
        return CheckSelector(As<VectorSelector>(expr));
      case ExprKind::kMatrixSelector:
        return CheckSelector(*As<MatrixSelector>(expr).selector);
      case ExprKind::kSubquery:
        return CheckSubquery(As<SubqueryExpr>(expr));
      case ExprKind::kCall:
        return CheckCall(As<CallExpr>(expr));
      case ExprKind::kAggregate:
        return CheckAggregate(As<AggregateExpr>(expr));
      case ExprKind::kBinary:
        return CheckBinary(As<BinaryExpr>(expr));
      case ExprKind::kUnary:
        return CheckUnary(As<UnaryExpr>(expr));
      case ExprKind::kParen:
        return Check(*As<ParenExpr>(expr).expr);
    }
    return Ok();
  }

 private:
  template <class... Args>
  Error FailAt(const Expr& expr, fmt::format_string<Args...> format, Args&&... args) const {
    return ParseError(text_, expr.pos.start, fmt::format(format, std::forward<Args>(args)...));
  }

  Status CheckSelector(const VectorSelector& selector) const {
    if (!selector.name.empty()) {
      // The last matcher is the one made from the name in front of the braces.
      for (std::size_t i = 0; i + 1 < selector.matchers.size(); ++i) {
        if (selector.matchers[i].name() != kMetricName) continue;
        return FailAt(selector, "metric name must not be set twice: {} or {}", Quote(selector.name),
                      Quote(selector.matchers[i].value()));
      }
      return Ok();
    }
    const bool any = std::ranges::any_of(selector.matchers, [](const Matcher& m) { return !m.MatchesEmpty(); });
    if (!any && !selector.bypass_empty_check) {
      return FailAt(selector, "vector selector must contain at least one non-empty matcher");
    }
    return Ok();
  }

  Status CheckSubquery(const SubqueryExpr& subquery) const {
    VEDETTE_CHECK(Check(*subquery.expr));
    const ValueType type = subquery.expr->type;
    if (type == ValueType::kVector) return Ok();
    return FailAt(subquery, "subquery is only allowed on instant vector, got {} instead",
                  type == ValueType::kMatrix ? "matrix" : ValueTypeName(type));
  }

  Status CheckUnary(const UnaryExpr& unary) const {
    VEDETTE_CHECK(Check(*unary.expr));
    if (IsArithmeticType(unary.expr->type)) return Ok();
    return FailAt(unary, "unary expression only allowed on expressions of type scalar or instant vector, got \"{}\"",
                  ValueTypeName(unary.expr->type));
  }

  Status CheckType(Expr& expr, ValueType want, std::string_view where) const {
    VEDETTE_CHECK(Check(expr));
    if (expr.type == want) return Ok();
    return FailAt(expr, "expected type {} in {}, got {}", ValueTypeName(want), where, ValueTypeName(expr.type));
  }

  Status CheckAggregate(const AggregateExpr& aggregate) const {
    VEDETTE_CHECK(CheckType(*aggregate.expr, ValueType::kVector, "aggregation expression"));
    if (!aggregate.param) return Ok();
    const bool label = aggregate.op == AggregateOp::kCountValues;
    return CheckType(*aggregate.param, label ? ValueType::kString : ValueType::kScalar, "aggregation parameter");
  }

  Status CheckArgumentCount(const CallExpr& call) const {
    const FunctionSpec& function = *call.function;
    const std::size_t given = call.args.size(), least = function.MinArgs(), most = function.MaxArgs();
    const std::string name = Quote(function.name);
    if (function.variadic == 0 && given != least) {
      return FailAt(call, "expected {} argument(s) in call to {}, got {}", least, name, given);
    }
    if (given < least)
      return FailAt(call, "expected at least {} argument(s) in call to {}, got {}", least, name, given);
    if (given > most) return FailAt(call, "expected at most {} argument(s) in call to {}, got {}", most, name, given);
    return Ok();
  }

  Status CheckCall(const CallExpr& call) const {
    VEDETTE_CHECK(CheckArgumentCount(call));
    const std::string where = fmt::format("call to function {}", Quote(call.function->name));
    if (call.function->id == FunctionId::kInfo && call.args.size() > 1) {
      VEDETTE_CHECK(CheckInfoSelector(call, *call.args[1], where));
    }
    for (std::size_t i = 0; i < call.args.size(); ++i) {
      VEDETTE_CHECK(CheckType(*call.args[i], call.function->ArgType(i), where));
    }
    return Ok();
  }

  /// info(v, {...}): the second argument is not a query but a list of matchers, which may match anything.
  Status CheckInfoSelector(const CallExpr& call, Expr& selector, std::string_view where) const {
    if (selector.type != ValueType::kVector) {
      return FailAt(call, "expected type instant vector in {}, got {}", where, ValueTypeName(selector.type));
    }
    if (selector.kind != ExprKind::kVectorSelector) return FailAt(selector, "expected label selectors only");
    auto& matchers = As<VectorSelector>(selector);
    if (!matchers.name.empty()) {
      return FailAt(selector, "expected label selectors only, got vector selector instead");
    }
    matchers.bypass_empty_check = true;
    return Ok();
  }

  Status CheckBinary(BinaryExpr& binary) const {
    VEDETTE_CHECK(Check(*binary.lhs));
    VEDETTE_CHECK(Check(*binary.rhs));
    VEDETTE_CHECK(CheckModifiers(binary));
    const ValueType left = binary.lhs->type, right = binary.rhs->type;
    for (const Expr* side : {binary.lhs.get(), binary.rhs.get()}) {
      if (IsArithmeticType(side->type)) continue;
      return FailAt(*side, "binary expression must contain only scalar and instant vector types");
    }
    if (left == ValueType::kVector && right == ValueType::kVector) return CheckMatching(binary);
    const VectorMatching& matching = *binary.matching;
    if (!matching.labels.empty()) return FailAt(binary, "vector matching only allowed between instant vectors");
    if (matching.fill_left || matching.fill_right) {
      return FailAt(binary, "filling in missing series only allowed between instant vectors");
    }
    if (IsSetOperator(binary.op)) {
      return FailAt(binary, "set operator \"{}\" not allowed in binary scalar expression", BinaryOpText(binary.op));
    }
    binary.matching.reset();
    return Ok();
  }

  /// What does not depend on the types of both sides.
  Status CheckModifiers(const BinaryExpr& binary) const {
    if (binary.return_bool && !IsComparison(binary.op)) {
      return FailAtOperator(binary, "bool modifier can only be used on comparison operators");
    }
    const bool scalars = binary.lhs->type == ValueType::kScalar && binary.rhs->type == ValueType::kScalar;
    if (IsComparison(binary.op) && !binary.return_bool && scalars) {
      return FailAtOperator(binary, "comparisons between scalars must use BOOL modifier");
    }
    if (!binary.matching->on) return Ok();
    for (const std::string& label : binary.matching->labels) {
      if (std::ranges::find(binary.matching->include, label) == binary.matching->include.end()) continue;
      return FailAtOperator(binary,
                            fmt::format("label {} must not occur in ON and GROUP clause at once", Quote(label)));
    }
    return Ok();
  }

  /// Between two vectors.
  Status CheckMatching(BinaryExpr& binary) const {
    VectorMatching& matching = *binary.matching;
    if (!IsSetOperator(binary.op)) return Ok();
    if (matching.card != Cardinality::kOneToOne) {
      return FailAt(binary, "no grouping allowed for \"{}\" operation", BinaryOpText(binary.op));
    }
    matching.card = Cardinality::kManyToMany;
    if (matching.fill_left || matching.fill_right) {
      return FailAt(binary, "filling in missing series not allowed for set operators");
    }
    return Ok();
  }

  Error FailAtOperator(const BinaryExpr& binary, std::string_view message) const {
    std::uint32_t at = binary.lhs->pos.end;
    while (at < text_.size() && std::string_view(" \t\n\r").find(text_[at]) != std::string_view::npos) ++at;
    return ParseError(text_, at, message);
  }

  static bool IsArithmeticType(ValueType type) { return type == ValueType::kScalar || type == ValueType::kVector; }

  std::string_view text_;
};

}  // namespace

Status CheckExpr(Expr& expr, std::string_view text) { return Checker(text).Check(expr); }

}  // namespace vedette::promql
