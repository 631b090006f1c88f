// The protobuf format from bytes to what the store holds; malformed bytes at the end.
#include <limits>

#include "collector/exposition/protobuf_parser.h"
#include "collector/scrape/target_appender.h"
#include "tests/support/catch.h"
#include "tests/support/protobuf_writer.h"
#include "tests/unit/collector/appender_fixture.h"

namespace vedette::collector {
namespace {

using test::Proto;
using test::ProtoBucket;
using test::ProtoCounter;
using test::ProtoExemplar;
using test::ProtoFamily;
using test::ProtoLabel;
using test::ProtoMetric;
using test::ProtoSpan;
using test::ProtoTime;

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

class ProtobufFixture : public AppenderFixture {
 public:
  ScrapeOutcome ScrapeProto(std::string_view bytes) { return Scrape(bytes, ExpositionFormat::kProtobuf); }
  /// What is stored of a scrape that goes well; otherwise its error.
  std::string Store(std::string_view bytes) {
    const ScrapeOutcome outcome = ScrapeProto(bytes);
    return outcome.status ? Stored() : outcome.status.error().message;
  }
};

std::string OneMetric(std::string_view name, test::ProtoType type, const Proto& metric) {
  return ProtoFamily(name, type, {metric});
}

/// A classic histogram with a bucket up to 1 and one up to 2.5.
Proto ClassicProto() {
  return Proto().Varint(1, 5).Double(2, 7.5).Message(3, ProtoBucket(1, 2)).Message(3, ProtoBucket(2.5, 4));
}
/// Native only: 1 zero, buckets 0, 1 and 3 with 2, 3 and 1, and -1 with 4.
Proto NativeHistogram() {
  return Proto()
      .Varint(1, 11)
      .Double(2, 12.5)
      .Signed(5, 3)
      .Double(6, 0.001)
      .Varint(7, 1)
      .Message(9, ProtoSpan(-1, 1))
      .Deltas(10, {4})
      .Message(12, ProtoSpan(0, 2))
      .Message(12, ProtoSpan(1, 1))
      .Deltas(13, {2, 1, -2});
}
constexpr std::string_view kNativePrinted = "3/0.001 11 12.5 1 | 0:2 1:3 3:1 | -1:4";

}  // namespace

TEST_CASE("simple types are one series each, summaries and histograms several", "[protobuf]") {
  ProtobufFixture f;
  const Proto summary = Proto()
                            .Varint(1, 10)
                            .Double(2, 20.5)
                            .Message(3, Proto().Double(1, 0.5).Double(2, 1))
                            .Message(3, Proto().Double(1, 1).Double(2, 3));
  const std::string body =
      ProtoFamily("c_total", test::kCounterType,
                  {ProtoMetric({{"b", "2"}, {"a", "1"}}).Message(3, ProtoCounter(3)), ProtoMetric({{"a", "2"}})}) +
      OneMetric("g", test::kGaugeType, ProtoMetric().Message(2, ProtoCounter(-1.5))) +
      OneMetric("u", test::kUntypedType, ProtoMetric().Message(5, ProtoCounter(kInf))) +
      ProtoFamily("nothing", test::kGaugeType, {}) +
      OneMetric("s", test::kSummaryType, ProtoMetric({{"x", "y"}}).Message(4, summary)) +
      OneMetric("s_empty", test::kSummaryType, ProtoMetric().Message(4, Proto())) +
      OneMetric("h", test::kHistogramType, ProtoMetric().Message(7, ClassicProto()));
  CHECK(f.Store(body) ==
        "c_total{a=\"1\", b=\"2\"} 3\nc_total{a=\"2\"} 0\ng -1.5\nh_bucket{le=\"+Inf\"} 5\nh_bucket{le=\"1.0\"} 2\n"
        "h_bucket{le=\"2.5\"} 4\nh_count 5\nh_sum 7.5\ns{quantile=\"0.5\", x=\"y\"} 1\ns{quantile=\"1.0\", x=\"y\"} 3\n"
        "s_count{x=\"y\"} 10\ns_empty_count 0\ns_empty_sum 0\ns_sum{x=\"y\"} 20.5\nu +Inf\n");
  const ScrapeOutcome again = f.ScrapeProto(body);
  CHECK(again.added == 0);
  CHECK(again.scraped == 15);
  CHECK(again.kept == 15);
  CHECK(f.Stored({}, true).find("scrape_samples_scraped 15\nscrape_series_added 0\nup 1\n") != std::string::npos);
}

TEST_CASE("bounds are written as OpenMetrics writes floats", "[protobuf]") {
  ProtobufFixture f;
  Proto histogram = Proto().Varint(1, 9);
  for (const double bound : {-kInf, -0.5, -0.0, 1e-05, 100.0, 1e6, 12345678.0, kInf, 5.0}) {
    histogram.Message(3, ProtoBucket(bound, 1));
  }
  // Nothing comes after +Inf, and none is added where it is.
  CHECK(
      f.Store(OneMetric("h", test::kHistogramType, ProtoMetric().Message(7, histogram))) ==
      "h_bucket{le=\"+Inf\"} 1\nh_bucket{le=\"-0.5\"} 1\nh_bucket{le=\"-Inf\"} 1\nh_bucket{le=\"0.0\"} 1\n"
      "h_bucket{le=\"1.2345678e+07\"} 1\nh_bucket{le=\"100.0\"} 1\nh_bucket{le=\"1e+06\"} 1\nh_bucket{le=\"1e-05\"} 1\n"
      "h_count 9\nh_sum 0\n");
}

TEST_CASE("float counts go before integers, and a gauge histogram has the same series", "[protobuf]") {
  ProtobufFixture f;
  const Proto histogram =
      Proto().Varint(1, 5).Double(4, 5.5).Message(3, Proto().Double(2, 1).Varint(1, 2).Double(4, 2.25));
  CHECK(f.Store(OneMetric("h", test::kGaugeHistogramType, ProtoMetric().Message(7, histogram))) ==
        "h_bucket{le=\"+Inf\"} 5.5\nh_bucket{le=\"1.0\"} 2.25\nh_count 5.5\nh_sum 0\n");
  CHECK(f.appender().metadata().Get("h").at(0)->type == "gaugehistogram");
}

TEST_CASE("metadata comes with a family, raw, and is stored when it changes", "[protobuf]") {
  ProtobufFixture f;
  const Proto metric = ProtoMetric().Message(2, ProtoCounter(1));
  const auto body = [&](std::string_view help) {
    return ProtoFamily("g_bytes", test::kGaugeType, {metric}, help, "bytes") +
           ProtoFamily("u", test::kUntypedType, {metric});
  };
  CHECK(f.Store(body("a \\n b")) == "g_bytes 1\nu 0\n");
  CHECK(f.ScrapeProto(body("a \\n b")).added == 0);
  // The series of a family that says something else are the same.
  CHECK(f.ScrapeProto(body("new")).added == 0);
  CHECK(f.Stored() == "g_bytes 1\nu 0\n");
  CHECK(f.Metadata() == "g_bytes gauge a \\n b [bytes] 20s\ng_bytes gauge new [bytes] on\nu unknown  on\n");
}

TEST_CASE("names and labels of UTF-8 are taken, others refuse the scrape", "[protobuf]") {
  ProtobufFixture f;
  const Proto value = Proto().Double(1, 1);
  CHECK(f.Store(OneMetric("my.métrique", test::kGaugeType, ProtoMetric({{"a b", "ü"}}).Message(2, value))) ==
        "{\"my.métrique\", \"a b\"=\"ü\"} 1\n");
  const auto refused = [&](std::string_view name, const Proto& metric) {
    return f.Store(OneMetric(name, test::kGaugeType, metric));
  };
  CHECK(refused("", ProtoMetric()) == "invalid metric name: \"\"");
  CHECK_THAT(refused("a\xff", ProtoMetric()), Catch::Matchers::StartsWith("invalid metric name: "));
  CHECK(refused("a", ProtoMetric({{"", "x"}})) == "invalid label name: \"\"");
  CHECK_THAT(refused("a", ProtoMetric({{"x\xff", "x"}})), Catch::Matchers::StartsWith("invalid label name: "));
  CHECK_THAT(refused("a", ProtoMetric({{"x", "x\xff"}})), Catch::Matchers::StartsWith("invalid label value: "));
  CHECK(refused("a", ProtoMetric({{"x", "1"}, {"x", "2"}})) == "label name \"x\" is not unique: invalid sample");
  CHECK_THAT(f.Store(ProtoFamily("a", test::kGaugeType, {ProtoMetric()}, "\xff")),
             Catch::Matchers::StartsWith("invalid help for metric \"a\": "));
  CHECK(f.Store(OneMetric("a", static_cast<test::ProtoType>(6), ProtoMetric())) ==
        "unknown metric type for metric \"a\": 6");
}

TEST_CASE("fields may stand in any order, apart, and be unknown", "[protobuf]") {
  ProtobufFixture f;
  Proto metric;
  metric.Message(1, ProtoLabel("b", "2"));
  metric.Message(2, ProtoCounter(7)).Varint(99, 3).Bytes(98, "what").Double(97, 1);
  metric.Message(1, ProtoLabel("a", "1"));
  Proto family;
  family.Message(4, metric).Varint(3, test::kGaugeType).Bytes(77, "x").Bytes(1, "late");
  const std::string body = Proto().Put(family.bytes().size()).bytes() + family.bytes();
  CHECK(f.Store(body) == "late{a=\"1\", b=\"2\"} 7\n");
  CHECK(f.ScrapeProto(body).added == 0);
}

TEST_CASE("a series of protobuf that goes gets a marker, in any order of metrics", "[protobuf]") {
  ProtobufFixture f;
  const auto family = [](std::initializer_list<std::string_view> names) {
    std::vector<Proto> metrics;
    double value = 0;
    for (const std::string_view name : names) {
      metrics.push_back(ProtoMetric({{"n", name}}).Message(2, ProtoCounter(++value)));
    }
    return ProtoFamily("g", test::kGaugeType, metrics);
  };
  CHECK(f.Store(family({"a", "b", "c"})) == "g{n=\"a\"} 1\ng{n=\"b\"} 2\ng{n=\"c\"} 3\n");
  CHECK(f.Store(family({"c", "a", "d"})) == "g{n=\"a\"} 2\ng{n=\"b\"} stale\ng{n=\"c\"} 1\ng{n=\"d\"} 3\n");
  const ScrapeOutcome twice = f.ScrapeProto(family({"a", "a"}));
  CHECK(twice.repeated == 1);
  CHECK(f.Stored() == "g{n=\"a\"} 1\ng{n=\"c\"} stale\ng{n=\"d\"} stale\n");
  CHECK(f.Store("") == "g{n=\"a\"} stale\n");  // an empty page
}

TEST_CASE("a target may change the format: its series are the same, and no marker comes between", "[protobuf]") {
  ProtobufFixture f;
  const std::string body = OneMetric("g", test::kGaugeType, ProtoMetric({{"a", "1"}}).Message(2, ProtoCounter(-5)));
  for (int i = 0; i < 2; ++i) {
    CHECK(f.Store(body) == "g{a=\"1\"} -5\n");
    MustSucceed(f.Scrape("g{a=\"1\"} -6\n").status);
    CHECK(f.Stored() == "g{a=\"1\"} -6\n");
  }
}

TEST_CASE("times, limits and relabelling hold for protobuf", "[protobuf]") {
  ProtobufFixture f;
  const TimeMs past = f.clock().Now();
  const std::string body = ProtoFamily(
      "g", test::kGaugeType,
      {ProtoMetric({{"job", "x"}}).Message(2, ProtoCounter(1)).Varint(6, static_cast<std::uint64_t>(past.ms)),
       ProtoMetric({{"n", "2"}}).Message(2, ProtoCounter(2)).Varint(6, 0)});
  CHECK(f.Store(body) == "g{n=\"2\"} 2\n");
  CHECK(f.Stored(past) == "g{exported_job=\"x\"} 1\n");
  f.job.honor_timestamps = false;
  CHECK(f.Store(body) == "g{exported_job=\"x\"} 1\ng{n=\"2\"} 2\n");
  f.job.sample_limit = 1;
  CHECK(f.Store(body) == "sample limit exceeded (2 samples, limit: 1)");
  f.job.sample_limit = 0;
  f.job.label_limit = 3;
  f.appender().Reset();
  CHECK(f.Store(body) == "label_limit exceeded (metric: g, number of labels: 4, limit: 3)");
  f.job.label_limit = 0;
  f.job.honor_labels = true;
  CHECK(f.Store(body).find("exported") == std::string::npos);
}

TEST_CASE("a classic histogram's exemplars belong to its buckets, a counter's to itself", "[protobuf]") {
  ProtobufFixture f;
  const Proto timed = ProtoExemplar("timed", 0.5).Message(3, ProtoTime(1'699'999'990, 250'000'000));
  const Proto histogram = Proto()
                              .Varint(1, 2)
                              .Message(3, ProtoBucket(1, 1).Message(3, timed))
                              .Message(3, ProtoBucket(2, 1).Message(3, ProtoExemplar("untimed", 1.5)));
  const std::string body =
      OneMetric("h", test::kHistogramType, ProtoMetric().Message(7, histogram)) +
      OneMetric("c_total", test::kCounterType, ProtoMetric().Message(3, ProtoCounter(1).Message(2, Proto())));
  for (int i = 0; i < 3; ++i) MustSucceed(f.ScrapeProto(body).status);
  CHECK(f.Exemplars() ==
        "c_total {} 0 -20\nh_bucket {trace_id=\"timed\"} 0.5 -39\nh_bucket {trace_id=\"untimed\"} 1.5 -20\n");
}

TEST_CASE("a native histogram is one sample, and its classic series come when they are asked for", "[protobuf]") {
  ProtobufFixture f;
  const std::string body =
      OneMetric("h", test::kHistogramType,
                ProtoMetric({{"a", "b"}}).Message(7, NativeHistogram().Message(3, ProtoBucket(0.5, 4))));
  CHECK(
      f.Store(body) ==
      "h_bucket{a=\"b\", le=\"+Inf\"} 11\nh_bucket{a=\"b\", le=\"0.5\"} 4\nh_count{a=\"b\"} 11\nh_sum{a=\"b\"} 12.5\n");
  f.target.histograms.native = true;
  f.appender().Reset();
  const std::string native = fmt::format("h{{a=\"b\"}} {}\n", kNativePrinted);
  CHECK(f.Store(body) ==
        native +
            "h_bucket{a=\"b\", le=\"+Inf\"} stale\nh_bucket{a=\"b\", le=\"0.5\"} stale\nh_count{a=\"b\"} stale\n"
            "h_sum{a=\"b\"} stale\n");
  const ScrapeOutcome steady = f.ScrapeProto(body);
  CHECK(steady.scraped == 1);
  CHECK(steady.kept == 1);
  CHECK(steady.added == 0);
  CHECK(f.Stored() == native);
  f.job.sample_limit = 1;  // a histogram counts as one
  CHECK(f.Store(body) == native);
  f.job.sample_limit = 0;

  f.target.histograms.always_classic = true;
  CHECK(f.Store(body) == native +
                             "h_bucket{a=\"b\", le=\"+Inf\"} 11\nh_bucket{a=\"b\", le=\"0.5\"} 4\n"
                             "h_count{a=\"b\"} 11\nh_sum{a=\"b\"} 12.5\n");
  // Without a classic bucket there is no classic histogram to keep.
  const std::string bare =
      OneMetric("h", test::kHistogramType, ProtoMetric({{"a", "b"}}).Message(7, NativeHistogram()));
  CHECK(f.ScrapeProto(bare).scraped == 1);
  CHECK(f.Store("") == "h{a=\"b\"} stale histogram\n");
}

TEST_CASE("a scrape that fails and a target that goes leave markers on histograms", "[protobuf]") {
  ProtobufFixture f;
  f.target.histograms.native = true;
  const std::string body = OneMetric("h", test::kHistogramType, ProtoMetric().Message(7, NativeHistogram()));
  CHECK(f.Store(body) == fmt::format("h {}\n", kNativePrinted));
  CHECK_FALSE(f.Fail(vedette::Fail(Code::kTimeout, "no answer")).status.has_value());
  CHECK(f.Stored() == "h stale histogram\n");
  CHECK(f.Store(body) == fmt::format("h {}\n", kNativePrinted));
  f.clock().Advance(std::chrono::seconds(1));
  MustSucceed(f.appender().End(f.target, f.clock().Now()));
  CHECK(f.Stored() == "h stale histogram\n");
}

TEST_CASE("float and gauge histograms, and one without observations", "[protobuf]") {
  ProtobufFixture f;
  f.target.histograms.native = true;
  const Proto floats = Proto()
                           .Double(4, 6.5)
                           .Double(2, 1)
                           .Double(8, 0.5)
                           .Signed(5, -1)
                           .Message(12, ProtoSpan(-2, 2))
                           .Doubles(14, {2.5, 3.5})
                           .Message(9, ProtoSpan(4, 1))
                           .Doubles(11, {0});
  CHECK(f.Store(OneMetric("h", test::kGaugeHistogramType, ProtoMetric().Message(7, floats))) ==
        "h -1/0 6.5 1 0.5 | -2:2.5 -1:3.5 | 4:0 floats gauge\n");
  CHECK(f.Store(OneMetric("n", test::kHistogramType, ProtoMetric().Message(7, Proto().Message(12, Proto())))) ==
        "h stale histogram\nn 0/0 0 0 0 |\n");
  // Numbers one by one instead of packed, times of its own.
  const std::uint64_t ms = static_cast<std::uint64_t>(f.clock().Now().ms) - 5;
  const Proto apart =
      Proto().Varint(1, 3).Message(12, ProtoSpan(1, 2)).Signed(13, 1).Signed(13, 1).Double(2, kNan).Varint(99, 1);
  CHECK(f.Store(OneMetric("a", test::kHistogramType, ProtoMetric().Message(7, apart).Varint(6, ms))) ==
        "n stale histogram\n");
  CHECK(f.Stored(TimeMs(static_cast<std::int64_t>(ms))) == "a 0/0 3 nan 0 | 1:1 2:2\n");
}

TEST_CASE("exemplars of a native histogram need a time and come in their order", "[protobuf]") {
  ProtobufFixture f;
  f.target.histograms.native = true;
  const std::int64_t now = 1'700'000'000;
  const auto exemplar = [&](std::string_view trace, double value, int age) {
    return ProtoExemplar(trace, value).Message(3, ProtoTime(now - age));
  };
  const auto body = [&](const std::vector<Proto>& own, const Proto& bucket) {
    Proto histogram = NativeHistogram().Message(3, ProtoBucket(1, 1).Message(3, bucket));
    for (const Proto& e : own) histogram.Message(16, e);
    return OneMetric("h", test::kHistogramType, ProtoMetric().Message(7, histogram));
  };
  const Proto of_bucket = exemplar("bucket", 1, 7);
  MustSucceed(
      f.ScrapeProto(body({exemplar("b", 2, 5), ProtoExemplar("untimed", 1), exemplar("a", 1, 6)}, of_bucket)).status);
  CHECK(f.Exemplars() == "h {trace_id=\"a\"} 1 -16\nh {trace_id=\"b\"} 2 -15\n");
  // What is older than the newest, or at its time and smaller, came too late; the same again changes nothing.
  MustSucceed(f.ScrapeProto(
                   body({exemplar("late", 9, 6), exemplar("b", 2, 5), exemplar("small", 1, 5), exemplar("large", 3, 5)},
                        of_bucket))
                  .status);
  CHECK(f.Exemplars() == "h {trace_id=\"a\"} 1 -26\nh {trace_id=\"b\"} 2 -25\nh {trace_id=\"large\"} 3 -25\n");
  // Without exemplars of its own it shows those of the buckets.
  ProtobufFixture g;
  g.target.histograms.native = true;
  MustSucceed(g.ScrapeProto(body({}, of_bucket)).status);
  CHECK(g.Exemplars() == "h {trace_id=\"bucket\"} 1 -17\n");
}

TEST_CASE("classic histograms of protobuf become native ones with custom buckets", "[protobuf][nhcb]") {
  ProtobufFixture f;
  f.target.histograms.convert_classic = true;
  const std::string classic = OneMetric("h", test::kHistogramType, ProtoMetric().Message(7, ClassicProto()));
  const std::string converted = "h -53/0 5 7.5 0 <1 <2.5 | 0:2 1:2 2:1\n";
  CHECK(f.Store(classic) == converted);
  CHECK(f.ScrapeProto(classic).scraped == 1);
  f.target.histograms.always_classic = true;
  CHECK(f.Store(classic) == converted +
                                "h_bucket{le=\"+Inf\"} 5\nh_bucket{le=\"1.0\"} 2\nh_bucket{le=\"2.5\"} 4\n"
                                "h_count 5\nh_sum 7.5\n");
  f.target.histograms.always_classic = false;
  // With native ones ignored, one that has both is converted; otherwise it stays what it is.
  const std::string both = OneMetric("h", test::kGaugeHistogramType,
                                     ProtoMetric().Message(7, NativeHistogram().Message(3, ProtoBucket(1, 10))));
  CHECK(f.Store(both).starts_with("h -53/0 11 12.5 0 <1 | 0:10 1:1 gauge\n"));
  f.target.histograms.native = true;
  CHECK(f.Store(both) == fmt::format("h {} gauge\n", kNativePrinted));
  // What contradicts itself fails the scrape here.
  const auto refused = [&](const Proto& histogram) {
    return f.Store(OneMetric("h", test::kHistogramType, ProtoMetric().Message(7, histogram)));
  };
  CHECK(refused(Proto().Varint(1, 4).Message(3, ProtoBucket(1, 5)).Message(3, ProtoBucket(kInf, 5))) ==
        "count mismatch: count=4 != le=+Inf count=5");
  CHECK(refused(Proto().Varint(1, 4).Message(3, ProtoBucket(1, 5)).Message(3, ProtoBucket(2, 4))) ==
        "count is not cumulative: 4 < 5");
  CHECK(refused(Proto().Varint(1, 4).Message(3, ProtoBucket(kNan, 5))) == "bucket boundary must not be NaN");
}

TEST_CASE("a histogram that contradicts itself fails the scrape with Prometheus' sentence", "[protobuf]") {
  ProtobufFixture f;
  f.target.histograms.native = true;
  const auto refused = [&](const Proto& histogram) {
    return f.Store(OneMetric("h", test::kHistogramType, ProtoMetric().Message(7, histogram)));
  };
  CHECK(refused(Proto().Varint(1, 3).Message(12, ProtoSpan(0, 3)).Deltas(13, {1, 1})) ==
        "histogram \"h\": positive side: spans require 3 buckets, have 2");
  CHECK(refused(Proto().Varint(1, 3).Message(9, ProtoSpan(0, 1)).Deltas(10, {1, 1})) ==
        "histogram \"h\": negative side: spans require 1 buckets, have 2");
  CHECK(refused(Proto().Double(4, 3).Message(12, ProtoSpan(0, 1)).Deltas(13, {1})) ==
        "histogram \"h\": positive side: spans require 1 buckets, have 0");
  CHECK(refused(Proto().Message(12, ProtoSpan(0, 0xffffffff)).Message(12, ProtoSpan(0, 1))) ==
        "histogram \"h\": positive side: spans require 4294967296 buckets, have 0");
  CHECK(refused(Proto().Varint(1, 2).Message(12, ProtoSpan(0, 1)).Message(12, ProtoSpan(-1, 1)).Deltas(13, {1, 0})) ==
        "histogram \"h\": positive side: span number 2 with offset -1: histogram has a span whose offset is negative");
  CHECK(refused(Proto().Varint(1, 2).Message(12, ProtoSpan(0, 2)).Deltas(13, {1, -2})) ==
        "histogram \"h\": positive side: bucket number 2 has observation count of -1: histogram has a bucket whose "
        "observation count is negative");
  CHECK(refused(Proto().Varint(1, 3).Message(12, ProtoSpan(0, 2)).Deltas(13, {1, 0})) ==
        "histogram \"h\": 2 observations found in buckets, but the Count field is 3: histogram's observation count "
        "should equal the number of observations found in the buckets (in absence of NaN)");
  CHECK(refused(Proto().Varint(1, 1).Double(2, kNan).Message(12, ProtoSpan(0, 2)).Deltas(13, {1, 0})) ==
        "histogram \"h\": 2 observations found in buckets, but the Count field is 1: histogram's observation count "
        "should be at least the number of observations found in the buckets");
  CHECK(refused(Proto().Double(4, 1).Message(12, ProtoSpan(0, 1)).Doubles(14, {-1.5})) ==
        "histogram \"h\": positive side: bucket number 1 has observation count of -1.5: histogram has a bucket whose "
        "observation count is negative");
  CHECK(refused(Proto().Signed(5, 9).Message(12, ProtoSpan(0, 0))) ==
        "histogram has an invalid schema, which must be between -4 and 8 for exponential buckets, or -53 for custom "
        "buckets, got schema 9");
  CHECK(
      refused(Proto().Varint(1, 2).Signed(5, -53).Message(12, ProtoSpan(0, 2)).Deltas(13, {1, 0})) ==
      "histogram \"h\": custom buckets: only 0 custom bounds defined which is insufficient to cover total span length "
      "of 2: histogram custom bounds are too few");
  CHECK_THAT(refused(Proto().Varint(1, 1).Message(12, ProtoSpan(2'000'000'000, 1)).Deltas(13, {1})),
             Catch::Matchers::StartsWith("histogram \"h\": positive side: histogram with a span of 1 buckets from "));
  CHECK(f.Stored().empty());
}

TEST_CASE("limits make histograms coarser, as far as they can be", "[protobuf]") {
  ProtobufFixture f;
  f.target.histograms.native = true;
  const Proto histogram = Proto().Varint(1, 10).Signed(5, 2).Message(12, ProtoSpan(-3, 4)).Deltas(13, {1, 1, 1, 1});
  const std::string body = OneMetric("h", test::kHistogramType, ProtoMetric().Message(7, histogram));
  CHECK(f.Store(body) == "h 2/0 10 0 0 | -3:1 -2:2 -1:3 0:4\n");
  f.job.native_histogram_min_bucket_factor = 1.4;  // 2^(1/2) is 1.41
  CHECK(f.Store(body) == "h 1/0 10 0 0 | -1:3 0:7\n");
  f.job.native_histogram_min_bucket_factor = 0;
  f.job.native_histogram_bucket_limit = 2;
  CHECK(f.Store(body) == "h 1/0 10 0 0 | -1:3 0:7\n");
  f.job.native_histogram_bucket_limit = 1;
  CHECK(f.Store(body) == "h 0/0 10 0 0 | 0:10\n");
  // Both signs and far apart: no schema has fewer.
  const Proto wide = Proto()
                         .Varint(1, 3)
                         .Message(12, ProtoSpan(0, 1))
                         .Message(12, ProtoSpan(100'000, 1))
                         .Deltas(13, {1, 0})
                         .Message(9, ProtoSpan(0, 1))
                         .Deltas(10, {1});
  CHECK(f.Store(OneMetric("h", test::kHistogramType, ProtoMetric().Message(7, wide))) ==
        "histogram bucket limit exceeded (limit: 1)");
  f.job.native_histogram_bucket_limit = 0;
  f.job.native_histogram_min_bucket_factor = 2;
  CHECK(f.Store(OneMetric("h", test::kHistogramType,
                          ProtoMetric().Message(7, Proto().Signed(5, 52).Message(12, Proto())))) == "h 0/0 0 0 0 |\n");
}

TEST_CASE("counts that no double holds make a float histogram", "[protobuf]") {
  ProtobufFixture f;
  f.target.histograms.native = true;
  const std::uint64_t large = (std::uint64_t{1} << 60) + 1;
  const Proto histogram =
      Proto().Varint(1, large).Message(12, ProtoSpan(0, 1)).Signed(13, static_cast<std::int64_t>(large));
  CHECK(f.Store(OneMetric("h", test::kHistogramType, ProtoMetric().Message(7, histogram))) ==
        "h 0/0 1.152921504606847e+18 0 0 | 0:1.152921504606847e+18 floats\n");
}

TEST_CASE("the start of a counter becomes a zero, or is kept, when that is asked for", "[protobuf]") {
  ProtobufFixture f;
  f.target.histograms.native = true;
  std::int64_t start = 1'700'000'005;
  const auto body = [&] {
    return OneMetric("c_total", test::kCounterType,
                     ProtoMetric().Message(3, ProtoCounter(3).Message(3, ProtoTime(start)))) +
           OneMetric("h", test::kHistogramType,
                     ProtoMetric().Message(7, NativeHistogram().Message(15, ProtoTime(start))));
  };
  CHECK(f.Store(body()).starts_with("c_total 3\n"));
  CHECK(f.Stored(TimeMs(start * 1000)).empty());
  f.job.zero_at_start = f.job.store_starts = true;
  f.appender().Reset();
  CHECK(f.Store(body()).starts_with("c_total 3\n"));
  CHECK(f.Stored(TimeMs(start * 1000)).empty());  // the scrape before came after it
  start += 20;
  CHECK(f.Store(body()).starts_with("c_total 3\n"));
  CHECK(f.Stored(TimeMs(start * 1000)) == "c_total 0\nh 3/0.001 0 0 0 |\n");
  CHECK(f.Starts("c_total") == "5 25");
  CHECK(f.Starts("h") == "5 25");
  // A failed scrape forgets what was taken from it.
  start += 10;
  CHECK_FALSE(f.ScrapeProto(body() + "x").status.has_value());
  CHECK(f.Starts("c_total") == "5 25");
  CHECK(f.ScrapeProto(body()).status.has_value());
  CHECK(f.Starts("c_total") == "5 25 35");
}

TEST_CASE("malformed bytes are refused wherever they are cut", "[protobuf]") {
  const std::string body =
      ProtoFamily("c_total", test::kCounterType,
                  {ProtoMetric({{"a", "1"}})
                       .Message(3, ProtoCounter(1)
                                       .Message(2, ProtoExemplar("x", 1).Message(3, ProtoTime(5, 6)))
                                       .Message(3, ProtoTime(9)))
                       .Varint(6, 12345)},
                  "help", "unit") +
      OneMetric("s", test::kSummaryType,
                ProtoMetric().Message(4, Proto().Varint(1, 300).Double(2, 1).Message(3, Proto().Double(1, 1)))) +
      OneMetric("h", test::kHistogramType, ProtoMetric().Message(7, NativeHistogram().Message(3, ProtoBucket(1, 1)))) +
      OneMetric("f", test::kHistogramType,
                ProtoMetric().Message(7, Proto().Double(4, 3).Doubles(14, {1, 2}).Message(12, ProtoSpan(1, 2))));
  const auto read = [](std::string_view bytes) {
    ProtobufParser parser(bytes);
    for (;;) {
      const auto event = parser.Next();
      if (event == ProtobufParser::Event::kEnd) return true;
      if (event != ProtobufParser::Event::kError) continue;
      CHECK_FALSE(parser.error().message.empty());
      return false;
    }
  };
  CHECK(read(body));
  std::size_t good = 0;
  for (std::size_t size = 0; size < body.size(); ++size) good += read(std::string_view(body).substr(0, size)) ? 1 : 0;
  CHECK(good == 4);  // cut between families
  // Any byte replaced by any of these: no crash, whatever comes out.
  for (std::size_t at = 0; at < body.size(); ++at) {
    for (const int byte : {0x00, 0x03, 0x0b, 0x7f, 0x80, 0xff}) {
      std::string bent = body;
      bent[at] = static_cast<char>(byte);
      static_cast<void>(read(bent));
      ProtobufFixture f;
      f.target.histograms = {true, true, true};
      static_cast<void>(f.ScrapeProto(bent));
    }
  }
}

TEST_CASE("lengths that lie, endless varints and wrong types say where they stand", "[protobuf]") {
  ProtobufFixture f;
  CHECK(f.Store(std::string("\x05\x0a", 2)) ==
        "clientpb: insufficient length of buffer, expected at least 6 bytes, got 2 bytes (family at byte 0)");
  CHECK(f.Store(std::string(6, '\xff')) == "clientpb: invalid varint encountered at byte 0");
  CHECK(f.Store("\x80") == "clientpb: invalid varint encountered at byte 0");
  CHECK(f.Store("\xff\xff\xff\xff\x0f") ==
        "clientpb: insufficient length of buffer, expected at least 4294967300 bytes, got 5 bytes (family at byte 0)");
  CHECK(f.Store(OneMetric("a", test::kGaugeType, Proto().Bytes(2, "\x09"))) ==
        "malformed protobuf: value at byte 11, in the metric family \"a\"");
  CHECK(f.Store(OneMetric("a", test::kGaugeType, Proto().Varint(2, 1))) ==
        "malformed protobuf: metric at byte 8, in the metric family \"a\"");
  CHECK(f.Store(OneMetric("a", test::kHistogramType, Proto().Message(7, Proto().Bytes(13, std::string(20, '\xff'))))) ==
        "malformed protobuf: bucket counts at byte 10, in the metric family \"a\"");
  // A message in itself, a thousand times: fields that this format does not nest are not opened.
  std::string nested;
  for (int i = 0; i < 1000; ++i) nested = Proto().Bytes(20, nested).bytes();
  CHECK(f.Store(OneMetric("deep", test::kGaugeType, Proto().Bytes(15, nested).Message(2, ProtoCounter(1)))) ==
        "deep 1\n");
  // More than anyone has.
  Proto many;
  for (std::size_t i = 0; i <= kMaxProtobufParts; ++i) many.Message(3, Proto());
  CHECK_THAT(f.Store(OneMetric("many", test::kHistogramType, Proto().Message(7, many))),
             Catch::Matchers::StartsWith("malformed protobuf: too many buckets at byte "));
}

}  // namespace vedette::collector
