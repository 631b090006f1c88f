#include <limits>

#include "dashboards/api/envelope.h"
#include "dashboards/api/json_writer.h"
#include "dashboards/api/params.h"
#include "tests/support/catch.h"

using namespace vedette;
using namespace vedette::dashboards;

namespace {

Parameters One(const std::string& name, const std::string& value) {
  Parameters parameters;
  parameters.Add(name, value);
  return parameters;
}

}  // namespace

TEST_CASE("JSON is written with its commas and escapes", "[api][json]") {
  JsonWriter json;
  json.BeginObject().Key("a").BeginArray().Int(-1).Uint(2).BeginArray().End().BeginObject().End().End();
  json.Key("b\"").String("\x01\n\t\\\xff é").Key("c").Bool(true).Key("d").Null().End();
  CHECK(json.text() == R"({"a":[-1,2,[],{}],"b\"":")"
                       "\\u0001\\n\\t\\\\\xef\xbf\xbd é"
                       R"(","c":true,"d":null})");
}

TEST_CASE("numbers and times are written as Prometheus writes them", "[api][json]") {
  JsonWriter json;
  json.BeginArray().Double(0.25).Double(1e-9).Double(std::numeric_limits<double>::infinity());
  json.SampleValue(-0.0).SampleValue(std::numeric_limits<double>::quiet_NaN()).UnixSeconds(TimeMs(1500));
  json.UnixSeconds(TimeMs(-2000)).Rfc3339(TimeMs(1500)).Rfc3339(std::nullopt).Seconds(Millis(1500)).End();
  CHECK(json.text() == R"([0.25,1e-09,null,"-0","NaN",1.500,-2,"1970-01-01T00:00:01.5Z","0001-01-01T00:00:00Z",1.5])");
}

TEST_CASE("at most ten warnings and infos are sent", "[api][json]") {
  promql::Annotations notes;
  for (int i = 0; i < 12; ++i) notes.warnings.push_back(std::to_string(i));
  notes.infos = {"note"};
  Success success;
  success.json().Null();
  CHECK(std::move(success).Finish(notes).body ==
        R"({"status":"success","data":null,"warnings":["0","1","2","3","4","5","6","7","8","9",)"
        R"("2 more warning annotations omitted"],"infos":["note"]})");
}

TEST_CASE("each kind of error has its type and status", "[api][json]") {
  struct Case {
    Code code;
    int status;
    std::string type;
  };
  const auto c = GENERATE(values<Case>({{Code::kBadData, 400, "bad_data"},
                                        {Code::kExecution, 422, "execution"},
                                        {Code::kLimit, 422, "execution"},
                                        {Code::kCanceled, 499, "canceled"},
                                        {Code::kTimeout, 503, "timeout"},
                                        {Code::kNotFound, 404, "not_found"},
                                        {Code::kUnavailable, 500, "unavailable"},
                                        {Code::kCorruption, 500, "internal"}}));
  const Response response = ErrorResponse({c.code, "why"});
  CHECK(response.status == c.status);
  CHECK(response.body == R"({"status":"error","errorType":")" + c.type + R"(","error":"why"})");
}

TEST_CASE("times of any size and the two ends of time are understood", "[api][params]") {
  const auto read = [](const std::string& text) { return MustHave(TimeParameter(One("time", text), "time")).value(); };
  CHECK(read("1.0005") == TimeMs(1001));
  CHECK(read("1700000000000") == TimeMs(1'700'000'000'000'000));
  CHECK(read("1e300").ms > kMaxTime.ms / 2);
  CHECK(read("2023-11-14T22:13:20.123456789+01:00") == TimeMs(1'699'996'400'123));
  CHECK(read("-292273086-05-16T16:47:06Z") == kMinTime);
  CHECK(FormatRfc3339(kMinTime) == "-292273086-05-16T16:47:06Z");
  CHECK(read("292277025-08-18T07:12:54.999999999Z") == kMaxTime);
  CHECK(FormatRfc3339(kMaxTime) == "292277025-08-18T07:12:54.999Z");
  CHECK(!MustHave(TimeParameter(Parameters(), "time")).has_value());
  CHECK(!TimeParameter(One("time", "2023-02-30T00:00:00Z"), "time").has_value());
}

TEST_CASE("durations are seconds or words", "[api][params]") {
  const auto read = [](const std::string& text) { return MustHave(DurationParameter(One("d", text), "d")).value(); };
  CHECK(read("0.5") == Millis(500));
  CHECK(read("1h30m") == std::chrono::minutes(90));
  CHECK(read("-3") == std::chrono::seconds(-3));
  for (const auto* text : {"NaN", "Inf", "1e20", "5", "h"}) {
    INFO(text);
    CHECK(DurationParameter(One("d", text), "d").has_value() == (std::string_view(text) == "5"));
  }
}

TEST_CASE("escaped label names are read back", "[api][params]") {
  CHECK(UnescapeLabelName("job") == "job");
  CHECK(UnescapeLabelName("U__a_2e_b__c") == "a.b_c");
  CHECK(UnescapeLabelName("U___1f600_") == "\xf0\x9f\x98\x80");
  for (const auto* text : {"U__a_", "U__a_zz_", "U__a_2e", "U__a_d800_", "U__a_1234567_", "U__a_-1_"}) {
    INFO(text);
    CHECK(UnescapeLabelName(text) == text);
  }
}
