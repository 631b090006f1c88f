#include "collector/push/otlp/receiver.h"

#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <limits>

#include "collector/push/otlp/model.h"
#include "collector/push/otlp/names.h"
#include "collector/push/otlp/value.h"
#include "core/gzip.h"
#include "core/numbers.h"
#include "storage/memory/memory_storage.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"
#include "tests/unit/collector/push_fixture.h"
#include "tests/unit/collector/wire_writer.h"

namespace vedette::collector {
namespace {

using namespace test::wire;  // NOLINT(google-build-using-namespace)

constexpr std::string_view kProtobuf = "application/x-protobuf", kJson = "application/json";

/// An attribute with a string.
std::string Pair(int field, std::string_view key, std::string_view value) {
  return Bytes(field, Bytes(1, key) + Bytes(2, Bytes(1, value)));
}
std::uint64_t Nanos(TimeMs time) { return static_cast<std::uint64_t>(time.ms) * 1'000'000; }

/// A request with one resource and one scope.
std::string Request(const std::string& resource_attributes, const std::string& metrics, const std::string& scope = {}) {
  return Bytes(1, Bytes(1, resource_attributes) + Bytes(2, scope + metrics));
}
std::string Service() { return Pair(1, "service.name", "shop") + Pair(1, "service.instance.id", "i1"); }

class OtlpFixture : public test::PushFixture {
 public:
  explicit OtlpFixture(const OtlpOptions& options = {}) : receiver(intake, options, std::chrono::minutes(5)) {}

  OtlpReceiver::Answer Send(std::string_view body, std::string_view type = kProtobuf, std::string_view encoding = {}) {
    return receiver.Ingest(body, type, encoding);
  }
  /// Sends metrics of the service, and expects that all is taken.
  void Take(const std::string& metrics, const std::string& resource = Service(), const std::string& scope = {}) {
    const auto answer = Send(Request(resource, metrics, scope));
    CHECK(answer.status == 200);
    CHECK(answer.body.empty());
  }
  std::string Point(const std::string& fields) const { return Fixed(3, Nanos(start)) + fields; }
  std::string Gauge(std::string_view name, double value, const std::string& attributes = {}) const {
    return Bytes(2, Bytes(1, name) + Bytes(5, Bytes(1, Point(Double(4, value)) + attributes)));
  }

