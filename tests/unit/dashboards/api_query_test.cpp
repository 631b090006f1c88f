#include <algorithm>
#include <limits>

#include "analytics/promql/query_registry.h"
#include "core/numbers.h"
#include "tests/unit/dashboards/api_fixture.h"

using namespace vedette;
using namespace vedette::dashboards;

namespace {

const std::string kMissingTime = R"(cannot parse \"\" to a valid timestamp)";

}  // namespace

TEST_CASE_METHOD(ApiFixture, "an instant query answers by the type of its value", "[api][query]") {
  Store({{"__name__", "x"}, {"a", "1"}}, {0.5, 0.25});
  Store({{"__name__", "x"}, {"a", "2"}}, {std::numeric_limits<double>::infinity()});
  CHECK(Get("query", {{"query", "x"}}) ==
        Ok(R"({"resultType":"vector","result":[{"metric":{"__name__":"x","a":"1"},"value":[1700000000,"0.5"]},)"
           R"({"metric":{"__name__":"x","a":"2"},"value":[1700000000,"+Inf"]}]})"));
  CHECK(Get("query", {{"query", "x{a=\"1\"}[2m]"}, {"time", "1700000000.5"}}) ==
        Ok(R"({"resultType":"matrix","result":[{"metric":{"__name__":"x","a":"1"},)"
           R"("values":[[1699999940,"0.25"],[1700000000,"0.5"]]}]})"));
  CHECK(Get("query", {{"query", "1e-7"}, {"time", "2023-11-14T22:13:20.25Z"}}) ==
        Ok(R"({"resultType":"scalar","result":[1700000000.250,"0.0000001"]})"));
  CHECK(Get("query", {{"query", "'a\\n'"}, {"time", "4"}}) == Ok(R"({"resultType":"string","result":[4,"a\n"]})"));
  CHECK(Get("query", {{"query", "nothing"}}) == Ok(R"({"resultType":"vector","result":[]})"));
}

TEST_CASE_METHOD(ApiFixture, "a range query answers a matrix sorted by labels", "[api][query]") {
  Store({{"__name__", "x"}, {"a", "2"}}, {1, 2, 3});
  Store({{"__name__", "x"}, {"a", "1"}}, {1e21});
  const Form form = {{"query", "x"}, {"start", "1699999880"}, {"end", "1700000000"}, {"step", "1m"}};
  const std::string want =
      Ok(R"({"resultType":"matrix","result":[{"metric":{"__name__":"x","a":"1"},"values":[[1700000000,"1e+21"]]},)"
         R"({"metric":{"__name__":"x","a":"2"},"values":[[1699999880,"3"],[1699999940,"2"],[1700000000,"1"]]}]})");
  CHECK(Get("query_range", form) == want);
  SECTION("as a form") {
    const Response response =
        Call(kPost, "/api/v1/query_range", {}, {{"Content-Type", "application/x-www-form-urlencoded"}},
             "query=x&start=1699999880&end=1700000000&step=60");
    CHECK(Text(response) == want);
    CHECK(response.headers.Get("Content-Type").starts_with("application/json"));
  }
}

TEST_CASE_METHOD(ApiFixture, "limit cuts and says so, stats are added on request", "[api][query]") {
  Store({{"__name__", "x"}, {"a", "1"}}, {1});
  Store({{"__name__", "x"}, {"a", "2"}}, {1});
  const std::string cut = Get("query", {{"query", "x"}, {"limit", "1"}});
  CHECK(cut == R"({"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"x","a":"1"},)"
               R"("value":[1700000000,"1"]}]},"warnings":["results truncated due to limit"]})");
  CHECK(Get("query", {{"query", "x"}, {"limit", "2"}}).find("warnings") == std::string::npos);
  const std::string stats = Get("query", {{"query", "x"}, {"stats", "all"}});
  CHECK(stats.find(R"("stats":{"timings":{"evalTotalTime":)") != std::string::npos);
  CHECK(stats.find(R"("samples":{"totalQueryableSamples":)") != std::string::npos);
  CHECK(Get("query", {{"query", "1"}, {"stats", "yes"}}).find("deprecated") != std::string::npos);
}

