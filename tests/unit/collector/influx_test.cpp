#include "collector/push/influx.h"

#include "collector/push/influx_line.h"
#include "core/gzip.h"
#include "tests/support/catch.h"
#include "tests/unit/collector/push_fixture.h"

namespace vedette::collector {
namespace {

class InfluxFixture : public test::PushFixture {
 public:
  InfluxFixture() : receiver(intake) {}

  /// A body whose times are relative: "@" stands for now in seconds.
  PushOutcome Send(std::string body, std::string_view precision = "s", std::string_view database = {},
                   std::string_view encoding = {}) {
    const std::string now = std::to_string(start.ms / 1000);
    for (std::size_t at = body.find('@'); at != std::string::npos; at = body.find('@')) body.replace(at, 1, now);
    return receiver.Ingest({body, encoding, precision, database});
  }

  InfluxReceiver receiver;
};

}  // namespace

TEST_CASE("fields of lines become series", "[push][influx]") {
  InfluxFixture f;
  for (int i = 0; i < 2; ++i) {
    const PushOutcome outcome = f.Send(
        "# a comment\n\ncpu,host=a,dc=x usage=1.5,busy=2i,up=t,down=FALSE,n=7u @\r\n"
        "mem free=-1e3 @\n",
        "s", "telegraf");
    MustSucceed(outcome.status);
    CHECK(outcome.samples == 6);
  }
  const std::string tags = "{db=\"telegraf\", dc=\"x\", host=\"a\"}";
  CHECK(f.Stored() == "cpu_busy" + tags + " 2@0\ncpu_down" + tags + " 0@0\ncpu_n" + tags + " 7@0\ncpu_up" + tags +
                          " 1@0\ncpu_usage" + tags + " 1.5@0\nmem_free{db=\"telegraf\"} -1000@0\n");
  CHECK(f.Metrics().find("vedette_collector_push_series_total{way=\"cached\"} 6") != std::string::npos);
  CHECK(f.Metrics().find("vedette_collector_push_samples_total{protocol=\"influx\"} 12") != std::string::npos);
}

TEST_CASE("escapes, strings with line ends, and lines without a time", "[push][influx]") {
  InfluxFixture f;
  const PushOutcome outcome =
      f.Send("my\\ disk,pa\\=th=/a\\,b\\ c,x=1 us\\,ed=3,note=\"a \\\"quote\\\",\nb\"\nnext v=1\n");
  MustSucceed(outcome.status);
  CHECK(outcome.dropped == 1);
  CHECK(f.Stored() == "{\"my disk_us,ed\", \"pa=th\"=\"/a,b c\", x=\"1\"} 3@0\nnext_v 1@0\n");
  CHECK(f.Metrics().find("dropped_total{reason=\"no_number\"} 1") != std::string::npos);
}

TEST_CASE("times come in the precision of the request", "[push][influx]") {
  const auto c = GENERATE(table<std::string, std::string>({{"", "1700000000123456789"},
                                                           {"ns", "1700000000123456789"},
                                                           {"us", "1700000000123456"},
                                                           {"ms", "1700000000123"}}));
  InfluxFixture f;
  MustSucceed(f.Send("m v=1 " + std::get<1>(c), std::get<0>(c)).status);
  CHECK(f.Stored() == "m_v 1@123\n");
}

TEST_CASE("bad lines are named, and the others stored", "[push][influx]") {
  struct Case {
    const char *line, *error;
  };
  const auto c = GENERATE(values<Case>({
      {"m", R"(line 2: line without fields in "m")"},
      {"m\\", R"(line 2: line without fields in "m\\")"},
      {",a=b v=1", R"(line 2: line without a measurement in ",a=b")"},
      {"m v", R"(line 2: field without a name or a value in "v")"},
      {"m =1", R"(line 2: field without a name or a value in "=1")"},
      {"m v=", R"(line 2: value that is no number in "")"},
      {"m v=abc", R"(line 2: value that is no number in "abc")"},
      {"m v=Inf", R"(line 2: value that is no number in "Inf")"},
      {"m v=\"x", R"(line 2: string without an end in "\"x")"},
      {"m v=1 x", R"(line 2: time that is no whole number in "x")"},
      {"m v=1 99999999999999999999", R"(line 2: time that is no whole number in "99999999999999999999")"},
      {"m,a v=1", R"(line 2: tag without a name or a value in "m,a")"},
      {"m v=1 9223372036854775807", "out of bounds: timestamp is too far in the future for series of line 2"},
      {"m v=1 -5", "out of bounds for series of line 2"},
  }));
  INFO(c.line);
  InfluxFixture f;
  const PushOutcome outcome =
      f.Send(std::string("good v=1 @\n") + c.line + "\n" +
             (std::string_view(c.line).find('"') == std::string_view::npos ? "good v=2 @" : ""));
  CHECK(outcome.status.error().code == Code::kBadData);
  CHECK(outcome.status.error().message == c.error);
  CHECK(outcome.dropped == 1);
  CHECK(f.Stored().starts_with("good_v "));
}

TEST_CASE("what cannot be read at all is refused", "[push][influx]") {
  InfluxFixture f;
  CHECK(f.Send("m v=1", "fortnight").status.error().message == R"(precision "fortnight" is not known)");
  CHECK(f.Send("m v=1", "s", "", "snappy").status.error().code == Code::kBadData);
  CHECK(f.Send("m v=1", "s", "", "gzip").status.error().code == Code::kBadData);
  CHECK(f.Stored().empty());
  MustSucceed(f.Send(Compress("m v=1", ZFormat::kGzip, 6), "s", "", "gzip").status);
  CHECK(f.Stored() == "m_v 1@0\n");
}

}  // namespace vedette::collector