  OtlpReceiver receiver;
};

}  // namespace

TEST_CASE("names of OTLP become names of Prometheus", "[push][otlp]") {
  struct Case {
    std::string_view name, unit;
    otlp::MetricType type;
    bool monotonic;
    std::string_view suffixed, escaped, utf8;
  };
  using enum otlp::MetricType;
  const auto c = GENERATE(values<Case>({
      {"http.server.duration", "s", kHistogram, false, "http_server_duration_seconds", "http_server_duration",
       "http.server.duration_seconds"},
      {"requests.count", "1", kSum, true, "requests_count_total", "requests_count", "requests.count_total"},
      {"memory.usage", "By", kGauge, false, "memory_usage_bytes", "memory_usage", "memory.usage_bytes"},
      {"usage", "1", kGauge, false, "usage_ratio", "usage", "usage_ratio"},
      {"total.bytes.in", "By", kSum, true, "bytes_in_total", "total_bytes_in", "total.bytes.in_bytes_total"},
      {"speed", "km/h", kGauge, false, "speed_km_per_hour", "speed", "speed_km_per_hour"},
      {"io", "By/s", kGauge, false, "io_bytes_per_second", "io", "io_bytes_per_second"},
      {"jobs", "{job}", kGauge, false, "jobs", "jobs", "jobs"},
      {"a__b", "", kGauge, false, "a_b", "a__b", "a__b"},
      {"3d.model", "", kGauge, false, "_3d_model", "_3d_model", "3d.model"},
      {"duration_seconds", "s", kGauge, false, "duration_seconds", "duration_seconds", "duration_seconds"},
      {"temp", "%", kGauge, false, "temp_percent", "temp", "temp_percent"},
      {"x_total", "", kSum, true, "x_total", "x_total", "x_total"},
  }));
  INFO(c.name);
  otlp::Metric metric;
  metric.name = c.name;
  metric.unit = c.unit;
  metric.type = c.type;
  metric.monotonic = c.monotonic;
  CHECK(MustHave(otlp::MetricNameOf(metric, OtlpTranslation::kEscapedWithSuffixes)) == c.suffixed);
  CHECK(MustHave(otlp::MetricNameOf(metric, OtlpTranslation::kEscapedWithoutSuffixes)) == c.escaped);
  CHECK(MustHave(otlp::MetricNameOf(metric, OtlpTranslation::kUtf8WithSuffixes)) == c.utf8);
  CHECK(MustHave(otlp::MetricNameOf(metric, OtlpTranslation::kNoTranslation)) == c.name);
}

TEST_CASE("names of which nothing is left are refused", "[push][otlp]") {
  otlp::Metric metric;
  metric.name = "...";
  CHECK(otlp::MetricNameOf(metric, OtlpTranslation::kEscapedWithSuffixes).error().message ==
        R"(normalization for metric "..." resulted in empty name)");
  CHECK(otlp::UnitNameOf("By/s") == "bytes_per_second");
  CHECK(otlp::UnitNameOf("1").empty());
  CHECK(otlp::UnitNameOf("a//b") == "a_per_b");
}

TEST_CASE("attributes become label names", "[push][otlp]") {
  OtlpOptions options;
  const auto name = [&](std::string_view attribute) {
    const auto out = otlp::LabelNameOf(attribute, options);
    return out ? *out : "error: " + out.error().message;
  };
  CHECK(name("http.method") == "http_method");
  CHECK(name("2xx") == "key_2xx");
  CHECK(name("_private") == "key_private");
  CHECK(name("__reserved__") == "__reserved__");
  CHECK(name("a..b") == "a__b");
  CHECK(name("größe") == "gr__e");
  CHECK(name("...") == R"(error: normalization for label name "..." resulted in invalid name "___")");
  CHECK(name("") == "error: label name is empty");
  options.label_name_preserve_multiple_underscores = false;
  options.label_name_underscore_sanitization = false;
  CHECK(name("a..b") == "a_b");
  CHECK(name("_private") == "_private");
  CHECK(name("__a..b__") == "__a_b__");
  options.translation_strategy = OtlpTranslation::kNoTranslation;
  CHECK(name("http.method") == "http.method");
  CHECK(name("__") == R"(error: label name "__" contains only underscores)");
}

TEST_CASE("values of attributes have one text", "[push][otlp]") {
  CHECK(otlp::DoubleText(1e-9) == "1e-9");
  CHECK(otlp::DoubleText(1e21) == "1e+21");
  CHECK(otlp::DoubleText(0.5) == "0.5");
  CHECK(otlp::Base64Text("") == "");
  CHECK(otlp::Base64Text("a") == "YQ==");
  CHECK(otlp::Base64Text("abcd") == "YWJjZA==");
  CHECK(otlp::HexText(std::string(8, '\0')).empty());
  CHECK(otlp::HexText("\x01\xff") == "01ff");
}

TEST_CASE("numbers, job and instance, and target_info", "[push][otlp]") {
  OtlpFixture f;
  const std::string exemplar =
      Bytes(5, Fixed(2, Nanos(f.start)) + Double(3, 7) + Bytes(5, std::string(16, '\x0a')) + Pair(7, "user", "x"));
  const std::string sum = Bytes(1, f.Point(Fixed(6, 42) + Fixed(2, Nanos(f.start) - 5'000'000'000) +
                                           Pair(7, "http.method", "GET") + exemplar)) +
                          Int(2, 2) + Int(3, 1);
  const std::string metrics =
      Bytes(2, Bytes(1, "requests") + Bytes(2, "All.") + Bytes(7, sum)) + f.Gauge("up.time", 1.5);
  for (int i = 0; i < 2; ++i) {
    f.Take(metrics, Service() + Pair(1, "service.namespace", "eu") + Pair(1, "host.name", "h"));
  }
  CHECK(f.Stored() ==
        "requests_total{http_method=\"GET\", instance=\"i1\", job=\"eu/shop\"} 42@0 from -5000\n"
        "target_info{host_name=\"h\", instance=\"i1\", job=\"eu/shop\"} 1@0\n"
        "up_time{instance=\"i1\", job=\"eu/shop\"} 1.5@0\n");
  CHECK(f.Exemplars() ==
        "requests_total{http_method=\"GET\", instance=\"i1\", job=\"eu/shop\"} "
        "{trace_id=\"0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a\", user=\"x\"} 7@0\n");
  CHECK(f.Said().find("{instance=\"i1\", job=\"eu/shop\"} requests_total counter 'All.' ''\n") != std::string::npos);
  CHECK(f.Metrics().find("vedette_collector_push_series_total{way=\"cached\"} 3") != std::string::npos);
}

TEST_CASE("histograms are classic, or native with their own bounds", "[push][otlp][histogram]") {
  const bool native = GENERATE(false, true);
  OtlpOptions options;
  options.convert_histograms_to_nhcb = native;
  OtlpFixture f(options);
  const std::string exemplar = Bytes(8, Fixed(2, Nanos(f.start)) + Double(3, 1.5) + Bytes(4, "\x01"));
  const std::string point = f.Point(Fixed(4, 6) + Double(5, 9) + Bytes(6, Raw64(1) + Raw64(2) + Raw64(3)) +
                                    Bytes(7, RawDouble(1) + RawDouble(2.5)) + exemplar);
  f.Take(Bytes(2, Bytes(1, "h") + Bytes(3, "ms") + Bytes(9, Bytes(1, point) + Int(2, 2))));
  const std::string ids = "instance=\"i1\", job=\"shop\"";
  if (native) {
    CHECK(f.Stored() == "h_milliseconds{" + ids + "} int[s-53 6/9 z0 0:1 1:2 2:3 <1 <2.5]@0\n");
  } else {
    CHECK(f.Stored() == "h_milliseconds_bucket{" + ids + ", le=\"+Inf\"} 6@0\n" +  //
                            "h_milliseconds_bucket{" + ids + ", le=\"1\"} 1@0\n" + "h_milliseconds_bucket{" + ids +
                            ", le=\"2.5\"} 3@0\n" + "h_milliseconds_count{" + ids + "} 6@0\nh_milliseconds_sum{" + ids +
                            "} 9@0\n");
    CHECK(f.Exemplars() == "h_milliseconds_bucket{" + ids + ", le=\"2.5\"} {span_id=\"01\"} 1.5@0\n");
  }
}

TEST_CASE("exponential histograms lose resolution down to schema 8", "[push][otlp][histogram]") {
  OtlpFixture f;
  const auto send = [&](int scale, int offset) {
    const std::string buckets = SInt(1, offset) + Bytes(2, Varint(1) + Varint(2) + Varint(0) + Varint(4));
    const std::string point = f.Point(Fixed(4, 9) + Double(5, 3) + SInt(6, scale) + Fixed(7, 1) + Bytes(8, buckets) +
                                      Bytes(9, SInt(1, 0) + Bytes(2, Varint(1))));
    return Request(Service(), Bytes(2, Bytes(1, "e") + Bytes(10, Bytes(1, point) + Int(2, 2))));
  };
  CHECK(f.Send(send(10, -2)).status == 200);
  CHECK(f.Stored() == "e{instance=\"i1\", job=\"shop\"} int[s8 9/3 z1 0:3 1:4 -1:1]@0\n");
  const auto refused = f.Send(send(-5, 0));
  CHECK(refused.status == 400);
  CHECK_THAT(refused.body,
             Catch::Matchers::Contains("cannot convert exponential to native histogram. Scale must be >= -4, was -5"));
}

TEST_CASE("summaries, and points without a value", "[push][otlp]") {
  OtlpFixture f;
  const std::string quantile = Bytes(6, Double(1, 0.99) + Double(2, 7));
  const std::string point = f.Point(Fixed(4, 3) + Double(5, 4) + quantile);
  const std::string stale = f.Point(Int(8, 1) + Pair(7, "a", "b"));
  f.Take(Bytes(2, Bytes(1, "s") + Bytes(11, Bytes(1, point))) + Bytes(2, Bytes(1, "g") + Bytes(5, Bytes(1, stale))));
  const std::string ids = "instance=\"i1\", job=\"shop\"";
  CHECK(f.Stored() == "g{a=\"b\", " + ids + "} NaN@0\ns{" + ids + ", quantile=\"0.99\"} 7@0\ns_count{" + ids +
                          "} 3@0\ns_sum{" + ids + "} 4@0\n");
}

TEST_CASE("deltas are refused, and the rest is taken", "[push][otlp]") {
  OtlpFixture f;
  const std::string delta =
      Bytes(2, Bytes(1, "d") + Bytes(7, Bytes(1, f.Point(Double(4, 1))) + Bytes(1, f.Point(Double(4, 1))) + Int(2, 1)));
  const auto partial = f.Send(Request(Service(), delta + f.Gauge("g", 1)));
  CHECK(partial.status == 200);
  CHECK(partial.content_type == kProtobuf);
  const std::string why = "invalid temporality and type combination for metric \"d\"";
  CHECK(partial.body == Bytes(1, Int(1, 2) + Bytes(2, why)));
  CHECK(f.Stored() == "g{instance=\"i1\", job=\"shop\"} 1@0\n");
  const auto nothing = f.Send(Request(Service(), delta));
  CHECK(nothing.status == 400);
  CHECK(nothing.body == Int(1, 3) + Bytes(2, why));
  CHECK(f.Metrics().find("dropped_total{reason=\"temporality\"} 4") != std::string::npos);
}

TEST_CASE("resource attributes and scopes are promoted as configured", "[push][otlp]") {
  OtlpOptions options;
  const std::string resource = Service() + Pair(1, "k8s.pod", "p") + Pair(1, "zone", "z");
  const std::string scope = Bytes(1, Bytes(1, "lib") + Bytes(2, "1.2") + Pair(3, "a.b", "c")) + Bytes(3, "url");
  const auto gauge = [&] {
    OtlpFixture f(options);
    f.Take(f.Gauge("g", 1, Pair(7, "zone", "own")), resource, scope);
    const std::string stored = f.Stored();
    return stored.substr(0, stored.find('\n'));
  };
  const auto info = [&] {
    OtlpFixture f(options);
    f.Take(f.Gauge("g", 1), resource, scope);
    const std::string stored = f.Stored();
    return stored.substr(stored.find('\n') + 1);
  };
  CHECK(gauge() == R"(g{instance="i1", job="shop", zone="own"} 1@0)");
  CHECK(info() == "target_info{instance=\"i1\", job=\"shop\", k8s_pod=\"p\", zone=\"z\"} 1@0\n");
  options.promote_resource_attributes = {"k8s.pod", "zone"};
  CHECK(gauge() == R"(g{instance="i1", job="shop", k8s_pod="p", zone="own"} 1@0)");
  options.promote_resource_attributes = {};
  options.promote_all_resource_attributes = true;
  options.ignore_resource_attributes = {"zone", "service.name"};
  CHECK(gauge() == R"(g{instance="i1", job="shop", k8s_pod="p", service_instance_id="i1", zone="own"} 1@0)");
  options = {};
  options.keep_identifying_resource_attributes = true;
  CHECK_THAT(info(), Catch::Matchers::Contains("service_instance_id=\"i1\", service_name=\"shop\", zone"));
  options = {};
  options.promote_scope_metadata = true;
  CHECK(gauge() ==
        R"(g{instance="i1", job="shop", otel_scope_a_b="c", otel_scope_name="lib", otel_scope_schema_url="url", )"
        R"(otel_scope_version="1.2", zone="own"} 1@0)");
  CHECK_THAT(info(), !Catch::Matchers::Contains("otel_scope"));
  options = {};
  options.translation_strategy = OtlpTranslation::kNoTranslation;
  CHECK(info() == "target_info{instance=\"i1\", job=\"shop\", \"k8s.pod\"=\"p\", zone=\"z\"} 1@0\n");
}

TEST_CASE("attributes that become one label keep all values", "[push][otlp]") {
  OtlpFixture f;
  f.Take(f.Gauge("g", 1, Pair(7, "a_b", "2") + Pair(7, "a.b", "1") + Pair(7, "__name__", "no")));
  CHECK(f.Stored() == "g{a_b=\"1;2\", instance=\"i1\", job=\"shop\"} 1@0\n");
}

TEST_CASE("target_info has a sample in every half of the lookback", "[push][otlp]") {
  OtlpFixture f;
  const auto point = [&](std::int64_t back_ms) {
    return Bytes(1, Fixed(3, Nanos(f.start - Millis(back_ms))) + Double(4, 1));
  };
  f.Take(Bytes(2, Bytes(1, "g") + Bytes(5, point(400'000) + point(0))), Service() + Pair(1, "a", "b"));
  CHECK_THAT(f.Stored(),
             Catch::Matchers::Contains(
                 "target_info{a=\"b\", instance=\"i1\", job=\"shop\"} 1@-400000 1@-250000 1@-100000 1@0\n"));
  f.Take(f.Gauge("other", 1), Pair(1, "a", "b"));  // no job and no instance
  CHECK_THAT(f.Stored(), !Catch::Matchers::Contains("target_info{a=\"b\"} "));
}

TEST_CASE("points out of bounds are refused", "[push][otlp]") {
  OtlpFixture f;
  for (const std::uint64_t time :
       {std::uint64_t{0x7fff'ffff'ffff'ffff}, std::uint64_t{Nanos(f.start) + 700'000'000'000},
        std::uint64_t{std::numeric_limits<std::uint64_t>::max()}}) {
    const std::string point = Fixed(3, time) + Double(4, 1);
    const auto answer =
        f.Send(Request(Service() + Pair(1, "a", "b"), Bytes(2, Bytes(1, "g") + Bytes(5, Bytes(1, point)))));
    CHECK(answer.status == 400);
    CHECK_THAT(answer.body, Catch::Matchers::Contains("out of bounds"));
  }
  CHECK(f.Stored().find('@') == std::string::npos);
}

TEST_CASE("the JSON form says the same as protobuf", "[push][otlp]") {
  OtlpFixture f;
  const std::string now = std::to_string(Nanos(f.start));
  const std::string body =
      R"({"resourceMetrics":[{"scopeMetrics":[{"metrics":[
        {"name":"s","unit":"By","sum":{"isMonotonic":true,"aggregationTemporality":2,"dataPoints":[
          {"asInt":"7","timeUnixNano":")" +
      now + R"(","attributes":[
            {"key":"i","value":{"intValue":"-3"}},{"key":"b","value":{"boolValue":true}},
            {"key":"d","value":{"doubleValue":0.25}},{"key":"n","value":null},
            {"key":"l","value":{"arrayValue":{"values":[{"stringValue":"x"},{"intValue":1}]}}},
            {"key":"m","value":{"kvlistValue":{"values":[{"key":"z","value":{}},{"key":"a","value":{"stringValue":"\""}}]}}}]}]}},
        {"name":"h","histogram":{"aggregationTemporality":"AGGREGATION_TEMPORALITY_CUMULATIVE","data_points":[
          {"time_unix_nano":)" +
      now + R"(,"count":3,"sum":1.5,"bucketCounts":["1",2],"explicitBounds":[1]}]}},
        {"name":"g","gauge":{"dataPoints":[{"timeUnixNano":")" +
      now + R"(","asDouble":"Infinity"}]}}
      ]}],"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]}}]})";
  const auto answer = f.Send(body, "application/json; charset=utf-8");
  CHECK(answer.status == 200);
  CHECK(answer.content_type == kJson);
  CHECK(answer.body == "{}");
  CHECK(f.Stored() ==
        "g{job=\"shop\"} +Inf@0\nh_bucket{job=\"shop\", le=\"+Inf\"} 3@0\nh_bucket{job=\"shop\", le=\"1\"} 1@0\n"
        "h_count{job=\"shop\"} 3@0\nh_sum{job=\"shop\"} 1.5@0\n"
        "s_bytes_total{b=\"true\", d=\"0.25\", i=\"-3\", job=\"shop\", l=\"[\\\"x\\\",1]\", "
        "m=\"{\\\"a\\\":\\\"\\\\\\\"\\\",\\\"z\\\":null}\"} 7@0\n");
  const auto refused = f.Send(R"({"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"d","sum":{"dataPoints":[{}],
    "aggregationTemporality":1}}]}]}]})",
                              kJson);
  CHECK(refused.status == 400);
  CHECK(refused.body == R"({"code":3,"message":"invalid temporality and type combination for metric \"d\""})");
}

