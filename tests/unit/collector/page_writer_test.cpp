#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "collector/exposition/format_choice.h"
#include "collector/exposition/page_writer.h"
#include "tests/support/catch.h"
#include "tests/support/protobuf_writer.h"

namespace vedette::collector {
namespace {

Histogram CustomHistogram() {
  auto layout = std::make_shared<HistogramLayout>();
  layout->schema = HistogramLayout::kCustomSchema;
  layout->bounds = {0.5, 1, 2};
  layout->positive = {0, 2, 3};
  Histogram histogram;
  histogram.layout = layout;
  histogram.count = 10;
  histogram.sum = 7.5;
  histogram.counts = {1, 4, 5};
  return histogram;
}

Histogram SmallHistogram() {
  auto layout = std::make_shared<HistogramLayout>();
  layout->schema = 3;
  layout->zero_threshold = 0.25;
  layout->positive = {1, 2, 5};
  layout->negative = {-1};
  Histogram histogram;
  histogram.layout = layout;
  histogram.count = 11;
  histogram.sum = 2.5;
  histogram.zero_count = 1;
  histogram.counts = {1, 2, 3, 4};
  return histogram;
}

const std::vector<LabelView> kLabels = {{"a", "x\"y\\z\n"}, {"none", ""}};

TEST_CASE("a page's format follows the Accept header", "[collector][page]") {
  constexpr std::string_view kDelimited =
      "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";
  const auto choose = [](const std::string& accept) { return ContentTypeOf(ChooseFormat(accept)); };
  const std::string text = "text/plain; version=0.0.4; charset=utf-8; escaping=";
  const std::string protobuf =
      "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; escaping=";
  CHECK(choose("") == text + "underscores");
  CHECK(choose("*/*") == text + "underscores");
  CHECK(choose("application/openmetrics-text;version=1.0.0") == text + "underscores");
  CHECK(choose("text/plain;version=0.0.4;escaping=dots") == text + "dots");
  CHECK(choose("text/plain;version=1.0.0;escaping=allow-utf-8") == text + "allow-utf-8");
  CHECK(choose("text/plain;escaping=nonsense") == text + "underscores");
  CHECK(choose(std::string(kDelimited)) == protobuf + "underscores");
  CHECK(choose("text/plain;q=0.5," + std::string(kDelimited) + ";q=0.6") == protobuf + "underscores");
  CHECK(choose("text/plain;q=0.7," + std::string(kDelimited) + ";q=0.6") == text + "underscores");
  CHECK(choose("application/vnd.google.protobuf;proto=other;encoding=delimited") == text + "underscores");
  // No number weighs nothing, NaN as much as nothing said, 2 is more than 1.
  CHECK(choose("text/plain;q=x," + std::string(kDelimited) + ";q=0.1") == protobuf + "underscores");
  CHECK(choose(std::string(kDelimited) + ";q=0.9,text/plain;q=nan") == text + "underscores");
  CHECK(choose("text/plain;q=1," + std::string(kDelimited) + ";q=2") == protobuf + "underscores");
}

TEST_CASE("names in UTF-8 are escaped by the scheme", "[collector][page]") {
  using enum NameEscaping;
  CHECK(EscapeMetricName("a_b:c", kValues) == "a_b:c");
  CHECK(EscapeMetricName("a.b_cé", kUnderscores) == "a_b_c_");
  CHECK(EscapeMetricName("a.b_cé", kDots) == "a_dot_b__c__");
  CHECK(EscapeMetricName("a.b_cé", kValues) == "U__a_2e_b__c_e9_");
  CHECK(EscapeMetricName("a.b_cé", kAllowUtf8) == "a.b_cé");
  CHECK(EscapeMetricName("1a", kUnderscores) == "_a");
}

TEST_CASE("a page as text", "[collector][page]") {
  std::string out;
  PageWriter page({PageFormat::kText, NameEscaping::kAllowUtf8}, out);
  CHECK_FALSE(page.Takes(SmallHistogram()));
  REQUIRE(page.Takes(CustomHistogram()));
  page.Begin("a", PageWriter::Kind::kUntyped);
  page.Add(kLabels, 1e7, TimeMs(1500));
  page.Add({}, std::nan(""), TimeMs(-5));
  page.Begin("ü", PageWriter::Kind::kHistogram);
  page.Add({}, CustomHistogram(), TimeMs(7));
  page.Finish();
  CHECK(out ==
        "# TYPE a untyped\n"
        "a{a=\"x\\\"y\\\\z\\n\",none=\"\"} 1e+07 1500\n"
        "a NaN -5\n"
        "# TYPE \"ü\" histogram\n"
        "{\"ü_bucket\",le=\"0.5\"} 1 7\n"
        "{\"ü_bucket\",le=\"1\"} 1 7\n"
        "{\"ü_bucket\",le=\"2\"} 5 7\n"
        "{\"ü_bucket\",le=\"+Inf\"} 10 7\n"
        "{\"ü_sum\"} 7.5 7\n"
        "{\"ü_count\"} 10 7\n");
}

TEST_CASE("a page as protobuf", "[collector][page]") {
  using test::Proto;
  std::string out;
  PageWriter page({PageFormat::kProtobuf, NameEscaping::kUnderscores}, out);
  REQUIRE(page.Takes(SmallHistogram()));
  page.Begin("a.b", PageWriter::Kind::kUntyped);
  page.Add(std::vector<LabelView>{{"l.m", "v"}}, 2, TimeMs(5));
  page.Begin("h", PageWriter::Kind::kGaugeHistogram);
  page.Add({}, SmallHistogram(), TimeMs(6));
  page.Finish();
  const auto delimited = [](const Proto& family) {
    return Proto().Put(family.bytes().size()).bytes() + family.bytes();
  };
  const Proto metric = test::ProtoMetric({{"l_m", "v"}}).Message(5, Proto().Double(1, 2)).Varint(6, 5);
  Proto histogram;
  histogram.Double(2, 2.5).Double(4, 11).Signed(5, 3).Double(6, 0.25).Double(8, 1);
  histogram.Message(9, test::ProtoSpan(-1, 1)).Doubles(11, {4});
  histogram.Message(12, test::ProtoSpan(1, 2)).Message(12, test::ProtoSpan(2, 1)).Doubles(14, {1, 2, 3});
  CHECK(out ==
        delimited(Proto().Bytes(1, "a_b").Varint(3, 3).Message(4, metric)) +
            delimited(Proto().Bytes(1, "h").Varint(3, 5).Message(4, Proto().Message(7, histogram).Varint(6, 6))));
}

}  // namespace
}  // namespace vedette::collector
