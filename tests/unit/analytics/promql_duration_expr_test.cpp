#include "analytics/promql/duration_expr.h"

#include "analytics/promql/parser.h"
#include "tests/support/catch.h"

using namespace vedette;
using namespace vedette::promql;

namespace {

constexpr DurationContext kContext{Millis(15'000), Millis(3'600'000)};

/// The resolved range of `x[<text>]`.
Result<Millis> RangeOf(std::string_view text) {
  const ExprPtr expr = MustHave(ParseExpr(fmt::format("x[{}]", text)));
  VEDETTE_CHECK(ResolveDurations(*expr, kContext));
  return As<MatrixSelector>(*expr).range;
}

}  // namespace

TEST_CASE("duration expressions are evaluated in seconds", "[promql][duration]") {
  struct Case {
    std::string text;
    std::int64_t ms;
  };
  const auto c = GENERATE(values<Case>({{"5m", 300'000},
                                        {"0.0001", 1},
                                        {"1m + step() * 2", 90'000},
                                        {"range() / 2", 1'800'000},
                                        {"2 ^ 3 ^ 0", 2'000},
                                        {"-(1m - 2m)", 60'000},
                                        {"max_of(step(), min_of(1h, 20))", 20'000},
                                        {"7 % 4", 3'000},
                                        {"-3 + 5.0019", 2'001}}));
  INFO(c.text);
  CHECK(MustHave(RangeOf(c.text)) == Millis(c.ms));
}

TEST_CASE("durations that make no sense are execution errors with their place", "[promql][duration]") {
  CHECK(RangeOf("1m / (1 - 1)").error().message == "2:13: division by zero");
  CHECK(RangeOf("1m % (1 - 1)").error().message == "2:13: modulo by zero");
  CHECK(RangeOf("step() - step()").error().message == "2:17: duration must be greater than 0");
  CHECK(RangeOf("(0 - 8) ^ 0.5").error().message == "3:15: duration is NaN or infinite");
  CHECK(RangeOf("10 ^ 12").error().message == "2:9: duration is out of range");
  CHECK(RangeOf("1m % (1 - 1)").error().code == Code::kExecution);
}

TEST_CASE("offsets and steps inside a tree are resolved, too", "[promql][duration]") {
  const ExprPtr expr = MustHave(ParseExpr("sum(max_over_time(x[1h:step() * 2] offset -(1m)))"));
  MustSucceed(ResolveDurations(*expr, kContext));
  const auto& call = As<CallExpr>(*As<AggregateExpr>(*expr).expr);
  const auto& subquery = As<SubqueryExpr>(*call.args[0]);
  CHECK(subquery.step == Millis(30'000));
  CHECK(subquery.time.offset == Millis(-60'000));
}
