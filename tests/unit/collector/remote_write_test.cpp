#include "collector/push/remote_write.h"

#include <snappy.h>
#include <zstd.h>

#include <limits>

#include "collector/push/pushed_series.h"
#include "collector/push/series_cache.h"
#include "tests/support/catch.h"
#include "tests/unit/collector/push_fixture.h"
#include "tests/unit/collector/wire_writer.h"

namespace vedette::collector {
namespace {

using namespace test::wire;  // NOLINT(google-build-using-namespace)

std::string Label(std::string_view name, std::string_view value) { return Bytes(1, Bytes(1, name) + Bytes(2, value)); }
std::string Sample(std::int64_t ms, double value) { return Bytes(2, Double(1, value) + Int(2, ms)); }
std::string Series(std::string_view fields) { return Bytes(1, fields); }
std::string Compress(std::string_view message) {
  std::string out;
  snappy::Compress(message.data(), message.size(), &out);
  return out;
}

class Fixture : public test::PushFixture {
 public:
  explicit Fixture(const PushOptions& options = {}) : PushFixture(options), receiver(intake) {}

  PushOutcome Send(std::string_view message, WriteMessage version = WriteMessage::kVersion1) {
    return receiver.Ingest(Compress(message), {version});
  }
  PushOutcome Send2(std::string_view message) { return Send(message, WriteMessage::kVersion2); }
  Error Refused(std::string_view body) {
    const PushOutcome outcome = receiver.Ingest(body, {});
    REQUIRE_FALSE(outcome.status.has_value());
    return outcome.status.error();
  }

  RemoteWriteReceiver receiver;
};

/// A 2.0 request from strings: labels and others are numbers in the table that it makes.
class Request2 {
 public:
  std::uint64_t Symbol(const std::string& text) {
    for (std::size_t i = 0; i < symbols_.size(); ++i) {
      if (symbols_[i] == text) return i;
    }
    symbols_.push_back(text);
    return symbols_.size() - 1;
  }
  std::string References(const std::vector<std::string>& texts) {
    std::string packed;
    for (const std::string& text : texts) packed += Varint(Symbol(text));
    return Bytes(1, packed);
  }
  Request2& Add(const std::vector<std::string>& labels, const std::string& fields) {
    series_ += Bytes(5, References(labels) + fields);
    return *this;
  }
  std::string Build() const {
    std::string out;
    for (const std::string& symbol : symbols_) out += Bytes(4, symbol);
    return out + series_;
  }

