#include <string>

#include "analytics/promql/functions.h"
#include "analytics/promql/literals.h"
#include "analytics/promql/parser.h"
#include "analytics/promql/printer.h"
#include "core/numbers.h"
#include "tests/support/catch.h"
#include "tests/unit/analytics/parser_options.h"

using namespace vedette;
using namespace vedette::promql;

namespace {

/// The expression with a parenthesis around every operator, call and modifier: shows how it was understood.
std::string Shape(const Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kBinary: {
      const auto& binary = As<BinaryExpr>(expr);
      return fmt::format("({} {} {})", Shape(*binary.lhs), BinaryOpText(binary.op), Shape(*binary.rhs));
    }
    case ExprKind::kUnary:
      return fmt::format("({} {})", As<UnaryExpr>(expr).negate ? '-' : '+', Shape(*As<UnaryExpr>(expr).expr));
    case ExprKind::kParen:
      return Shape(*As<ParenExpr>(expr).expr);
    default:
      return Print(expr);
  }
}

std::string Reprint(std::string_view text) { return Print(*MustHave(ParseExpr(text, kEverything))); }
std::string ParsedTree(std::string_view text) { return Shape(*MustHave(ParseExpr(text, kEverything))); }
double ReadNumber(std::string_view text) {
  const ExprPtr expr = MustHave(ParseExpr(text));
  REQUIRE(expr->kind == ExprKind::kNumber);
  return As<NumberExpr>(*expr).value;
}

struct Case {
  std::string text, want;
};

}  // namespace

TEST_CASE("operators bind in Prometheus' order", "[promql][parse]") {
  const auto c = GENERATE(values<Case>({
      {"a + b * c", "(a + (b * c))"},
      {"a - b - c", "((a - b) - c)"},
      {"a ^ b ^ c", "(a ^ (b ^ c))"},
      {"-a ^ b", "(- (a ^ b))"},
      {"-a * b", "((- a) * b)"},
      {"a ^ -b * c", "((a ^ (- b)) * c)"},
      {"-2 ^ 2", "(- (2 ^ 2))"},
      {"a or b and c unless d", "(a or ((b and c) unless d))"},
      {"a == b + c > d", "((a == (b + c)) > d)"},
      {"a atan2 b / c", "((a atan2 b) / c)"},
      {"a </ b >/ c", "((a </ b) >/ c)"},
      {"-a offset 5m", "(- a offset 5m)"},
      {"a offset 5m + 3", "(a offset 5m + 3)"},
      {"a AND b OR c", "((a and b) or c)"},
  }));
  CHECK(ParsedTree(c.text) == c.want);
}

TEST_CASE("an expression prints in its canonical form", "[promql][parse]") {
  const auto c = GENERATE(values<Case>({
      {"sum(x) by (a,b,)", "sum by (a, b) (x)"},
      {"SUM without() (x)", "sum without () (x)"},
      {"topk by (\"a.b\") (5, x)", "topk by (\"a.b\") (5, x)"},
      {"a - ignoring() b", "a - b"},
      {"a == bool on(x) group_left b", "a == bool on (x) group_left () b"},
      {"a + on(x) group_right(y, z) b", "a + on (x) group_right (y, z) b"},
      {"a + fill_right(2) fill_left(-1e6) b", "a + fill_left (-1e+06) fill_right (2) b"},
      {"fill + fill(1) fill", "fill + fill (1) fill"},
      {"x{b='2',a=~`1`,c!~\"\",}", "x{a=~\"1\",b=\"2\",c!~\"\"}"},
      {R"({"a.b", "c d"!="1"})", R"({"c d"!="1",__name__="a.b"})"},
      {"x[5m] @ 1.5 offset -1h", "x[5m] @ 1.500 offset -1h"},
      {"x offset 1m @ start()", "x @ start() offset 1m"},
      {"x @ -0.25 smoothed", "x @ -0.250 smoothed"},
      {"x anchored [90s]", "x[1m30s] anchored"},
      {"rate(x[300])[1h:] @ end()", "rate(x[5m])[1h:] @ end()"},
      {"x[1h:step()] offset (2*1m)", "x[1h:step()] offset (2 * 1m)"},
      {"x[min_of(range(), 5m)+-(3s)]", "x[min_of(range(), 5m) + -(3s)]"},
      {"x offset -(1h/2)", "x offset -(1h / 2)"},
      {"x offset (5m) + 3", "x offset (5m) + 3"},
      {"+Inf ^ 2 + Inf", "+Inf ^ 2 + +Inf"},
      {"x # a comment\n + y", "x + y"},
      {"0x1F + 1_000 + 5m", "31 + 1000 + 5m"},
      {"'a\\'\\x41\\u00e9' ", "\"a'Aé\""},
      {"`raw\\n`", "\"raw\\\\n\""},
  }));
  CHECK(Reprint(c.text) == c.want);
  CHECK(Reprint(c.want) == c.want);
}

TEST_CASE("words of the grammar stay usable as names", "[promql][parse]") {
  for (const auto* name : {"sum", "by", "without", "offset", "and", "or", "unless", "start", "end", "step", "range",
                           "fill", "fill_left", "anchored", "smoothed", "max_of", "limitk", "topk"}) {
    INFO(name);
    const ExprPtr expr = MustHave(ParseExpr(name));
    CHECK(As<VectorSelector>(*expr).name == name);
    CHECK(Reprint(fmt::format("{0} + {0}", name)) == fmt::format("{0} + {0}", name));
  }
  CHECK(Reprint("sum by (on, bool, by, start, and, group_left, sum, ignoring, atan2, fill) (x)") ==
        "sum by (on, bool, by, start, and, group_left, sum, ignoring, atan2, fill) (x)");
  CHECK(Reprint("x{on=\"1\",offset=\"2\"}") == "x{offset=\"2\",on=\"1\"}");
  CHECK(MustHave(ParseExpr("step() + range()", kEverything))->type == ValueType::kScalar);
}

