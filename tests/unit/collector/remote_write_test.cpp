#include "collector/push/remote_write.h"

#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>
#include <snappy.h>

#include <cstring>

#include "collector/push/series_cache.h"
#include "core/numbers.h"
#include "storage/memory/memory_storage.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"

namespace vedette::collector {
namespace {

std::string Varint(std::uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  return out + static_cast<char>(value);
}
std::string Bytes(int field, std::string_view bytes) {
  return Varint(static_cast<std::uint64_t>(field) << 3 | 2) + Varint(bytes.size()) + std::string(bytes);
}
std::string Label(std::string_view name, std::string_view value) { return Bytes(1, Bytes(1, name) + Bytes(2, value)); }
std::string Sample(std::int64_t ms, double value) {
  std::string raw(8, '\0');
  std::memcpy(raw.data(), &value, 8);
  return Bytes(2, "\x09" + raw + "\x10" + Varint(static_cast<std::uint64_t>(ms)));
}
std::string Series(std::string_view fields) { return Bytes(1, fields); }
std::string Compress(std::string_view message) {
  std::string out;
  snappy::Compress(message.data(), message.size(), &out);
  return out;
}

class Fixture {
 public:
  Fixture() : store_(storage::NewMemoryStorage({}, clock)), receiver(*store_, clock, registry_, {}) {}

  std::string Stored() const {
    const auto querier = store_->NewQuerier({});
    std::string out;
    for (const auto& series : MustHave(querier->Select({}))) {
      storage::Columns columns;
      MustSucceed(querier->Read(series.id, {}, columns));
      out += series.labels.ToString();
      for (std::size_t i = 0; i < columns.size(); ++i) {
        out += fmt::format(" {}@{}", FormatSampleValue(columns.values[i]), columns.times[i] - start.ms);
      }
      out += '\n';
    }
    return out;
  }
  std::string Metrics() const { return prometheus::TextSerializer().Serialize(registry_.Collect()); }
  Error Refused(std::string_view body) {
    const auto result = receiver.Ingest(body);
    REQUIRE_FALSE(result.has_value());
    return result.error();
  }

  test::FakeClock clock;
  const TimeMs start = clock.Now();

 private:
  prometheus::Registry registry_;
  std::unique_ptr<storage::Storage> store_;

 public:
  RemoteWriteReceiver receiver;
};

}  // namespace

TEST_CASE("remote write stores samples of any age, in any order, more than once", "[push]") {
  Fixture f;
  const std::int64_t t = f.start.ms;
  const std::string labels = Label("__name__", "m") + Label("a", "1");
  const std::string message = Series(labels + Sample(t, 1) + Sample(t - 60'000, 0.5)) +
                              Series(Label("b", "2") + Label("__name__", "m") + Sample(t, 2)) +  // unsorted
                              Bytes(3, "metadata") + Bytes(9, "unknown field");
  for (int i = 0; i < 3; ++i) {
    const auto outcome = MustHave(f.receiver.Ingest(Compress(message)));
    CHECK(outcome.series == 2);
    CHECK(outcome.samples == 3);
    CHECK(f.Stored() == "m{a=\"1\"} 0.5@-60000 1@0\nm{b=\"2\"} 2@0\n");
  }
  CHECK(f.Metrics().find("vedette_collector_push_series_total{way=\"cached\"} 4") != std::string::npos);
  CHECK(MustHave(f.receiver.Ingest(Compress(""))).series == 0);
}

TEST_CASE("series that cannot be are skipped and counted; the others are stored", "[push]") {
  Fixture f;
  const std::string sample = Sample(f.start.ms, 1);
  const std::string message = Series(Label("a", "no name") + sample) +
                              Series(Label("__name__", "m") + Label("a", "1") + Label("a", "2") + sample) +
                              Series(Label("__name__", "m") + Label("", "1") + sample) +
                              Series(Label("__name__", "m") + Label("a", "\xff") + sample) +
                              Series(Label("__name__", "m") + Label("a", "") + sample) + Series(sample) +
                              Series(Label("__name__", "h") + Bytes(4, "histogram"));
  const auto outcome = MustHave(f.receiver.Ingest(Compress(message)));
  CHECK(outcome.samples == 1);
  CHECK(outcome.skipped_series == 5);
  CHECK(outcome.dropped_samples == 6);
  CHECK(f.Stored() == "m 1@0\n");
  CHECK(f.Metrics().find("dropped_total{reason=\"native_histogram\"} 1") != std::string::npos);
  CHECK(f.Metrics().find("dropped_total{reason=\"bad_labels\"} 5") != std::string::npos);
}

TEST_CASE("samples outside the bounds are refused, and the good ones kept", "[push]") {
  Fixture f;
  const std::int64_t t = f.start.ms;
  const std::string message =
      Series(Label("__name__", "m") + Sample(t + 700'000, 1) + Sample(-5, 1) + Sample(1, 1) + Sample(t + 500'000, 7));
  const Error error = f.Refused(Compress(message));
  CHECK(error.code == Code::kBadData);
  CHECK_THAT(error.message,
             Catch::Matchers::StartsWith("out of bounds: 3 samples") && Catch::Matchers::EndsWith("for instance of m"));
  CHECK(f.Stored() == "m 7@500000\n");
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

TEST_CASE("headers decide before the body is read", "[push]") {
  const auto status = [](std::string_view method, std::string_view type, std::string_view encoding) {
    const auto refusal = CheckRemoteWriteHeaders(method, type, encoding);
    return refusal ? refusal->status : 200;
  };
  CHECK(status("POST", "application/x-protobuf", "snappy") == 200);
  CHECK(status("POST", "", "") == 200);
  CHECK(status("POST", "application/x-protobuf;proto=prometheus.WriteRequest", "Snappy") == 200);
  CHECK(status("POST", "application/x-protobuf;proto=io.prometheus.write.v2.Request", "snappy") == 415);
  CHECK(status("POST", "application/json", "snappy") == 415);
  CHECK(status("POST", "application/x-protobuf", "gzip") == 415);
  CHECK(status("GET", "application/x-protobuf", "snappy") == 405);
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