 private:
  std::vector<std::string> symbols_ = {""};
  std::string series_;
};

}  // namespace

TEST_CASE("a series of more labels than anybody has is refused, in either version", "[push]") {
  Fixture f;
  std::string references;
  for (std::size_t i = 0; i <= 2 * kMaxPushedLabels; ++i) references += '\0';
  const std::string sample = Bytes(2, Double(1, 1) + Int(2, f.start.ms));
  CHECK(f.Send2(Bytes(4, "") + Bytes(5, Bytes(1, references) + sample)).status.error().code == Code::kLimit);
  std::string labels;
  for (std::size_t i = 0; i <= kMaxPushedLabels; ++i) labels += Bytes(1, "");
  CHECK(f.Send(Bytes(1, labels + sample)).status.error().code == Code::kLimit);
  CHECK(f.Stored().empty());
}

TEST_CASE("remote write stores samples of any age, in any order, more than once", "[push]") {
  Fixture f;
  const std::int64_t t = f.start.ms;
  const std::string labels = Label("__name__", "m") + Label("a", "1");
  const std::string message = Series(labels + Sample(t, 1) + Sample(t - 60'000, 0.5)) +
                              Series(Label("b", "2") + Label("__name__", "m") + Sample(t, 2)) +  // unsorted
                              Bytes(9, "unknown field");
  for (int i = 0; i < 3; ++i) {
    const auto outcome = f.Send(message);
    MustSucceed(outcome.status);
    CHECK(outcome.series == 2);
    CHECK(outcome.samples == 3);
    CHECK(f.Stored() == "m{a=\"1\"} 0.5@-60000 1@0\nm{b=\"2\"} 2@0\n");
  }
  CHECK(f.Metrics().find("vedette_collector_push_series_total{way=\"cached\"} 4") != std::string::npos);
  CHECK(f.Send("").series == 0);
  CHECK(f.Metrics().find("vedette_collector_push_samples_total{protocol=\"remote_write\"} 9") != std::string::npos);
}

TEST_CASE("series that cannot be are skipped and counted; the others are stored", "[push]") {
  Fixture f;
  const std::string sample = Sample(f.start.ms, 1);
  const std::string message = Series(Label("a", "no name") + sample) +
                              Series(Label("__name__", "m") + Label("a", "1") + Label("a", "2") + sample) +
                              Series(Label("__name__", "m") + Label("", "1") + sample) +
                              Series(Label("__name__", "m") + Label("a", "\xff") + sample) +
                              Series(Label("__name__", "m") + Label("a", "") + sample) + Series(sample);
  const auto outcome = f.Send(message);
  MustSucceed(outcome.status);
  CHECK(outcome.samples == 1);
  CHECK(outcome.skipped_series == 5);
  CHECK(outcome.dropped == 5);
  CHECK(f.Stored() == "m 1@0\n");
  CHECK(f.Metrics().find("dropped_total{reason=\"bad_labels\"} 5") != std::string::npos);
}

TEST_CASE("samples outside the bounds are refused, and the good ones kept", "[push]") {
  Fixture f;
  const std::int64_t t = f.start.ms;
  const std::string message =
      Series(Label("__name__", "m") + Sample(t + 700'000, 1) + Sample(-5, 1) + Sample(1, 1) + Sample(t + 500'000, 7));
  const Error error = f.Refused(Compress(message));
  CHECK(error.code == Code::kBadData);
  CHECK(error.message ==
        "out of bounds: timestamp is too far in the future for series {__name__=\"m\"}\n"
        "out of bounds for series {__name__=\"m\"}\n"
        "out of bounds: 1 samples are older than the retention or too far in the future and were dropped");
  CHECK(f.Stored() == "m 7@500000\n");
}

TEST_CASE("year 1 and year 9999 are out of bounds, whichever version says it", "[push]") {
  Fixture f;
  for (const std::int64_t ms : {-62'135'596'800'000, 253'402'300'799'000, std::numeric_limits<std::int64_t>::min(),
                                std::numeric_limits<std::int64_t>::max()}) {
    CHECK_THAT(f.Refused(Compress(Series(Label("__name__", "m") + Sample(ms, 1)))).message,
               Catch::Matchers::StartsWith("out of bounds"));
    Request2 request;
    request.Add({"__name__", "m"}, Sample(ms, 1));
    CHECK(f.Send2(request.Build()).status.error().code == Code::kBadData);
  }
  CHECK(f.Stored().empty());
}

TEST_CASE("damaged requests are refused before they cost anything", "[push]") {
  Fixture f;
  const std::string good = Series(Label("__name__", "m") + Sample(f.start.ms, 1));
  CHECK(f.Refused("\xff\xff\xff\xff\xff\xff").message == "snappy: corrupt input");
  CHECK(f.Refused("").code == Code::kBadData);
  CHECK_THAT(f.Refused(Varint(33 << 20) + "x").message, Catch::Matchers::StartsWith("snappy: decoded length 34603008"));
  CHECK(f.Refused(Varint(31 << 20) + "x").message == "snappy: corrupt input");  // a length that it cannot keep
  CHECK(f.Refused(Compress(good).substr(0, 10)).code == Code::kBadData);
  for (const std::string& bad :
       {good.substr(0, good.size() - 1), good + "\x0a", Bytes(1, "\x0a\x7f"), std::string("\x0b"), std::string("\x80"),
        std::string(11, '\xff'), Series(Bytes(1, "\x0a\x05")), Series(Bytes(2, "\x09\x01"))}) {
    INFO(Quote(bad));
    CHECK(f.Refused(Compress(bad)).code == Code::kBadData);
  }
  CHECK(f.Stored().empty());
}

TEST_CASE("a request packed by zstd is the same request", "[push]") {
  Fixture f;
  const std::string message = Series(Label("__name__", "up") + Sample(f.start.ms, 1));
  MustSucceed(f.Send(message).status);
  REQUIRE_FALSE(f.Stored().empty());
  std::string packed(ZSTD_compressBound(message.size()), '\0');
  packed.resize(ZSTD_compress(packed.data(), packed.size(), message.data(), message.size(), 1));
  Fixture g;
  MustSucceed(g.receiver.Ingest(packed, {.zstd = true}).status);
  CHECK(g.Stored() == f.Stored());
  CHECK(g.receiver.Ingest(packed.substr(0, packed.size() - 1), {.zstd = true}).status.error().code == Code::kBadData);
  PushOptions small;
  small.max_request_bytes = 1 << 20;
  Fixture h(small);
  CHECK(h.receiver.Ingest(packed, {.zstd = true}).status.error().code == Code::kLimit);
}

TEST_CASE("headers decide before the body is read", "[push]") {
  const std::vector<WriteMessage> both = {WriteMessage::kVersion1, WriteMessage::kVersion2};
  WriteFormat format;
  const auto status = [&](std::string_view type, std::string_view encoding) {
    const auto refusal = CheckRemoteWriteHeaders(type, encoding, both, format);
    return refusal.status;
  };
  CHECK(status("application/x-protobuf", "snappy") == 0);
  CHECK(status("", "") == 0);
  CHECK(status("application/x-protobuf;proto=prometheus.WriteRequest", "Snappy") == 0);
  CHECK(format.message == WriteMessage::kVersion1);
  CHECK(status("application/x-protobuf;proto=io.prometheus.write.v2.Request", "snappy") == 0);
  CHECK(format.message == WriteMessage::kVersion2);
  CHECK_FALSE(format.zstd);
  CHECK(status("application/x-protobuf", "zstd") == 0);
  CHECK(format.zstd);
  CHECK(status("application/x-protobuf;proto=io.prometheus.write.v3.Request", "snappy") == 415);
  CHECK(status("application/json", "snappy") == 415);
  CHECK(status("application/x-protobuf", "gzip") == 415);
  CHECK(ParseWriteMessages({"prometheus.WriteRequest"}).value() == std::vector{WriteMessage::kVersion1});
  CHECK(ParseWriteMessages({"x"}).error().message ==
        "unknown type for remote write protobuf message x, supported: prometheus.WriteRequest, "
        "io.prometheus.write.v2.Request");
}

TEST_CASE("remote write 1.0 brings histograms, exemplars and metadata", "[push][histogram]") {
  Fixture f;
  const std::int64_t t = f.start.ms;
  const std::string spans = Span(11, 1, 2) + Span(11, 2, 1) + Span(8, 0, 1);
  const std::string integer = Int(1, 9) + Double(3, 12.5) + SInt(4, 3) + Double(5, 0.001) + Int(6, 1) + spans +
                              Bytes(12, Varint(ZigZag(1)) + Varint(ZigZag(1)) + Varint(ZigZag(1))) +  // 1 2 3
                              SInt(9, 2) + Int(14, 2) + Int(15, t);
  const std::string floats = Double(2, 2.5) + Double(3, 1) + SInt(4, -53) + Double(7, 0) + Span(11, 0, 2) +
                             Bytes(13, RawDouble(1) + RawDouble(1.5)) + Double(16, 5) + Int(15, t + 1);
  const std::string exemplar = Bytes(3, Label("trace_id", "abc") + Double(2, 0.5) + Int(3, t));
  const std::string message = Series(Label("__name__", "h") + Bytes(4, integer) + Bytes(4, floats) + exemplar) +
                              Bytes(3, Int(1, 3) + Bytes(2, "h") + Bytes(4, "All of it.") + Bytes(5, "seconds"));
  const PushOutcome outcome = f.Send(message);
  MustSucceed(outcome.status);
  CHECK(outcome.histograms == 2);
  CHECK(outcome.exemplars == 1);
  CHECK(f.Stored() == "h int[s3 9/12.5 z1 1:1 2:2 5:3 -0:2]@0 float[s-53 2.5/1 z0 0:1 1:1.5 <5]@1\n");
  CHECK(f.Exemplars() == "h {trace_id=\"abc\"} 0.5@0\n");
  CHECK(f.Said() == "{} h histogram 'All of it.' 'seconds'\n");
}

TEST_CASE("an exemplar finds the series of an earlier request, also after a restart", "[push]") {
  Fixture f;
  const std::int64_t t = f.start.ms;
  const auto exemplar = [&](int field, const std::string& labels) {
    return Bytes(field, labels + Double(2, 0.5) + Int(3, t));
  };
  MustSucceed(f.Send(Series(Label("__name__", "there") + Sample(t, 1))).status);
  const std::string alone = exemplar(3, Label("trace_id", "a"));
  const std::string message = Series(Label("__name__", "there") + alone) + Series(Label("__name__", "unknown") + alone);
  f.intake.series_cache().Clear();  // what a start begins with
  SECTION("version 1.0") {
    const PushOutcome outcome = f.Send(message);
    MustSucceed(outcome.status);
    CHECK(outcome.exemplars == 1);
  }
  SECTION("version 2.0") {
    Request2 request;
    const std::string same = exemplar(4, request.References({"trace_id", "a"}));
    request.Add({"__name__", "there"}, same).Add({"__name__", "unknown"}, same);
    const PushOutcome outcome = f.Send2(request.Build());
    CHECK(outcome.exemplars == 1);
    CHECK(outcome.status.error().message ==
          "TimeSeries must contain at least one sample or histogram for series {__name__=\"unknown\"}");
  }
  CHECK(f.Exemplars() == "there {trace_id=\"a\"} 0.5@0\n");
  CHECK(f.Stored() == "there 1@0\n");
  CHECK(f.Metrics().find("vedette_collector_push_samples_dropped_total{reason=\"bad_exemplar\"} 1") !=
        std::string::npos);
}

TEST_CASE("an exemplar of another time fails no request and is not counted as written", "[push]") {
  Fixture f;
  const std::string exemplar = Label("trace_id", "a") + Double(2, 1);
  PushOutcome outcome = f.Send(Series(Label("__name__", "m") + Sample(f.start.ms, 1) + Bytes(3, exemplar)));
  MustSucceed(outcome.status);
  CHECK(outcome.samples == 1);
  CHECK(outcome.exemplars == 0);
  Request2 request;
  const std::string references = request.References({"trace_id", "a"}) + Double(2, 1);
  request.Add({"__name__", "n"}, Sample(f.start.ms, 1) + Bytes(4, references));
  outcome = f.Send2(request.Build());
  MustSucceed(outcome.status);
  CHECK(outcome.samples == 1);
  CHECK(outcome.exemplars == 0);
  CHECK(f.Exemplars().empty());
}

TEST_CASE("fields of another type than theirs make a request malformed", "[push]") {
  Fixture f;
  const std::int64_t t = f.start.ms;
  const std::string name = Label("__name__", "m"), sample = Sample(t, 1);
  const auto malformed = [](const PushOutcome& outcome) {
    return !outcome.status && outcome.status.error().code == Code::kBadData && outcome.samples == 0;
  };
  for (const std::string& bad :
       {Int(1, 1), Int(3, 1), Series(name + Bytes(2, Int(1, 1) + Int(2, t))),
        Series(name + Bytes(2, Double(1, 1) + Double(2, 1))), Series(name + sample + Int(3, 1)),
        Series(Bytes(1, Int(1, 1)) + sample), Series(name + Bytes(4, Int(2, 1) + Int(15, t))),
        Series(name + sample + Bytes(3, Int(2, 1))), Bytes(3, Bytes(1, "x"))}) {
    CHECK(malformed(f.Send(Series(name + sample) + bad)));
  }
  for (const std::string& bad : {Int(4, 1), Int(5, 1), Bytes(5, Int(2, 1)), Bytes(5, Double(1, 1)),
                                 Bytes(5, Bytes(2, Int(1, 1))), Bytes(5, Bytes(5, Double(1, 1)))}) {
    CHECK(malformed(f.Send2(Bytes(4, "") + bad)));
  }
  CHECK(f.Stored().empty());
  MustSucceed(f.Send(Series(name + sample + Int(9, 1)) + Bytes(99, "new")).status);
  CHECK(f.Stored() == "m 1@0\n");
}

TEST_CASE("schemas above 8 are brought down to it", "[push][histogram]") {
  Fixture f;
  // Of schema 10, four buckets become one: 1 to 4 are 1, and 5 is 2; 0 and -3 are 0.
  const std::string histogram = Int(1, 15) + Double(3, 1) + SInt(4, 10) + Span(11, -3, 1) + Span(11, 2, 4) +
                                Span(11, 1, 1) +
                                Bytes(12, Varint(ZigZag(1)) + Varint(ZigZag(1)) + Varint(ZigZag(0)) +
                                              Varint(ZigZag(1)) + Varint(ZigZag(0)) + Varint(ZigZag(1))) +
                                Int(15, f.start.ms);
  MustSucceed(f.Send(Series(Label("__name__", "h") + Bytes(4, histogram))).status);
  CHECK(f.Stored() == "h int[s8 15/1 z0 0:3 1:8 2:4]@0\n");
}

TEST_CASE("histograms that contradict themselves are refused one by one", "[push][histogram]") {
  Fixture f;
  const std::string now = Int(15, f.start.ms);
  const auto t = GENERATE_COPY(table<std::string, std::string>({
      {Int(1, 5) + Double(3, 1) + Span(11, 0, 1) + SInt(12, 2) + now,
       "2 observations found in buckets, but the Count field is 5: histogram's observation count should equal the "
       "number "
       "of observations found in the buckets (in absence of NaN)"},
      {Int(1, 1) + Span(11, 0, 4'000'000'000U) + SInt(12, 1) + now,
       "positive side: spans need 4000000000 buckets, have 1 buckets: histogram spans specify different number of "
       "buckets than provided"},
      {Int(1, 1) + Span(8, 0, 1) + Span(8, -1, 1) + SInt(9, 1) + SInt(9, 0) + now,
       "negative side: span number 2 with offset -1: histogram has a span whose offset is negative"},
      {Int(1, 1) + Span(11, 0, 1) + SInt(12, -1) + now,
       "positive side: bucket number 1 has observation count of -1: histogram has a bucket whose observation count is "
       "negative"},
      {Int(1, 0) + SInt(4, 100) + now,
       "histogram has an unknown schema, which must be between -4 and 8 for exponential buckets, or -53 for custom "
       "buckets, got schema 100"},
      {Int(1, 0) + Double(16, 1) + now, "histogram with exponential schema must not have custom bounds"},
      {Int(1, 0) + SInt(4, -53) + Double(16, 2) + Double(16, 1) + now,
       "custom buckets: previous bound is 2.000000 and current is 1.000000: histogram custom bounds must be in "
       "strictly "
       "increasing order"},
      {Double(2, -1) + now, "observation count is  -1: histogram's observation count is negative"},
      {Int(1, 1) + Span(11, 2'000'000'000, 1) + SInt(12, 1) + now,
       "histogram with a span of 1 buckets up to number 2000000000"},
  }));
  const std::string good = Int(1, 0) + now;
  const std::string message = Series(Label("__name__", "h") + Bytes(4, std::get<0>(t)) + Bytes(4, good));
  CHECK(f.Refused(Compress(message)).message == std::get<1>(t) + " for series {__name__=\"h\"}");
  CHECK(f.Stored() == "h int[s0 0/0 z0]@0\n");
}

TEST_CASE("remote write 2.0 stores what its table of symbols names", "[push][rw2]") {
  Fixture f;
  const std::int64_t t = f.start.ms;
  Request2 request;
  const std::string metadata = Bytes(5, Int(1, 3) + Int(3, static_cast<std::int64_t>(request.Symbol("Help."))) +
                                            Int(4, static_cast<std::int64_t>(request.Symbol("seconds"))));
  const std::string exemplar = Bytes(4, request.References({"trace_id", "x"}) + Double(2, 7) + Int(3, t));
  const std::string with_start = Bytes(2, Double(1, 2) + Int(2, t + 1) + Int(3, t - 1000));
  request.Add({"job", "j", "__name__", "h_bucket", "instance", "i", "le", "1"},
              Sample(t, 1) + with_start + metadata + exemplar);
  request.Add({"__name__", "g"}, Bytes(3, Int(1, 0) + Int(15, t) + Int(17, t - 5)));
  for (int i = 0; i < 2; ++i) {
    const PushOutcome outcome = f.Send2(request.Build());
    MustSucceed(outcome.status);
    CHECK(outcome.samples == 2);
    CHECK(outcome.histograms == 1);
    CHECK(outcome.exemplars == 1);
  }
  CHECK(f.Stored() == "g int[s0 0/0 z0]@0 from -5\nh_bucket{instance=\"i\", job=\"j\", le=\"1\"} 1@0 2@1 from -1000\n");
  CHECK(f.Said() == "{instance=\"i\", job=\"j\"} h histogram 'Help.' 'seconds'\n");
  CHECK(f.Exemplars() == "h_bucket{instance=\"i\", job=\"j\", le=\"1\"} {trace_id=\"x\"} 7@0\n");
  CHECK(f.Metrics().find("vedette_collector_push_series_total{way=\"cached\"} 2") != std::string::npos);
}

TEST_CASE("other numbers of the same symbols are the same series", "[push][rw2]") {
  Fixture f;
  Request2 one, other;
  one.Add({"__name__", "m", "a", "b"}, Sample(f.start.ms, 1));
  for (const char* first : {"z", "b", "a"}) other.Symbol(first);
  other.Add({"__name__", "m", "a", "b"}, Sample(f.start.ms + 1, 2)).Add({"__name__", "m", "a", "z"}, Sample(1'000, 3));
  MustSucceed(f.Send2(one.Build()).status);
  CHECK(f.Send2(other.Build()).samples == 1);
  CHECK(f.Stored() == "m{a=\"b\"} 1@0 2@1\n");
  CHECK(f.Metrics().find("vedette_collector_push_series_total{way=\"cached\"} 1") != std::string::npos);
}

TEST_CASE("of a 2.0 request the good part is stored and the rest explained", "[push][rw2]") {
  Fixture f;
  const std::string sample = Sample(f.start.ms, 1);
  Request2 request;
  request.Add({"__name__", "good"}, sample)
      .Add({"a", "b"}, sample)
      .Add({"__name__", "m", "a", "1", "a", "2"}, sample)
      .Add({"__name__", "empty"}, "")
      .Add({"__name__", "future"}, Sample(f.start.ms + 700'000, 1))
      .Add({"__name__", "odd", "a"}, sample);
  const std::string beyond = Bytes(5, Bytes(1, Varint(1) + Varint(99)) + sample) +
                             Bytes(5, Bytes(1, Varint(1) + Varint(2)) + sample + Bytes(5, Int(3, 50))) +
                             Bytes(5, Int(1, 1) + Int(1, 2) + sample + Bytes(4, Int(1, 1)));
  const PushOutcome outcome = f.Send2(request.Build() + beyond);
  CHECK(outcome.samples == 2);
  CHECK(outcome.status.error().code == Code::kBadData);
  CHECK(outcome.status.error().message ==
        "invalid metric name or labels, got {a=\"b\"}\n"
        "invalid labels for series, labels {__name__=\"m\", a=\"1\", a=\"2\"}, duplicated label a\n"
        "TimeSeries must contain at least one sample or histogram for series {__name__=\"empty\"}\n"
        "out of bounds: timestamp is too far in the future for series {__name__=\"future\"}\n"
        "parsing labels for series [1 10 3]: invalid labelRefs length 3\n"
        "parsing labels for series [1 99]: labelRefs 1 (name) = 99 (value) outside of symbols table (size 11)\n"
        "parsing metadata for series [1 2]: metadata help_ref 50 outside of symbols table (size 11)\n"
        "parsing exemplar for series {__name__=\"good\"}: invalid labelRefs length 1");
  CHECK(f.Stored() == "good 1@0\n");
}

TEST_CASE("a list of complaints ends", "[push][rw2]") {
  Fixture f;
  Request2 request;
  for (int i = 0; i < 50; ++i) request.Add({"a", std::to_string(i)}, Sample(f.start.ms, 1));
  CHECK_THAT(f.Send2(request.Build()).status.error().message, Catch::Matchers::EndsWith("\nand 40 more"));
}

TEST_CASE("samples keep their series and times however requests mix them", "[push]") {
  Fixture f;
  const std::int64_t t = f.start.ms;
  // Grids, gaps, one odd time, and so many times of their own that rows are given up.
  std::string message, expected;
  const auto add = [&](const std::string& name, const std::vector<std::int64_t>& times) {
    std::string samples;
    expected += name;
    for (std::size_t i = 0; i < times.size(); ++i) {
      samples += Sample(t + times[i], static_cast<double>(i));
      expected += fmt::format(" {}@{}", i, times[i]);
    }
    expected += '\n';
    message += Series(Label("__name__", name) + samples);
  };
  add("a", {-30, -20, -10, 0});
  add("b", {-30, -20, -10, 0});
  add("c", {-20, 0});
  add("d", {-30, -25, -10, 0});
  for (int i = 100; i < 600; ++i) add(fmt::format("e{}", i), {-1000 - i, 1 + i});
  add("f", {-30, 0});
  MustSucceed(f.Send(message).status);
  CHECK(f.Stored() == expected);
}

TEST_CASE("metadata that changes back is written again", "[push][rw2]") {
  Fixture f;
  for (const char* help : {"one", "two", "one"}) {
    Request2 request;
    const auto reference = static_cast<std::int64_t>(request.Symbol(help));
    request.Add({"__name__", "m_total"}, Sample(f.start.ms, 1) + Bytes(5, Int(1, 1) + Int(3, reference)));
    MustSucceed(f.Send2(request.Build()).status);
    f.clock.Advance(Millis(1000));
  }
  CHECK(f.Said() == "{} m_total counter 'one' ''\n{} m_total counter 'two' ''\n{} m_total counter 'one' ''\n");
}

TEST_CASE("requests that lie about their size are refused before they cost memory", "[push]") {
  PushOptions options;
  options.max_request_bytes = 100'000;
  Fixture f(options);
  std::string series = Label("__name__", "m");
  for (int i = 0; i < 10'000; ++i) series += Bytes(2, "") + Bytes(4, "");
  const Error error = f.Refused(Compress(Series(series)));
  CHECK(error.code == Code::kLimit);
  CHECK(error.message == "request needs more than 100000 bytes of memory");
  CHECK(f.Stored().empty());
}

TEST_CASE("requests beyond the memory for all are put off", "[push]") {
  PushOptions options;
  options.max_bytes_in_flight = 1000;
  Fixture f(options);
  const std::string message = Series(Label("__name__", "m") + Sample(f.start.ms, 1));
  {
    PushBatch other(f.intake, PushProtocol::kOtlp);
    MustSucceed(other.Charge(950));
    CHECK(f.Refused(Compress(message)).code == Code::kUnavailable);
    CHECK(f.Metrics().find("result=\"failed\"} 1") != std::string::npos);
  }
  MustSucceed(f.Send(message).status);
  CHECK(f.Metrics().find("vedette_collector_push_in_flight_bytes 0") != std::string::npos);
}

TEST_CASE("the series cache forgets the oldest beyond its bound", "[push]") {
  SeriesCache cache(32 * 16);
  for (std::uint64_t i = 1; i <= 10'000; ++i) {
    const auto key = cache.KeyOf(std::to_string(i));
    cache.Add(key, static_cast<storage::SeriesId>(i));
    CHECK(cache.Find(key) == static_cast<storage::SeriesId>(i));
  }
  CHECK(cache.Find(cache.KeyOf("1")) == storage::SeriesId::kNone);
  cache.Clear();
  CHECK(cache.Find(cache.KeyOf("10000")) == storage::SeriesId::kNone);
}

}  // namespace vedette::collector