TEST_CASE("numbers are read as Go reads them", "[promql][parse]") {
  CHECK(ReadNumber("0755") == 493);
  CHECK(ReadNumber("08.5") == 8.5);
  CHECK(ReadNumber("0X_ff") == 255);
  CHECK(ReadNumber("1_2.3e+1") == 123);
  CHECK(ReadNumber("+-.5e-3") == -0.0005);
  CHECK(ReadNumber("1h30m") == 5400);
  CHECK(ReadNumber("-15ms") == -0.015);
  CHECK(FormatFixed(ReadNumber("-iNf")) == "-Inf");
  CHECK(FormatFixed(ReadNumber("NaN")) == "NaN");
}

TEST_CASE("a selector knows its parts and its place", "[promql][parse]") {
  const ExprPtr expr = MustHave(ParseExpr("  foo{bar=\"baz\"}[5m] @ 10 offset 1m"));
  const auto& matrix = As<MatrixSelector>(*expr);
  CHECK(matrix.range == Millis(300'000));
  CHECK(matrix.selector->name == "foo");
  REQUIRE(matrix.selector->matchers.size() == 2);
  CHECK(matrix.selector->matchers.back() == Matcher::Equal("__name__", "foo"));
  CHECK(matrix.selector->time.offset == Millis(60'000));
  CHECK(matrix.selector->time.at == TimeMs(10'000));
  CHECK(matrix.pos.start == 2);
  CHECK(matrix.pos.end == 35);
}

TEST_CASE("vector matching is kept between vectors only", "[promql][parse]") {
  const auto read = [](std::string_view text) { return MustHave(ParseExpr(text, kEverything)); };
  CHECK(!As<BinaryExpr>(*read("1 + 2")).matching);
  CHECK(!As<BinaryExpr>(*read("x + 2")).matching);
  CHECK(read("1 + 2")->type == ValueType::kScalar);
  CHECK(read("x + 2")->type == ValueType::kVector);
  CHECK(As<BinaryExpr>(*read("x and y")).matching->card == Cardinality::kManyToMany);
  CHECK(As<BinaryExpr>(*read("x / on(a) group_left y")).matching->card == Cardinality::kManyToOne);
}

TEST_CASE("match[] takes a selector that refuses something", "[promql][parse]") {
  CHECK(MustHave(ParseMetricSelector("up{job=~\"a|b\"}")).size() == 2);
  CHECK(MustHave(ParseMetricSelector("{__name__!=\"\"}")).size() == 1);
  CHECK(ParseMetricSelector("{job=~\".*\"}").error().message == "match[] must contain at least one non-empty matcher");
  for (const auto* text : {"", "up[5m]", "rate(up[5m])", "up offset 5m", "up{", "up up", "1"}) {
    INFO(text);
    CHECK(!ParseMetricSelector(text).has_value());
  }
}

TEST_CASE("a copy prints like the original", "[promql][parse]") {
  const auto* text =
      "-sum by (a) (topk(3, x offset (1h + 2m))) / on (b) group_left (c) label_replace(rate(y[5m:step()] @ end()), "
      "\"a\", \"b\", \"c\", \"d\") > bool (3 - z[2m] smoothed)";
  const auto expr = ParseExpr(text, kEverything);
  REQUIRE(!expr.has_value());  // a range vector is no operand
  const std::string fine = "-sum by (a) (topk(3, x offset (1h + 2m))) / on (b) group_left (c) max_over_time(y[5m:1m])";
  const ExprPtr tree = MustHave(ParseExpr(fine));
  CHECK(Print(*Clone(*tree)) == fine);
}

TEST_CASE("long expressions are broken at their outermost level", "[promql][parse]") {
  const std::string metric(60, 'm');
  CHECK(PrettyPrint(*MustHave(ParseExpr("sum(rate(x[5m]))"))) == "sum(rate(x[5m]))");
  CHECK(PrettyPrint(*MustHave(ParseExpr(fmt::format("-sum by (a) ({0}+{0})", metric)))) ==
        fmt::format("-sum by (a) (\n    {0}\n  +\n    {0}\n)", metric));
  CHECK(PrettyPrint(*MustHave(ParseExpr(fmt::format("clamp(({0} * on(a) {0}), 1, 2)", metric)))) ==
        fmt::format("clamp(\n  (\n      {0}\n    * on (a)\n      {0}\n  ),\n  1,\n  2\n)", metric));
}

TEST_CASE("the function table has all functions of the language", "[promql][functions]") {
  CHECK(AllFunctions().size() == 90);
  std::size_t experimental = 0;
  for (const FunctionSpec& function : AllFunctions()) {
    INFO(function.name);
    CHECK(FindFunction(function.name) == &function);
    CHECK(AllFunctions()[static_cast<std::size_t>(function.id)].name == function.name);
    CHECK(!function.help.empty());
    CHECK(function.MinArgs() <= function.args.size());
    experimental += function.experimental ? 1 : 0;
  }
  CHECK(experimental == 17);
  CHECK(FindFunction("Rate") == nullptr);
  CHECK(FindFunction("histogram_quantiles")->MinArgs() == 3);
  CHECK(FindFunction("histogram_quantiles")->MaxArgs() == 12);
}