TEST_CASE_METHOD(ApiFixture, "bad query parameters are named", "[api][query]") {
  struct Case {
    std::string path;
    Form form;
    std::string error;
  };
  const Form range = {{"query", "x"}, {"start", "0"}, {"end", "100"}, {"step", "10"}};
  const auto with = [&](const std::string& name, const std::string& value) {
    Form form = range;
    for (auto& [key, text] : form) {
      if (key == name) return text = value, form;
    }
    form.emplace_back(name, value);
    return form;
  };
  const std::vector<Case> cases = {
      {"query", {}, R"(invalid parameter \"query\": unknown position: parse error: no expression found in input)"},
      {"query", {{"query", "sum(x"}}, R"(invalid parameter \"query\": 1:6: parse error: unclosed left parenthesis)"},
      {"query",
       {{"query", "1"}, {"time", "abc"}},
       R"(invalid parameter \"time\": invalid time value for 'time': cannot parse \"abc\" to a valid timestamp)"},
      {"query", {{"query", "1"}, {"limit", "-1"}}, R"(invalid parameter \"limit\": limit must be non-negative)"},
      {"query",
       {{"query", "1"}, {"limit", "x"}},
       R"(invalid parameter \"limit\": strconv.Atoi: parsing \"x\": invalid syntax)"},
      {"query",
       {{"query", "1"}, {"timeout", "x"}},
       R"(invalid parameter \"timeout\": cannot parse \"x\" to a valid duration)"},
      {"query_range", with("start", ""), R"(invalid parameter \"start\": )" + kMissingTime},
      {"query_range", with("end", ""), R"(invalid parameter \"end\": )" + kMissingTime},
      {"query_range", with("end", "-1"), R"(invalid parameter \"end\": end timestamp must not be before start time)"},
      {"query_range", with("step", ""), R"(invalid parameter \"step\": cannot parse \"\" to a valid duration)"},
      {"query_range", with("step", "0"),
       R"(invalid parameter \"step\": zero or negative query resolution step widths are not accepted. Try a positive )"
       "integer"},
      {"query_range", with("step", "1e300"),
       R"(invalid parameter \"step\": cannot parse \"1e300\" to a valid duration. It overflows int64)"},
      {"query_range", with("end", "110010"),
       "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)"},
      {"query_range", with("query", "x[5m]"),
       R"(invalid parameter \"query\": invalid expression type \"range vector\" for range query, must be Scalar or )"
       "instant Vector"},
  };
  for (const Case& c : cases) {
    INFO(c.path + " " + c.error);
    CHECK(Get(c.path, c.form) == Bad(c.error));
  }
  CHECK(Call(kGet, "/api/v1/query_range", with("end", "110000")).status == 200);
  CHECK(Call(kGet, "/api/v1/query_range", with("end", "9e300")).status == 400);
}

TEST_CASE_METHOD(ApiFixture, "a query that cannot be evaluated is unprocessable", "[api][query]") {
  Store({{"__name__", "x"}, {"a", "1"}}, {1});
  Store({{"__name__", "x"}, {"a", "2"}}, {1});
  const std::string text = Get("query", {{"query", "x + on() x"}});
  CHECK(text.starts_with(R"(422 {"status":"error","errorType":"execution","error":")"));
}

TEST_CASE_METHOD(ApiFixture, "series, labels and values answer what is stored", "[api][series]") {
  Store({{"__name__", "up"}, {"job", "a"}, {"dotted.name", "1"}}, {1});
  Store({{"__name__", "up"}, {"job", "b"}}, {1});
  Store({{"__name__", "down"}, {"job", "c"}}, {1});
  CHECK(Get("series", {{"match[]", "up{job=\"b\"}"}, {"match[]", "{job=~\"b|c\"}"}}) ==
        Ok(R"([{"__name__":"down","job":"c"},{"__name__":"up","job":"b"}])"));
  CHECK(Get("series", {{"match[]", "up"}, {"limit", "1"}}) ==
        R"({"status":"success","data":[{"__name__":"up","dotted.name":"1","job":"a"}],)"
        R"("warnings":["results truncated due to limit"]})");
  CHECK(Get("labels") == Ok(R"(["__name__","dotted.name","job"])"));
  CHECK(Get("labels", {{"match[]", "down"}}) == Ok(R"(["__name__","job"])"));
  CHECK(Get("label/job/values") == Ok(R"(["a","b","c"])"));
  CHECK(Get("label/job/values", {{"match[]", "up"}, {"match[]", "down"}, {"limit", "2"}}) ==
        R"({"status":"success","data":["a","b"],"warnings":["results truncated due to limit"]})");
  CHECK(Get("label/U__dotted_2e_name/values") == Ok(R"(["1"])"));
  CHECK(Get("label/nope/values") == Ok("[]"));
  CHECK(Get("labels", {{"start", "5"}, {"end", "6"}}) == Ok("[]"));
}

TEST_CASE_METHOD(ApiFixture, "selectors that cannot be are refused", "[api][series]") {
  CHECK(Get("series") == Bad("no match[] parameter provided"));
  CHECK(Get("series", {{"match[]", "up["}})
            .starts_with(R"(400 {"status":"error","errorType":"bad_data","error":"invalid )"
                         R"(parameter \"match[]\": 1:)"));
  CHECK(Get("series", {{"match[]", "{a=\"\"}"}}) ==
        Bad(R"(invalid parameter \"match[]\": match[] must contain at least one non-empty matcher)"));
  CHECK(Get("labels", {{"start", "x"}}) ==
        Bad(R"(invalid parameter \"start\": invalid time value for 'start': cannot parse \"x\" to a valid timestamp)"));
  CHECK(Call(kPost, "/api/v1/label/job/values").status == 405);
}