TEST_CASE("requests that cannot be read are refused", "[push][otlp]") {
  OtlpFixture f;
  const auto status = [&](std::string_view body, std::string_view type, std::string_view encoding = {}) {
    return f.Send(body, type, encoding).status;
  };
  const std::string good = Request(Service(), f.Gauge("g", 1));
  CHECK(status(good, "text/plain") == 400);
  CHECK(status(good, kProtobuf, "snappy") == 400);
  CHECK(status(good, kProtobuf, "gzip") == 400);
  CHECK(status(good.substr(0, good.size() - 1), kProtobuf) == 400);
  CHECK(status(good + "\x0a", kProtobuf) == 400);
  for (const char* bad :
       {"", "x", "[]", R"({"resourceMetrics":1})", R"({"resourceMetrics":[{"resource":{"attributes":3}}]})",
        R"({"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":1}]}]}]})",
        R"({"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"gauge":{"dataPoints":[{"asInt":"x"}]}}]}]}]})"}) {
    INFO(bad);
    CHECK(status(bad, kJson) == 400);
  }
  CHECK(f.Stored().empty());
  CHECK(status(Compress(good, ZFormat::kGzip, 6), kProtobuf, "gzip") == 200);
  CHECK(f.Stored() == "g{instance=\"i1\", job=\"shop\"} 1@0\n");
  std::string many;
  for (int i = 0; i <= 1024; ++i) many += Pair(1, "a" + std::to_string(i), "x");
  CHECK(status(Request(many, f.Gauge("g", 1)), kProtobuf) == 400);
  // A bomb, and values within values.
  CHECK(status(Compress(std::string(40 << 20, '\0'), ZFormat::kGzip, 9), kProtobuf, "gzip") == 400);
  std::string nested = Bytes(1, "x");
  for (int i = 0; i < 10'000; ++i) nested = Bytes(5, Bytes(1, nested));
  CHECK(status(Request(Bytes(1, Bytes(1, "a") + Bytes(2, nested)), f.Gauge("g", 1)), kProtobuf) == 200);
}

TEST_CASE("new options hold for the next request", "[push][otlp]") {
  OtlpFixture f;
  f.Take(f.Gauge("a.b", 1));
  OtlpOptions options;
  options.translation_strategy = OtlpTranslation::kNoTranslation;
  f.receiver.Apply(options);
  f.Take(f.Gauge("a.b", 2));
  CHECK(f.Stored() == "{\"a.b\", instance=\"i1\", job=\"shop\"} 2@0\na_b{instance=\"i1\", job=\"shop\"} 1@0\n");
}

}  // namespace vedette::collector
