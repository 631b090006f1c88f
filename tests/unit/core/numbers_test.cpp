#include "core/numbers.h"

#include <cmath>
#include <limits>

#include "tests/support/catch.h"

using namespace vedette;

TEST_CASE("sample values are written like Prometheus writes them", "[core][numbers]") {
  struct Case {
    double value;
    std::string text;
  };
  const auto c = GENERATE(values<Case>({{0, "0"},
                                        {-0.0, "-0"},
                                        {1, "1"},
                                        {0.1, "0.1"},
                                        {-1.5, "-1.5"},
                                        {1e-6, "0.000001"},
                                        {1e-7, "1e-07"},
                                        {1e20, "100000000000000000000"},
                                        {1e21, "1e+21"},
                                        {123456789012345680000.0, "123456789012345680000"},
                                        {1.7976931348623157e308, "1.7976931348623157e+308"},
                                        {5e-324, "5e-324"}}));
  CHECK(FormatSampleValue(c.value) == c.text);
  CHECK(ParseFloat(c.text) == c.value);
}

TEST_CASE("special values have names", "[core][numbers]") {
  const double inf = std::numeric_limits<double>::infinity();
  CHECK(FormatSampleValue(inf) == "+Inf");
  CHECK(FormatSampleValue(-inf) == "-Inf");
  CHECK(FormatSampleValue(NormalNan()) == "NaN");
  CHECK(FormatSampleValue(StaleNan()) == "NaN");
  CHECK(ParseFloat("+Inf") == inf);
  CHECK(ParseFloat("-inf") == -inf);
  CHECK(ParseFloat("infinity") == inf);
  CHECK(std::isnan(ParseFloat("NaN").value()));
  CHECK(!IsStaleNan(ParseFloat("nan").value()));
  CHECK(IsStaleNan(StaleNan()));
}

TEST_CASE("texts that are not numbers are refused, underflow is zero", "[core][numbers]") {
  for (const auto* text :
       {"", "+", "1_000", "0x10", "1e400", "1.2.3", "--1", "+-1", "1 ", "nan(1)", "+NaN", "-nan", "e5"}) {
    INFO(text);
    CHECK(!ParseFloat(text));
  }
  CHECK(ParseFloat("1e-400") == 0.0);
  CHECK(ParseFloat("+1.5") == 1.5);
  CHECK(ParseFloat("1.") == 1.0);
  CHECK(ParseFloat(".5") == 0.5);
}

TEST_CASE("fixed, exponent and general forms follow Go's strconv", "[core][numbers]") {
  std::string out;
  AppendFixed(out, 1e21);
  CHECK(out == "1000000000000000000000");
  out.clear();
  AppendFixed(out, 1e-7);
  CHECK(out == "0.0000001");
  out.clear();
  AppendExponent(out, 11);
  CHECK(out == "1.1e+01");
  out.clear();
  AppendExponent(out, 0);
  CHECK(out == "0e+00");
  out.clear();
  AppendGeneral(out, 1e-5);
  CHECK(out == "1e-05");
  out.clear();
  AppendGeneral(out, 1048576);
  CHECK(out == "1.048576e+06");
}