TEST_CASE_METHOD(ApiFixture, "expressions are laid out and taken apart", "[api][query]") {
  CHECK(Get("format_query", {{"query", "sum(x)by(a)  # why"}}) == Ok("\"sum by (a) (x)\""));
  CHECK(Get("parse_query", {{"query", "-x{a=~\"b\"} offset 1m"}}) ==
        Ok(R"({"type":"unaryExpr","op":"-","expr":{"type":"vectorSelector","name":"x","matchers":[)"
           R"({"name":"a","value":"b","type":"=~"},{"name":"__name__","value":"x","type":"="}],"offset":60000,)"
           R"("offsetExpr":null,"timestamp":null,"startOrEnd":null,"anchored":false,"smoothed":false}})"));
  CHECK(
      Get("parse_query", {{"query", "sum by (a) (rate(x[1m+2m])) > bool 1"}}) ==
      Ok(R"({"type":"binaryExpr","op":">","lhs":{"type":"aggregation","op":"sum","expr":{"type":"call","func":)"
         R"({"name":"rate","argTypes":["matrix"],"variadic":0,"returnType":"vector"},"args":[)"
         R"({"type":"matrixSelector","name":"x","matchers":[{"name":"__name__","value":"x","type":"="}],"offset":0,)"
         R"("offsetExpr":null,"timestamp":null,"startOrEnd":null,"anchored":false,"smoothed":false,"range":0,)"
         R"("rangeExpr":{"type":"durationExpr","op":"+","lhs":{"type":"numberLiteral","val":"60","duration":true},)"
         R"("rhs":{"type":"numberLiteral","val":"120","duration":true},"wrapped":false}}]},"param":null,)"
         R"("grouping":["a"],"without":false},"rhs":{"type":"numberLiteral","val":"1"},"matching":null,"bool":true})"));
  CHECK(Call(kGet, "/api/v1/format_query", {{"query", "("}}).status == 400);
  // Grafana's probe sends milliseconds once.
  CHECK(Get("query_exemplars", {{"query", "test"}, {"start", "1700000000000"}, {"end", "1700000060000"}}) == Ok("[]"));
  CHECK(Get("query_exemplars", {{"query", "test"}, {"start", "2"}, {"end", "1"}}) ==
        Bad("end timestamp must not be before start timestamp"));
}

