#include "collector/exposition/parser.h"

#include "collector/exposition/number.h"
#include "collector/exposition/series_labels.h"
#include "core/labels.h"
#include "core/numbers.h"
#include "tests/support/catch.h"

namespace vedette::collector {
namespace {

using Event = ExpositionParser::Event;

/// Every line in one text: "series value@time", "TYPE family type", ...; at the end the error, if any.
std::string Dump(std::string_view body, ExpositionFormat format) {
  ExpositionParser parser(body, format);
  std::string out;
  for (;;) {
    switch (parser.Next()) {
      case Event::kEnd:
        return out;
      case Event::kError:
        return out + "ERROR " + parser.error().message;
      case Event::kSeries:
        out += fmt::format("{} {}", parser.series(), FormatSampleValue(parser.value()));
        if (parser.timestamp()) out += fmt::format("@{}", parser.timestamp()->ms);
        if (!parser.exemplar().empty()) out += fmt::format(" #{}", parser.exemplar());
        break;
      case Event::kType:
        out += fmt::format("TYPE {} {}", parser.family(), MetricTypeName(parser.type()));
        break;
      case Event::kHelp:
        out += fmt::format("HELP {} {}", parser.family(), parser.text());
        break;
      case Event::kUnit:
        out += fmt::format("UNIT {} {}", parser.family(), parser.text());
        break;
      case Event::kComment:
        out += "COMMENT";
        break;
    }
    out += '\n';
  }
}

std::string Text(std::string_view body) { return Dump(body, ExpositionFormat::kText); }
std::string OpenMetrics(std::string_view body) { return Dump(body, ExpositionFormat::kOpenMetrics); }

std::string LabelsOf(std::string_view series, MetricType type = MetricType::kUnknown) {
  const auto raw = ParseSeriesLabels(series, type);
  if (!raw) return raw.error().message;
  LabelsBuilder builder;
  for (const auto& [name, value] : *raw) builder.Set(name, value);
  return builder.Build().ToString();
}

}  // namespace

TEST_CASE("text format: lines of all kinds come out in order", "[exposition]") {
  CHECK(Text("# HELP a some \\\\ text\n# TYPE a counter\n#no meta\n# HELPFUL too\n\n a { x=\"1\" , y=\"}\", } 1 "
             "42\nb\t-0.5\n") ==
        "HELP a some \\\\ text\nTYPE a counter\nCOMMENT\nCOMMENT\na { x=\"1\" , y=\"}\", } 1@42\nb -0.5\n");
  CHECK(Text("a 1") == "a 1\n");
  CHECK(Text("# HELP a  \t\n# HELP a  x \n") == "HELP a \nHELP a  x \n");
  CHECK(Text("a{x=\"two\nlines\"} 1\n") == "a{x=\"two\nlines\"} 1\n");
  CHECK(Text("{\"my.metric\",\"the label\"=\"v\"} 2\n") == "{\"my.metric\",\"the label\"=\"v\"} 2\n");
  CHECK(Text("a +Inf\nb NaN\nc -inf\nd 1e3\ne 12345678901234567890\n") ==
        "a +Inf\nb NaN\nc -Inf\nd 1000\ne 12345678901234567000\n");
}

TEST_CASE("text format: what is refused names the line", "[exposition]") {
  const auto body = GENERATE(as<std::string>(), "a\n", "a 1 2 3\n", "a 1 -2\n", "a 0x1p-2\n", "a 1_0\n", "a{x=1} 1\n",
                             "a{x} 1\n", "a{\"b\"} 1\n", "{x=\"1\"} 1\n", "a{x=\"\xff\"} 1\n", "a 1\r\n",
                             "<html><body>hello</body></html>\n", "# TYPE a sandwich\n", "# HELP 1 x\n",
                             "a 1 99999999999999999999\n", std::string("a\0b 1\n", 6), "a 1e999\n", "a{x=\"1\n");
  INFO(body);
  CHECK_THAT(Text("ok 1\n" + body), Catch::Matchers::StartsWith("ok 1\nERROR line 2: "));
}

TEST_CASE("OpenMetrics: units, exemplars and times in seconds are read", "[exposition]") {
  CHECK(OpenMetrics("# TYPE a_s counter\n# UNIT a_s s\n# HELP a_s h\na_s_total 1 1.5 # {t=\"x\"} 0.5 2\n# EOF\n") ==
        "TYPE a_s counter\nUNIT a_s s\nHELP a_s h\na_s_total 1@1500 #{t=\"x\"} 0.5 2\n");
  CHECK(OpenMetrics("a{} 1 1e40\n# EOF") == fmt::format("a{{}} 1@{}\n", TimeMs::Max().ms));
  CHECK_THAT(OpenMetrics("a 1\n"), Catch::Matchers::EndsWith("data does not end with # EOF at column 1: \"\""));
  CHECK_THAT(OpenMetrics("a 1\n# EOF\nb 2\n"),
             Catch::Matchers::StartsWith("a 1\nERROR line 2: unexpected data after # EOF"));
}

TEST_CASE("labels of a series: escapes, quoted names, floats of buckets", "[exposition]") {
  CHECK(LabelsOf("a") == "a");
  CHECK(LabelsOf("a{x=\"q\\\"b\\\\n\\nz\\t\", y=\"\"}") == "a{x=\"q\\\"b\\\\n\\nz\\\\t\"}");
  CHECK(LabelsOf("{ \"my.metric\" , \"the label\" = \"v\" }") == LabelsOf("{\"the label\"=\"v\",\"my.metric\"}"));
  CHECK(LabelsOf("a{le=\"1\"}", MetricType::kHistogram) == "a{le=\"1.0\"}");
  CHECK(LabelsOf("a{le=\"1\"}", MetricType::kSummary) == "a{le=\"1\"}");
  CHECK(LabelsOf("a{quantile=\"0.50\"}", MetricType::kSummary) == "a{quantile=\"0.5\"}");
  CHECK(LabelsOf("a{le=\"+inf\"}", MetricType::kHistogram) == "a{le=\"+Inf\"}");
  CHECK(LabelsOf("a{le=\"x\"}", MetricType::kHistogram) == "a{le=\"x\"}");
  CHECK(LabelsOf("a{x=\"1\",x=\"2\"}") == "label name \"x\" is not unique: invalid sample");
  CHECK_THAT(LabelsOf("{\"\"}"), Catch::Matchers::StartsWith("metric name is missing"));
}

TEST_CASE("a line whose series text is known is read like any other", "[exposition]") {
  ExpositionParser parser("abc{x=\"1\"} 1 5\nabc 2\nabc {y=\"2\"} 3\nabcd 4\n", ExpositionFormat::kText);
  REQUIRE(parser.NextKnown(10) == Event::kSeries);
  CHECK(parser.series() == "abc{x=\"1\"}");
  CHECK(parser.timestamp() == TimeMs(5));
  REQUIRE(parser.NextKnown(3) == Event::kSeries);
  CHECK(parser.value() == 2);
  CHECK_FALSE(parser.timestamp());
  REQUIRE(parser.NextKnown(3) == Event::kSeries);  // the prefix was of another series
  CHECK(parser.series() == "abc {y=\"2\"}");
  REQUIRE(parser.NextKnown(3) == Event::kSeries);
  CHECK(parser.series() == "abcd");
  CHECK(parser.Next() == Event::kEnd);
}

TEST_CASE("plain decimals are read as the slow parser reads them", "[exposition]") {
  const auto text = GENERATE(as<std::string>(), "0", "-0", "1", "-17", "3.", "0.1", "123456.789", "9007199254740993",
                             "0.3333333333333333", "1.7976931348623157", "179769313486231570", "0.0000000000000001",
                             "00012.50", "1234567890.123456789", "+5", ".5", "1e5");
  const auto fast = ParseSampleValue(text);
  const auto slow = ParseFloat(text);
  INFO(text);
  REQUIRE(fast.has_value() == slow.has_value());
  CHECK(*fast == *slow);
  CHECK(std::signbit(*fast) == std::signbit(*slow));
}

}  // namespace vedette::collector
