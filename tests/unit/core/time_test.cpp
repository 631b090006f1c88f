#include "core/time.h"

#include "tests/support/catch.h"

using namespace vedette;

TEST_CASE("durations are read and printed as Prometheus does", "[core][time]") {
  struct Case {
    std::string text;
    std::int64_t ms;
    std::string printed;
  };
  const auto c = GENERATE(values<Case>({{"0", 0, "0s"},
                                        {"5m", 300'000, "5m"},
                                        {"1h30m", 5'400'000, "1h30m"},
                                        {"90s", 90'000, "1m30s"},
                                        {"25h", 90'000'000, "1d1h"},
                                        {"90d", 7'776'000'000, "90d"},
                                        {"2w", 1'209'600'000, "2w"},
                                        {"1y", 31'536'000'000, "1y"},
                                        {"100ms", 100, "100ms"}}));
  INFO(c.text);
  CHECK(MustHave(ParseDuration(c.text)).count() == c.ms);
  CHECK(FormatDuration(Millis(c.ms)) == c.printed);
}

TEST_CASE("a text that is no duration is refused with the text in the message", "[core][time]") {
  const auto text = GENERATE(as<std::string>(), "", "5", "m", "1m1h", "5m5m", "-5m", "1.5h", "5 m", "99999999999999y");
  INFO(text);
  const auto result = ParseDuration(text);
  REQUIRE(!result);
  CHECK(result.error().message.find(text) != std::string::npos);
}

TEST_CASE("time parameters are float seconds or RFC 3339", "[core][time]") {
  CHECK(MustHave(ParseTime("1435781451.781")).ms == 1'435'781'451'781);
  CHECK(MustHave(ParseTime("-1.5")).ms == -1'500);
  CHECK(MustHave(ParseTime("2015-07-01T20:10:51.781Z")).ms == 1'435'781'451'781);
  CHECK(MustHave(ParseTime("2015-07-01T22:10:51.781+02:00")).ms == 1'435'781'451'781);
  CHECK(MustHave(ParseTime("1435781451781000")).ms > 1'435'781'451'000'000'000);  // Grafana sends ms once
  CHECK(!ParseTime("yesterday"));
  CHECK(!ParseTime("2015-13-01T00:00:00Z"));
  CHECK(!ParseTime("NaN"));
}

TEST_CASE("civil time and back is the identity over four thousand years", "[core][time]") {
  for (std::int64_t day = -719'528; day < 800'000; day += 97) {
    const TimeMs time(day * 86'400'000 + 12'345'678);
    CHECK(FromCivil(ToCivil(time)) == time);
  }
  const CivilTime leap = ToCivil(MustHave(ParseTime("2024-02-29T23:59:59Z")));
  CHECK(leap.day == 29);
  CHECK(leap.weekday == 4);
  CHECK(leap.year_day == 60);
}

TEST_CASE("Unix seconds have exactly three decimals or none", "[core][time]") {
  const auto text = [](std::int64_t ms) {
    std::string out;
    AppendUnixSeconds(out, TimeMs(ms));
    return out;
  };
  CHECK(text(1'435'781'451'781) == "1435781451.781");
  CHECK(text(1'000) == "1");
  CHECK(text(-1) == "-0.001");
  CHECK(text(-1'500) == "-1.500");
}
