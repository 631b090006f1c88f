// `check metrics`: what strict readers refuse, with the line, and what the linter remarks.
#include "collector/exposition/strict.h"
#include "tests/support/catch.h"

namespace vedette::collector {
namespace {

void CheckRefused(const Result<std::vector<StrictFamily>>& got, std::size_t line, std::string_view reason) {
  REQUIRE(!got);
  INFO(got.error().message);
  CHECK(got.error().message.starts_with(fmt::format("line {}: ", line)));
  CHECK(got.error().message.find(reason) != std::string::npos);
}

}  // namespace

TEST_CASE("OpenMetrics is read to the letter", "[exposition][strict]") {
  const auto families =
      MustHave(ReadStrictOpenMetrics("# TYPE a counter\n"
                                     "# UNIT a \n"
                                     "# HELP a one\\ntwo\n"
                                     "a_total{x=\"\\\"\\\\\\n\\t\"} 1e3 1.5 # {id=\"7\"} 0.5 2\n"
                                     "a_created 2\n"
                                     "b -Inf\n"
                                     "# EOF\n"));
  REQUIRE(families.size() == 2);
  CHECK(families[0].help == "one\ntwo");
  CHECK(families[0].samples[0].labels.at("x") == "\"\\\n\\t");
  CHECK(families[0].samples[0].time == 1.5);
  CHECK(families[0].samples[0].has_exemplar);
  CHECK(families[1].type.empty());
  struct Case {
    std::string body;
    std::size_t line;
    std::string reason;
  };
  for (const Case& c : std::vector<Case>{
           {"a 1\n", 1, "# EOF is missing"},
           {"a 1\n# EOF\n# EOF\n", 3, "behind # EOF"},
           {"a 1\n\n# EOF\n", 2, "blank line"},
           {"a 1 2 3\n# EOF\n", 1, "' # {' was expected"},
           {"a 1_0\n# EOF\n", 1, "not a number"},
           {"a 7E555\n# EOF\n", 1, "not a number"},
           {"# TYPE a counter\na_total 1\n# HELP a x\n# EOF\n", 3, "behind its samples"},
           {"# TYPE a gauge\na{b=\"1\"} 1\na{b=\"2\"} 1\na{b=\"1\"} 1\n# EOF\n", 4, "follow each other"},
           {"# TYPE a histogram\na_bucket{le=\"1\"} 2\na_bucket{le=\"+Inf\"} 1\n# EOF\n", 3,
            "less than the one before"},
           {"# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_count 2\na_sum 1\n# EOF\n", 4, "the count is not"},
           {"# TYPE a histogram\na_bucket{le=\"+Inf\"} 1.5\n# EOF\n", 2, "whole number"},
           {"# TYPE a_total counter\n# TYPE a counter\n# EOF\n", 2, "is there already"},
           {"# TYPE a gauge\na 1 # {b=\"c\"} 1\n# EOF\n", 2, "only buckets"}}) {
    CheckRefused(ReadStrictOpenMetrics(c.body), c.line, c.reason);
  }
}

TEST_CASE("the text format is read as Prometheus' clients read it", "[exposition][strict]") {
  const auto families =
      MustHave(ReadStrictText("# a comment\n\n"
                              "# TYPE s Summary\n"
                              "s{quantile=\"0.5\",} 1\n"
                              "\ts_sum\t3 17\n"
                              "s_count 2\n"
                              "{\"dotted.name\",\"a b\"=\"c\"}5\n"));
  REQUIRE(families.size() == 2);
  CHECK(families[0].type == "summary");
  CHECK(families[0].samples.size() == 3);
  CHECK(families[0].samples[1].time == 17);
  CHECK(families[1].name == "dotted.name");
  CHECK(families[1].samples[0].labels.at("a b") == "c");
  CheckRefused(ReadStrictText("a 1"), 1, "line feed");
  CheckRefused(ReadStrictText("a 1\n# TYPE a gauge\n"), 2, "after samples");
  CheckRefused(ReadStrictText("# HELP a x\n# HELP a y\n"), 2, "second HELP");
  CheckRefused(ReadStrictText("# TYPE a info\n"), 1, "unknown metric type");
  CheckRefused(ReadStrictText("a{b=\"1\",b=\"2\"} 1\n"), 1, "duplicate label");
  CheckRefused(ReadStrictText("a{__name__=\"1\"} 1\n"), 1, "reserved");
  CheckRefused(ReadStrictText("a{b=\"\\t\"} 1\n"), 1, "escape");
  CheckRefused(ReadStrictText("a 1 2.5\n"), 1, "whole number");
  CheckRefused(ReadStrictText("a 1 2 3\n"), 1, "spurious");
  CheckRefused(ReadStrictText("a 0x1p3\n"), 1, "expected a number");
  CheckRefused(ReadStrictText("# TYPE a histogram\na_bucket{le=\"x\"} 1\n"), 2, "le label");
}

TEST_CASE("the linter says what promtool says", "[exposition][strict]") {
  const auto remarks = [](std::string_view body) { return LintFamilies(MustHave(ReadStrictText(body))); };
  CHECK(remarks("# HELP good_seconds_total x\n# TYPE good_seconds_total counter\ngood_seconds_total 1\n").empty());
  CHECK(remarks("# TYPE a counter\na 1\n") ==
        std::vector<std::string>{"a counter metrics should have \"_total\" suffix", "a no help text"});
  CHECK(remarks("# HELP x_milliseconds x\n# TYPE x_milliseconds gauge\nx_milliseconds{fooBar=\"1\",le=\"1\"} 1\n") ==
        std::vector<std::string>{"x_milliseconds label names should be written in 'snake_case' not 'camelCase'",
                                 "x_milliseconds non-histogram metrics should not have \"le\" label",
                                 "x_milliseconds use base unit \"seconds\" instead of \"milliseconds\""});
  CHECK(remarks("# HELP a:gauge_ms x\n# TYPE a:gauge_ms gauge\na:gauge_ms 1\na:gauge_ms 1\n") ==
        std::vector<std::string>{"a:gauge_ms metric names should not contain ':'",
                                 "a:gauge_ms metric names should not contain abbreviated units",
                                 "a:gauge_ms metric not unique"});
}

}  // namespace vedette::collector
