#include "dashboards/api/expression_json.h"

#include <optional>

#include "analytics/promql/functions.h"
#include "core/numbers.h"

namespace vedette::dashboards {

namespace {

using namespace promql;

std::string_view TypeWord(ValueType type) {
  switch (type) {
    case ValueType::kNone:
      return "none";
    case ValueType::kScalar:
      return "scalar";
    case ValueType::kVector:
      return "vector";
    case ValueType::kMatrix:
      return "matrix";
    case ValueType::kString:
      return "string";
  }
  return "none";
}

std::string_view CardinalityWord(Cardinality card) {
  constexpr std::string_view kWords[] = {"one-to-one", "many-to-one", "one-to-many", "many-to-many"};
  return kWords[static_cast<std::size_t>(card)];
}

std::string_view DurationOpWord(DurationExpr::Op op) {
  constexpr std::string_view kWords[] = {"number", "step", "range", "+", "-",      "*",     "/",
                                         "%",      "^",    "-",     "+", "min_of", "max_of"};
  static_assert(std::size(kWords) == static_cast<std::size_t>(DurationExpr::Op::kMaxOf) + 1);
  return kWords[static_cast<std::size_t>(op)];
}

void WriteStrings(JsonWriter& json, const std::vector<std::string>& texts) {
  json.BeginArray();
  for (const std::string& text : texts) json.String(text);
  json.End();
}

void WriteOptional(JsonWriter& json, const std::optional<double>& value) {
  if (value) {
    json.Double(*value);
  } else {
    json.Null();
  }
}

void WriteDuration(JsonWriter& json, const DurationExpr* expr) {
  if (expr == nullptr) {
    json.Null();
    return;
  }
  json.BeginObject().Key("type");
  if (expr->op == DurationExpr::Op::kNumber) {
    json.String("numberLiteral").Key("val").String(FormatFixed(expr->seconds));
    json.Key("duration").Bool(expr->is_duration).End();
    return;
  }
  json.String("durationExpr").Key("op").String(DurationOpWord(expr->op));
  WriteDuration(json.Key("lhs"), expr->lhs.get());
  WriteDuration(json.Key("rhs"), expr->rhs.get());
  json.Key("wrapped").Bool(expr->wrapped).End();
}

void WriteTime(JsonWriter& json, const TimeModifiers& time) {
  json.Key("offset").Int(time.offset.count());
  WriteDuration(json.Key("offsetExpr"), time.offset_expr.get());
  json.Key("timestamp");
  if (time.at) {
    json.Int(time.at->ms);
  } else {
    json.Null();
  }
  json.Key("startOrEnd");
  if (time.at_edge == StartOrEnd::kNeither) {
    json.Null();
  } else {
    json.String(time.at_edge == StartOrEnd::kStart ? "start" : "end");
  }
}

void WriteSelector(JsonWriter& json, const VectorSelector& selector) {
  json.Key("name").String(selector.name).Key("matchers").BeginArray();
  for (const Matcher& matcher : selector.matchers) {
    json.BeginObject().Key("name").String(matcher.name()).Key("value").String(matcher.value());
    json.Key("type").String(MatchOpText(matcher.op())).End();
  }
  json.End();
  WriteTime(json, selector.time);
  json.Key("anchored").Bool(selector.anchored).Key("smoothed").Bool(selector.smoothed);
}

void WriteSubquery(JsonWriter& json, const SubqueryExpr& subquery) {
  WriteExpression(json.Key("expr"), *subquery.expr);
  json.Key("range").Int(subquery.range.count());
  WriteDuration(json.Key("rangeExpr"), subquery.range_expr.get());
  json.Key("step").Int(subquery.step.count());
  WriteDuration(json.Key("stepExpr"), subquery.step_expr.get());
  WriteTime(json, subquery.time);
}

void WriteCall(JsonWriter& json, const CallExpr& call) {
  const FunctionSpec& function = *call.function;
  json.Key("func").BeginObject().Key("name").String(function.name).Key("argTypes").BeginArray();
  for (const ValueType type : function.args) json.String(TypeWord(type));
  json.End().Key("variadic").Int(function.variadic).Key("returnType").String(TypeWord(function.returns)).End();
  json.Key("args").BeginArray();
  for (const ExprPtr& arg : call.args) WriteExpression(json, *arg);
  json.End();
}

void WriteAggregate(JsonWriter& json, const AggregateExpr& aggregate) {
  json.Key("op").String(AggregateName(aggregate.op));
  WriteExpression(json.Key("expr"), *aggregate.expr);
  json.Key("param");
  if (aggregate.param) {
    WriteExpression(json, *aggregate.param);
  } else {
    json.Null();
  }
  WriteStrings(json.Key("grouping"), aggregate.grouping);
  json.Key("without").Bool(aggregate.without);
}

void WriteMatching(JsonWriter& json, const std::optional<VectorMatching>& matching) {
  if (!matching) {
    json.Null();
    return;
  }
  json.BeginObject().Key("card").String(CardinalityWord(matching->card));
  WriteStrings(json.Key("labels"), matching->labels);
  json.Key("on").Bool(matching->on);
  WriteStrings(json.Key("include"), matching->include);
  json.Key("fillValues").BeginObject();
  WriteOptional(json.Key("lhs"), matching->fill_left);
  WriteOptional(json.Key("rhs"), matching->fill_right);
  json.End().End();
}

void WriteBinary(JsonWriter& json, const BinaryExpr& binary) {
  json.Key("op").String(BinaryOpText(binary.op));
  WriteExpression(json.Key("lhs"), *binary.lhs);
  WriteExpression(json.Key("rhs"), *binary.rhs);
  WriteMatching(json.Key("matching"), binary.matching);
  json.Key("bool").Bool(binary.return_bool);
}

std::string_view KindWord(ExprKind kind) {
  constexpr std::string_view kWords[] = {"numberLiteral", "stringLiteral", "vectorSelector", "matrixSelector",
                                         "subquery",      "call",          "aggregation",    "binaryExpr",
                                         "unaryExpr",     "parenExpr"};
  static_assert(std::size(kWords) == static_cast<std::size_t>(ExprKind::kParen) + 1);
  return kWords[static_cast<std::size_t>(kind)];
}

}  // namespace

void WriteExpression(JsonWriter& json, const Expr& expr) {
  json.BeginObject().Key("type").String(KindWord(expr.kind));
  switch (expr.kind) {
    case ExprKind::kNumber:
      json.Key("val").String(FormatFixed(As<NumberExpr>(expr).value));
      break;
    case ExprKind::kString:
      json.Key("val").String(As<StringExpr>(expr).value);
      break;
    case ExprKind::kVectorSelector:
      WriteSelector(json, As<VectorSelector>(expr));
      break;
    case ExprKind::kMatrixSelector:
      WriteSelector(json, *As<MatrixSelector>(expr).selector);
      json.Key("range").Int(As<MatrixSelector>(expr).range.count());
      WriteDuration(json.Key("rangeExpr"), As<MatrixSelector>(expr).range_expr.get());
      break;
    case ExprKind::kSubquery:
      WriteSubquery(json, As<SubqueryExpr>(expr));
      break;
    case ExprKind::kCall:
      WriteCall(json, As<CallExpr>(expr));
      break;
    case ExprKind::kAggregate:
      WriteAggregate(json, As<AggregateExpr>(expr));
      break;
    case ExprKind::kBinary:
      WriteBinary(json, As<BinaryExpr>(expr));
      break;
    case ExprKind::kUnary:
      json.Key("op").String(As<UnaryExpr>(expr).negate ? "-" : "+");
      WriteExpression(json.Key("expr"), *As<UnaryExpr>(expr).expr);
      break;
    case ExprKind::kParen:
      WriteExpression(json.Key("expr"), *As<ParenExpr>(expr).expr);
  }
  json.End();
}

}  // namespace vedette::dashboards
