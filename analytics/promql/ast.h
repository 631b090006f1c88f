// The typed tree of a PromQL expression, the whole language as of Prometheus 3.14.
//
// The parser (parser.h) makes it and checks types and arity; the printer (printer.h) writes it back; the engine
// (engine.h) evaluates it. Nodes are plain data and owned by their parent. Every node knows its place in the text, so
// that errors and annotations can name line and column.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/matcher.h"
#include "core/time.h"

namespace vedette::promql {

enum class ValueType : std::uint8_t { kNone, kScalar, kVector, kMatrix, kString };
/// "none", "scalar", "instant vector", "range vector", "string": as Prometheus' messages say it.
std::string_view ValueTypeName(ValueType type);

/// Byte offsets into the query text; `end` is one past the last byte.
struct Position {
  std::uint32_t start = 0, end = 0;
};

enum class ExprKind : std::uint8_t {
  kNumber,
  kString,
  kVectorSelector,
  kMatrixSelector,
  kSubquery,
  kCall,
  kAggregate,
  kBinary,
  kUnary,
  kParen
};

struct Expr {
  virtual ~Expr() = default;
  const ExprKind kind;
  ValueType type;
  Position pos;

 protected:
  Expr(ExprKind k, ValueType t) : kind(k), type(t) {}
};
using ExprPtr = std::unique_ptr<Expr>;

/// The node as its own type; the kind must fit. `As<CallExpr>(*expr).args`
template <class T>
const T& As(const Expr& expr) {
  return static_cast<const T&>(expr);
}
template <class T>
T& As(Expr& expr) {
  return static_cast<T&>(expr);
}

/// A duration given as an expression: `[5m + step()]`, `offset (2 * 1m)`. Values in seconds.
struct DurationExpr {
  enum class Op : std::uint8_t {
    kNumber,
    kStep,
    kRange,
    kAdd,
    kSub,
    kMul,
    kDiv,
    kMod,
    kPow,
    kNegate,
    kPlus,
    kMinOf,
    kMaxOf
  };
  Op op = Op::kNumber;
  double seconds = 0;                      // kNumber
  bool is_duration = false;                // kNumber: written as 5m, not as 300
  bool wrapped = false;                    // written in parentheses
  std::unique_ptr<DurationExpr> lhs, rhs;  // the operand of kNegate and kPlus is in rhs
  Position pos;
};
using DurationExprPtr = std::unique_ptr<DurationExpr>;

enum class StartOrEnd : std::uint8_t { kNeither, kStart, kEnd };

/// What may follow a selector or subquery, in any order.
struct TimeModifiers {
  Millis offset{0};                           // of `offset 5m`, or of offset_expr once the engine has resolved it
  DurationExprPtr offset_expr;                // set when the offset is not a plain literal
  std::optional<TimeMs> at;                   // `@ 1609746000`
  StartOrEnd at_edge = StartOrEnd::kNeither;  // `@ start()`, `@ end()`
};

struct NumberExpr final : Expr {
  NumberExpr() : Expr(ExprKind::kNumber, ValueType::kScalar) {}
  double value = 0;
  bool is_duration = false;  // written as a duration: 5m is 300
};

struct StringExpr final : Expr {
  StringExpr() : Expr(ExprKind::kString, ValueType::kString) {}
  std::string value;
};

struct VectorSelector final : Expr {
  VectorSelector() : Expr(ExprKind::kVectorSelector, ValueType::kVector) {}
  std::string name;               // as written before the braces, or empty; also present in `matchers`
  std::vector<Matcher> matchers;  // the one on __name__ included
  TimeModifiers time;
  bool anchored = false, smoothed = false;
  bool bypass_empty_check = false;  // inside info()'s second argument an empty matcher is fine
};

struct MatrixSelector final : Expr {
  MatrixSelector() : Expr(ExprKind::kMatrixSelector, ValueType::kMatrix) {}
  std::unique_ptr<VectorSelector> selector;  // holds offset, @ and the anchored/smoothed suffix
  Millis range{0};
  DurationExprPtr range_expr;
};

struct SubqueryExpr final : Expr {
  SubqueryExpr() : Expr(ExprKind::kSubquery, ValueType::kMatrix) {}
  ExprPtr expr;
  Millis range{0};
  Millis step{0};  // zero: the engine's default
  DurationExprPtr range_expr, step_expr;
  TimeModifiers time;
};

struct FunctionSpec;  // functions.h

struct CallExpr final : Expr {
  CallExpr() : Expr(ExprKind::kCall, ValueType::kVector) {}
  const FunctionSpec* function = nullptr;  // a row of the function table
  std::vector<ExprPtr> args;
};

enum class AggregateOp : std::uint8_t {
  kSum,
  kAvg,
  kMin,
  kMax,
  kCount,
  kGroup,
  kStddev,
  kStdvar,
  kTopk,
  kBottomk,
  kQuantile,
  kCountValues,
  kLimitk,
  kLimitRatio
};
std::string_view AggregateName(AggregateOp op);

struct AggregateExpr final : Expr {
  AggregateExpr() : Expr(ExprKind::kAggregate, ValueType::kVector) {}
  AggregateOp op = AggregateOp::kSum;
  ExprPtr expr;
  ExprPtr param;  // k, φ, label name; null when the operator takes none
  std::vector<std::string> grouping;
  bool without = false;
};

enum class BinaryOp : std::uint8_t {
  kAdd,
  kSub,
  kMul,
  kDiv,
  kMod,
  kPow,
  kAtan2,
  kEqual,
  kNotEqual,
  kGreater,
  kLess,
  kGreaterEqual,
  kLessEqual,
  kTrimUpper,
  kTrimLower,  // `</` and `>/` on native histograms
  kAnd,
  kOr,
  kUnless
};
std::string_view BinaryOpText(BinaryOp op);
bool IsComparison(BinaryOp op);
bool IsSetOperator(BinaryOp op);

enum class Cardinality : std::uint8_t { kOneToOne, kManyToOne, kOneToMany, kManyToMany };

struct VectorMatching {
  Cardinality card = Cardinality::kOneToOne;
  std::vector<std::string> labels;  // of on() or ignoring()
  bool on = false;
  std::vector<std::string> include;  // of group_left() or group_right()
  std::optional<double> fill_left, fill_right;
};

struct BinaryExpr final : Expr {
  BinaryExpr() : Expr(ExprKind::kBinary, ValueType::kVector) {}
  BinaryOp op = BinaryOp::kAdd;
  ExprPtr lhs, rhs;
  std::optional<VectorMatching> matching;  // set between two vectors
  bool return_bool = false;
};

struct UnaryExpr final : Expr {
  UnaryExpr() : Expr(ExprKind::kUnary, ValueType::kVector) {}
  bool negate = true;
  ExprPtr expr;
};

struct ParenExpr final : Expr {
  ParenExpr() : Expr(ExprKind::kParen, ValueType::kVector) {}
  ExprPtr expr;
};

/// A deep copy; positions and resolved durations included.
ExprPtr Clone(const Expr& expr);

}  // namespace vedette::promql