TEST_CASE_METHOD(ApiFixture, "exemplars of the series that an expression names", "[api][query]") {
  const auto appender = storage->NewAppender();
  for (const std::string job : {"b", "a"}) {
    const storage::SeriesId id = MustHave(appender->Series({{"__name__", "x_total"}, {"job", job}}));
    appender->AddExemplar(id, {{{"trace_id", "t" + job}}, 0.5, clock.Now() + Millis(250)});
    appender->AddExemplar(id, {{}, 1e30, clock.Now() - Millis(10'000)});
  }
  MustHave(appender->Commit());
  const std::string a =
      R"({"seriesLabels":{"__name__":"x_total","job":"a"},"exemplars":[{"labels":{},"value":"1e+30",)"
      R"("timestamp":1699999990},{"labels":{"trace_id":"ta"},"value":"0.5","timestamp":1700000000.250}]})";
  CHECK(Get("query_exemplars", {{"query", "topk(1, rate(x_total{job=\"a\"}[5m])) / y"}}) == Ok("[" + a + "]"));
  CHECK(Get("query_exemplars", {{"query", "x_total"}, {"start", "1700000000"}, {"end", "1700000001"}}) ==
        Ok(R"([{"seriesLabels":{"__name__":"x_total","job":"a"},"exemplars":[{"labels":{"trace_id":"ta"},)"
           R"("value":"0.5","timestamp":1700000000.250}]},{"seriesLabels":{"__name__":"x_total","job":"b"},)"
           R"("exemplars":[{"labels":{"trace_id":"tb"},"value":"0.5","timestamp":1700000000.250}]}])"));
  CHECK(Get("query_exemplars", {{"query", "x_total offset 1h + 1"}, {"end", "5"}}) == Ok("[]"));
  CHECK(Get("query_exemplars", {{"query", "1 + 1"}}) == "204 ");
}

TEST_CASE_METHOD(ApiFixture, "a stream of one long series comes in small pieces", "[api]") {
  Store({{"__name__", "up"}}, {1, 2});
  const std::string accept = GENERATE(as<std::string>(), "application/x-ndjson", "text/csv");
  const Form form{{"query", "up * 1.25"}, {"start", "1699999950"}, {"end", "1700000250"}, {"step", "0.003"}};
  Response response = Call(kGet, "/api/v1/query_range", form, {{"Accept", accept}});
  REQUIRE(response.status == 200);
  REQUIRE(response.more);
  std::string all = response.body;
  for (Piece kind = Piece::kMore; kind == Piece::kMore;) {
    std::string piece;
    kind = response.more(piece);
    REQUIRE(kind != Piece::kBroken);
    CHECK(piece.size() < 300'000);
    all += piece;
  }
  CHECK(all.size() > 2'000'000);
  const auto lines = std::ranges::count(all, '\n');
  CHECK(lines == (accept == "text/csv" ? 100'002 : 2));
  if (accept != "text/csv") {
    CHECK(all.starts_with(R"({"metric":{},"values":[[1699999950,"2.5"],[1699999950.003,"2.5"],)"));
    CHECK(all.ends_with("[1700000250,\"1.25\"]]}\n{\"status\":\"success\",\"series\":1}\n"));
  }
}

TEST_CASE_METHOD(ApiFixture, "a stream has a limit of steps, and one that was cut short succeeded", "[api]") {
  for (const char* const i : {"a", "b"}) Store({{"__name__", "up"}, {"i", i}}, {1});
  const Headers accept{{"Accept", "application/x-ndjson"}};
  const Response fine =
      Call(kGet, "/api/v1/query_range", {{"query", "up"}, {"start", "0"}, {"end", "1000000"}, {"step", "1"}}, accept);
  CHECK(fine.status == 200);
  CHECK(Text(Call(kGet, "/api/v1/query_range", {{"query", "up"}, {"start", "0"}, {"end", "1000001"}, {"step", "1"}},
                  accept)) == Bad("exceeded maximum resolution of 1,000,000 points per timeseries. Try decreasing the "
                                  "query resolution (?step=XX)"));
  Response cut =
      Call(kGet, "/api/v1/query_range",
           {{"query", "up"}, {"start", "1700000000"}, {"end", "1700000000"}, {"step", "1"}, {"limit", "1"}}, accept);
  std::string piece;
  REQUIRE(cut.more);
  CHECK(cut.more(piece) == Piece::kLast);
  const auto latest = engine.queries().Latest(1);
  REQUIRE(latest.size() == 1);
  CHECK(latest[0].error.empty());
}

TEST_CASE_METHOD(ApiFixture, "a query is canceled with the admin API only", "[api]") {
  CHECK(Call(kPost, "/api/v1/status/active_queries/1").status == 500);
  context.options.cancel_queries = true;
  CHECK(Call(kPost, "/api/v1/status/active_queries/1").status == 404);
}

TEST_CASE_METHOD(ApiFixture, "before and after its time the API is unavailable", "[api]") {
  Readiness now = Readiness::kStarting;
  context.readiness = [&] { return now; };
  for (const bool stopping : {false, true}) {
    now = stopping ? Readiness::kStopping : Readiness::kStarting;
    for (const std::string path : {"/api/v1/query", "/api/v1/targets", "/-/ready"}) {
      INFO(path);
      const Response response = Call(kGet, path, {{"query", "1"}});
      CHECK(Text(response) == "503 Service Unavailable");
      CHECK(response.headers.Get("X-Prometheus-Stopping") == (stopping ? "true" : "false"));
    }
    for (const std::string path : {"/-/healthy", "/metrics", "/version", "/api/v1/status/walreplay"}) {
      INFO(path);
      CHECK(Call(kGet, path).status == 200);
    }
  }
  now = Readiness::kReady;
  CHECK(Call(kGet, "/-/ready").status == 200);
}
