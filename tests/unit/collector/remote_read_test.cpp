// Remote read: the messages both ways, and an end behind the store here.
#include <atomic>
#include <bit>
#include <cmath>
#include <future>
#include <map>
#include <random>
#include <thread>

#include <prometheus/registry.h>
#include <snappy.h>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "collector/push/write_request.h"
#include "collector/remote/fanout_storage.h"
#include "collector/remote/histogram_chunk.h"
#include "collector/remote/read_message.h"
#include "collector/remote/read_server.h"
#include "collector/remote/xor_chunk.h"
#include "core/numbers.h"
#include "storage/memory/memory_storage.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"
#include "tests/support/http_server.h"

namespace vedette::collector {
namespace {

using test::Received;
using test::Reply;

storage::Columns MakeColumns(std::vector<std::pair<std::int64_t, double>> samples) {
  storage::Columns out;
  for (const auto& [time, value] : samples) {
    out.times.push_back(time);
    out.values.push_back(value);
  }
  return out;
}

std::string Snappy(const std::string& plain) {
  std::string out;
  snappy::Compress(plain.data(), plain.size(), &out);
  return out;
}

std::vector<std::pair<std::int64_t, double>> Pairs(const storage::Columns& columns) {
  std::vector<std::pair<std::int64_t, double>> out;
  for (std::size_t i = 0; i < columns.size(); ++i) out.emplace_back(columns.times[i], columns.values[i]);
  return out;
}

Result<std::vector<RemoteSeries>> DecodeStream(std::string_view body, std::size_t max_frame) {
  ReadBudget budget;
  ReadStreamDecoder stream(max_frame, budget);
  // Byte by byte, as a slow network brings it.
  for (const char& byte : body) VEDETTE_CHECK(stream.Read({&byte, 1}));
  return std::move(stream).Finish();
}

/// Counters of a few buckets, from time to time with a new one, a reset or a marker.
storage::HistogramColumns RandomHistograms(std::mt19937_64& random, bool integers, bool custom, bool gauge) {
  storage::HistogramColumns out;
  auto layout = std::make_shared<HistogramLayout>();
  const auto change_layout = [&] {
    layout = std::make_shared<HistogramLayout>(*layout);
    layout->positive.push_back(layout->positive.empty() ? (custom ? 0 : -3) : layout->positive.back() + 1);
    if (custom) {
      layout->schema = HistogramLayout::kCustomSchema;
      layout->bounds.push_back(layout->bounds.empty() ? 0.1 : layout->bounds.back() + 1.0 / 3);
    } else {
      layout->schema = static_cast<int>(random() % 12) - 4;
      layout->zero_threshold = random() % 3 == 0 ? 0.3 : random() % 2 == 0 ? 0 : std::ldexp(1.0, -128);
      if (random() % 2 == 0) layout->negative.push_back(layout->negative.empty() ? 5 : layout->negative.back() + 7);
    }
  };
  change_layout();
  std::vector<double> counts;
  std::int64_t time = 1'700'000'000'000;
  for (int i = 0; i < 300; ++i) {
    time += 1 + static_cast<std::int64_t>(random() % 30'000);
    out.times.push_back(time);
    if (random() % 50 == 0) {
      out.histograms.push_back(StaleHistogram());
      continue;
    }
    if (random() % 40 == 0) change_layout();
    if (counts.size() != layout->buckets() || random() % 30 == 0) counts.assign(layout->buckets(), 0);
    for (double& count : counts) count += integers ? static_cast<double>(random() % 5) : 0.3;
    Histogram histogram;
    histogram.layout = layout;
    histogram.integers = integers;
    histogram.counts = counts;
    histogram.zero_count = custom ? 0 : static_cast<double>(i);
    histogram.count = histogram.zero_count;
    for (const double count : counts) histogram.count += count;
    histogram.sum = static_cast<double>(i) * 0.7;
    if (gauge) histogram.reset = CounterReset::kGauge;
    out.histograms.push_back(std::move(histogram));
  }
  return out;
}

/// A store in memory, in front of one end over a real socket.
struct ReadFixture {
  ReadFixture() { clock.Advance(Millis(0)); }
  ~ReadFixture() {
    fanout.reset();
    guard.reset();
    thread.join();
  }
  void Add(const Labels& labels, std::int64_t time, double value) {
    const auto appender = local->NewAppender();
    appender->Add(MustHave(appender->Series(labels)), TimeMs(time), value);
    (void)MustHave(appender->Commit());
  }
  void Start(RemoteReadEnd end, const Labels& external = {}) {
    MustSucceed(fanout->Apply(std::span(&end, 1), external));
  }
  /// The samples of what `matchers` select, by labels.
  std::map<std::string, std::vector<std::pair<std::int64_t, double>>> Query(std::vector<Matcher> matchers,
                                                                            TimeRange range) {
    const auto querier = fanout->NewQuerier(range);
    std::map<std::string, std::vector<std::pair<std::int64_t, double>>> out;
    for (const storage::SeriesEntry& entry : MustHave(querier->Select(matchers))) {
      storage::Columns samples;
      MustSucceed(querier->Read(entry.id, range, samples));
      out[entry.labels.ToString()] = Pairs(samples);
    }
    warnings = querier->Warnings();
    return out;
  }

  /// What Select() says to a querier with these limits.
  Result<std::size_t> Select(const storage::QueryLimits& limits) {
    const auto querier = fanout->NewQuerier({TimeMs(0), TimeMs(900'000)});
    querier->Limit(limits);
    const Matcher matcher = Matcher::Equal("__name__", "m");
    VEDETTE_TRY(const auto entries, querier->Select(std::span(&matcher, 1)));
    warnings = querier->Warnings();
    return entries.size();
  }

  test::FakeClock clock{TimeMs(1'000'000)};
  storage::StorageOptions options = [] {
    storage::StorageOptions out;
    out.retention = Millis(0);
    return out;
  }();
  std::unique_ptr<storage::Storage> local = storage::NewMemoryStorage(options, clock);
  prometheus::Registry registry;
  boost::asio::io_context io;
  std::optional<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> guard{io.get_executor()};
  std::thread thread{[this] { io.run(); }};
  TimeMs local_start = TimeMs(500'000);
  std::unique_ptr<FanoutStorage> fanout = std::make_unique<FanoutStorage>(
      FanoutStorage::Services{.local = *local,
                              .registry = registry,
                              .new_client = [this](const HttpConfig& http) { return HttpClient::Create(io, http); },
                              .local_start = [this] { return local_start; }});
  std::vector<std::string> warnings;
};

}  // namespace

TEST_CASE("chunks are read as they were written", "[remote_read]") {
  std::mt19937_64 random(5);
  for (int round = 0; round < 200; ++round) {
    storage::Columns samples;
    std::int64_t time = static_cast<std::int64_t>(random() % 2'000'000'000'000) - 1'000'000'000'000;
    double value = 0;
    const std::size_t n = 1 + random() % kXorChunkSamples;
    for (std::size_t i = 0; i < n; ++i) {
      time += 1 + static_cast<std::int64_t>(random() % (round % 3 == 0 ? 15'000 : std::uint64_t{1} << (random() % 40)));
      if (random() % 3 != 0) value = random() % 2 == 0 ? value + 1 : std::bit_cast<double>(random());
      if (random() % 30 == 0) value = StaleNan();
      samples.times.push_back(time);
      samples.values.push_back(value);
    }
    storage::Columns back;
    MustSucceed(DecodeXorChunk(EncodeXorChunk(samples.times, samples.values), back));
    REQUIRE(back.times == samples.times);
    for (std::size_t i = 0; i < n; ++i) {
      REQUIRE(std::bit_cast<std::uint64_t>(back.values[i]) == std::bit_cast<std::uint64_t>(samples.values[i]));
    }
  }
}

TEST_CASE("a chunk may span all times there are", "[remote_read]") {
  storage::Columns samples;
  for (const std::int64_t time : {INT64_MIN, INT64_MIN + 1, std::int64_t{0}, INT64_MAX - 1, INT64_MAX}) {
    samples.times.push_back(time);
    samples.values.push_back(1);
  }
  storage::Columns back;
  MustSucceed(DecodeXorChunk(EncodeXorChunk(samples.times, samples.values), back));
  CHECK(back.times == samples.times);
}

TEST_CASE("a chunk that Prometheus would write", "[remote_read]") {
  // Three samples: 1000 ms 1.5, 2000 ms 1.5, 3500 ms 2. Times: varint 2000 (zigzag), varint 1000, change 500 in 14
  // bits.
  const storage::Columns samples = MakeColumns({{1000, 1.5}, {2000, 1.5}, {3500, 2}});
  const std::string chunk = EncodeXorChunk(samples.times, samples.values);
  const std::string_view head("\x00\x03\xd0\x0f\x3f\xf8\x00\x00\x00\x00\x00\x00\xe8\x07", 14);
  CHECK(chunk.substr(0, head.size()) == head);
  // 0 (same value), 10 and 14 bits of 500, 11, 5 bits leading, 6 bits length ...
  CHECK(static_cast<unsigned char>(chunk[14]) == 0b01000000);
  CHECK(static_cast<unsigned char>(chunk[15]) == 0b11111010);
}

TEST_CASE("requests and both kinds of answers survive their encoding", "[remote_read]") {
  ReadRequest request;
  request.queries.push_back(
      {{TimeMs(-5), TimeMs(9)},
       {Matcher::Equal("__name__", "m"), MustHave(Matcher::Create(MatchOp::kNotRegex, "a", "b.*"))}});
  request.accepted = {kStreamedChunksType, kSamplesType};
  const ReadRequest back = MustHave(DecodeReadRequest(EncodeReadRequest(request)));
  REQUIRE(back.queries.size() == 1);
  CHECK(back.queries[0].range.min.ms == -5);
  CHECK(back.queries[0].range.max.ms == 9);
  CHECK(back.queries[0].matchers == request.queries[0].matchers);
  CHECK(back.accepted == request.accepted);
  CHECK_FALSE(DecodeReadRequest("\x0a\x7f").has_value());

  storage::Columns many;
  for (int i = 0; i < 1000; ++i) {
    many.times.push_back(i * 1000);
    many.values.push_back(i);
  }
  const Labels labels{{"__name__", "m"}, {"a", "1"}};
  std::string stream;
  PutReadFrames(labels, many, {}, 0, 300, stream);
  auto series = MustHave(DecodeStream(stream, 1 << 20));
  REQUIRE(series.size() == 1);
  CHECK(series[0].labels == labels);
  CHECK(Pairs(series[0].floats) == Pairs(many));
  CHECK_FALSE(DecodeStream(stream, 100).has_value());
  CHECK_FALSE(DecodeStream(stream.substr(0, stream.size() - 1), 1 << 20).has_value());
  std::string flipped = stream;
  flipped[20] = static_cast<char>(flipped[20] ^ 1);
  CHECK_FALSE(DecodeStream(flipped, 1 << 20).has_value());

  std::string result;
  ReadBudget budget;
  storage::HistogramColumns histograms;
  histograms.times.push_back(5);
  histograms.histograms.push_back(StaleHistogram());
  PutReadSeries(labels, many, histograms, result);
  series = MustHave(DecodeReadResponse(EncodeReadResponse(std::span(&result, 1)), budget));
  REQUIRE(series.size() == 1);
  CHECK(Pairs(series[0].floats) == Pairs(many));
  CHECK(series[0].histograms.size() == 1);
}

TEST_CASE("chunks of native histograms are read as they were written", "[remote_read]") {
  std::mt19937_64 random(7);
  for (int kind = 0; kind < 8; ++kind) {
    const bool gauge = kind / 4 != 0;
    const storage::HistogramColumns samples = RandomHistograms(random, kind % 2 == 0, kind / 2 % 2 == 0, gauge);
    // Floats between them, at times that no histogram has.
    storage::Columns floats;
    for (std::size_t i = 0; i + 1 < samples.size(); i += 17) {
      if (samples.times[i] + 1 == samples.times[i + 1]) continue;
      floats.times.push_back(samples.times[i] + 1);
      floats.values.push_back(static_cast<double>(i));
    }
    std::string stream;
    PutReadFrames(Labels{{"__name__", "h"}}, floats, samples, 0, 4000, stream);
    const auto series = MustHave(DecodeStream(stream, 1 << 20));
    REQUIRE(series.size() == 1);
    CHECK(Pairs(series[0].floats) == Pairs(floats));
    REQUIRE(series[0].histograms.times == samples.times);
    for (std::size_t i = 0; i < samples.size(); ++i) {
      const Histogram& histogram = series[0].histograms.histograms[i];
      Histogram expected = samples.histograms[i];
      expected.reset = histogram.reset;
      REQUIRE(SameHistogram(histogram, expected));
      if (IsStaleHistogram(histogram)) continue;
      CHECK(histogram.integers == samples.histograms[i].integers);
      CHECK((histogram.reset == CounterReset::kGauge) == gauge);
      // A counter that went back is never one of which it is said that it did not.
      if (i > 0 && histogram.reset == CounterReset::kNotReset) {
        CHECK(histogram.count >= samples.histograms[i - 1].count);
      }
    }
  }
}

TEST_CASE("a chunk of histograms that Prometheus would write", "[remote_read]") {
  // Schema 1, buckets 0 and 1 with 2 and 3 observations, threshold 2^-128; at 1 s.
  auto layout = std::make_shared<HistogramLayout>();
  layout->schema = 1;
  layout->zero_threshold = std::ldexp(1.0, -128);
  layout->positive = {0, 1};
  Histogram histogram;
  histogram.layout = layout;
  histogram.integers = true;
  histogram.count = 5;
  histogram.counts = {2, 3};
  const std::int64_t time = 1000;
  const std::string chunk = EncodeHistogramChunk(std::span(&time, 1), std::span(&histogram, 1));
  // Head 0 1, flags; threshold 116 as 2^-128 is 0.5 * 2^-127; 10 001 schema; 10 001 spans: 10 010 long, 0 offset;
  // 0 spans; 11110 and 12 bits of 1000; 10 101 count; 0 zeros; 64 bits of sum 0; buckets 10 010 and 10 001.
  std::string bits =
      "01110100"
      "10001"
      "10001"
      "10010"
      "0"
      "0"
      "11110"
      "001111101000"
      "10101"
      "0";
  bits += std::string(64, '0') +
          "10010"
          "10001";
  std::string expected("\x00\x01\x00", 3);
  for (std::size_t i = 0; i < bits.size(); i += 8) {
    std::string byte = bits.substr(i, 8);
    byte.resize(8, '0');
    expected.push_back(static_cast<char>(std::stoi(byte, nullptr, 2)));
  }
  CHECK(chunk == expected);
}

TEST_CASE("an answer is not decoded beyond what the query may hold", "[remote_read]") {
  const bool streamed = GENERATE(true, false);
  storage::Columns samples;
  for (int i = 0; i < 10'000; ++i) {
    samples.times.push_back(i);
    samples.values.push_back(0);
  }
  const test::HttpServer server([&](const Received&) -> Reply {
    if (streamed) {
      std::string stream;
      PutReadFrames(Labels{{"__name__", "m"}}, samples, {}, 0, 100, stream);
      return {.headers = {{"Content-Type", std::string(kStreamedType)}}, .body = stream};
    }
    std::string result;
    PutReadSeries(Labels{{"__name__", "m"}}, samples, {}, result);
    return {.headers = {{"Content-Type", "application/x-protobuf"}},
            .body = Snappy(EncodeReadResponse(std::span(&result, 1)))};
  });
  ReadFixture fixture;
  RemoteReadEnd end;
  end.url = server.Url("/read");
  fixture.Start(end);
  std::size_t held = 0;
  storage::QueryLimits limits;
  limits.hold = [&](std::size_t count) -> Status {
    if (held + count > 5'000) return Fail(Code::kLimit, "too many samples");
    held += count;
    return Ok();
  };
  const auto refused = fixture.Select(limits);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().message == "too many samples");
  CHECK(held > 0);
  limits.hold = [&](std::size_t count) {
    held += count;
    return Ok();
  };
  held = 0;
  CHECK(MustHave(fixture.Select(limits)) == 1);
  CHECK(held == 10'000);
  // Labels are bounded, too.
  ReadBudget budget({}, 100);
  std::string stream;
  PutReadFrames(Labels{{"__name__", "m"}}, samples, {}, 0, 100, stream);
  ReadStreamDecoder decoder(1 << 20, budget);
  CHECK(decoder.Read(stream).error().code == Code::kLimit);
}

TEST_CASE("a query that is cancelled, or out of time, waits for no end", "[remote_read]") {
  std::promise<void> asked, leave;
  const auto left = leave.get_future().share();
  std::atomic<int> requests = 0;
  const test::HttpServer server([&](const Received&) -> Reply {
    if (requests++ == 0) asked.set_value();
    left.wait();
    return {};
  });
  {
    ReadFixture fixture;
    RemoteReadEnd end;
    end.url = server.Url("/read");
    fixture.Start(end);
    SECTION("cancelled") {
      std::stop_source stop;
      auto answer = std::async(std::launch::async, [&] { return fixture.Select({.stop = stop.get_token()}); });
      asked.get_future().wait();
      stop.request_stop();
      CHECK(answer.get().error().code == Code::kCanceled);
    }
    SECTION("out of time") {
      CHECK(fixture.Select({.deadline = Deadline(SystemClock(), Millis(50))}).error().code == Code::kTimeout);
    }
    SECTION("an end that is slow does not keep another's answer") {
      const test::HttpServer quick([&](const Received&) -> Reply {
        std::string stream;
        PutReadFrames(Labels{{"__name__", "m"}}, MakeColumns({{1, 1}}), {}, 0, 100, stream);
        return {.headers = {{"Content-Type", std::string(kStreamedType)}}, .body = stream};
      });
      std::vector<RemoteReadEnd> ends = {end, end};
      ends[0].remote_timeout = Millis(200);
      ends[1].url = quick.Url("/read");
      MustSucceed(fixture.fanout->Apply(ends, {}));
      CHECK(MustHave(fixture.Select({})) == 1);
      REQUIRE(fixture.warnings.size() == 1);
      CHECK(fixture.warnings[0].find("timeout") != std::string::npos);
    }
    leave.set_value();
  }
}

TEST_CASE("an end adds what lies before the store here, which wins", "[remote_read]") {
  const bool streamed = GENERATE(false, true);
  const test::HttpServer server([&](const Received& received) -> Reply {
    const ReadRequest request = MustHave(DecodeReadRequest(MustHave(DecompressSnappy(received.body, 1 << 20)).view()));
    CHECK(received.Header("X-Prometheus-Remote-Read-Version") == "0.1.0");
    CHECK(request.queries.at(0).range.max.ms == 500'000);
    // The external label is asked for, and is in the answer.
    CHECK(request.queries.at(0).matchers.back() == Matcher::Equal("cluster", "c"));
    const Labels both{{"__name__", "m"}, {"cluster", "c"}, {"i", "1"}};
    const Labels far{{"__name__", "m"}, {"cluster", "c"}, {"i", "0"}};
    const storage::Columns samples = MakeColumns({{1000, 1}, {499'000, 5}});
    if (streamed) {
      std::string stream;
      PutReadFrames(both, samples, {}, 0, 1 << 20, stream);
      PutReadFrames(far, samples, {}, 0, 1 << 20, stream);
      return {.headers = {{"Content-Type", std::string(kStreamedType)}}, .body = stream};
    }
    std::string result;
    PutReadSeries(both, samples, {}, result);
    PutReadSeries(far, samples, {}, result);
    return {.headers = {{"Content-Type", "application/x-protobuf"}, {"Content-Encoding", "snappy"}},
            .body = Snappy(EncodeReadResponse(std::span(&result, 1)))};
  });
  ReadFixture fixture;
  fixture.Add(Labels{{"__name__", "m"}, {"i", "1"}}, 499'000, 7);
  fixture.Add(Labels{{"__name__", "m"}, {"i", "1"}}, 600'000, 8);
  RemoteReadEnd end;
  end.url = server.Url("/read");
  fixture.Start(end, Labels{{"cluster", "c"}});
  const auto answer = fixture.Query({Matcher::Equal("__name__", "m")}, {TimeMs(0), TimeMs(900'000)});
  REQUIRE(answer.size() == 2);
  using Samples = std::vector<std::pair<std::int64_t, double>>;
  CHECK(answer.at(Labels{{"__name__", "m"}, {"i", "1"}}.ToString()) == Samples{{1000, 1}, {499'000, 7}, {600'000, 8}});
  CHECK(answer.at(Labels{{"__name__", "m"}, {"i", "0"}}.ToString()) == Samples{{1000, 1}, {499'000, 5}});
  CHECK(fixture.warnings.empty());
  // What lies here as a whole asks nobody.
  const std::size_t before = server.requests().size();
  CHECK(fixture.Query({Matcher::Equal("__name__", "m")}, {TimeMs(500'000), TimeMs(900'000)}).size() == 1);
  CHECK(server.requests().size() == before);
}

TEST_CASE("ends that fail leave a warning, and required matchers keep others from being asked", "[remote_read]") {
  const int status = GENERATE(500, 200);
  const test::HttpServer server(
      [&](const Received&) -> Reply { return {.status = status, .body = "no snappy at all"}; });
  ReadFixture fixture;
  fixture.Add(Labels{{"__name__", "m"}}, 600'000, 8);
  RemoteReadEnd end;
  end.url = server.Url("/read");
  end.read_recent = true;
  end.required_matchers = {{"far", "yes"}};
  fixture.Start(end);
  CHECK(fixture.Query({Matcher::Equal("__name__", "m")}, {TimeMs(0), TimeMs(900'000)}).size() == 1);
  CHECK(fixture.warnings.empty());
  CHECK(server.requests().empty());
  CHECK(fixture.Query({Matcher::Equal("far", "yes")}, {TimeMs(0), TimeMs(900'000)}).empty());
  REQUIRE(fixture.warnings.size() == 1);
  CHECK(fixture.warnings[0].starts_with("remote_read"));
}

TEST_CASE("a read is answered as it is asked for", "[remote_read]") {
  ReadFixture fixture;
  for (int i = 0; i < 10; ++i) fixture.Add(Labels{{"__name__", "m"}}, i * 1000, i);
  ReadServerOptions options;
  options.max_samples = 10;
  ReadServer server(
      *fixture.local,
      [] {
        return Labels{{"cluster", "c"}};
      },
      options);
  ReadRequest request;
  request.queries.push_back(
      {{TimeMs(0), TimeMs(9000)}, {Matcher::Equal("__name__", "m"), Matcher::Equal("cluster", "c")}});
  const auto read = [&] { return server.Read(Snappy(EncodeReadRequest(request)), {}); };
  const Labels expected{{"__name__", "m"}, {"cluster", "c"}};
  auto answer = MustHave(read());
  CHECK(answer.content_type == "application/x-protobuf");
  ReadBudget budget;
  auto series = MustHave(DecodeReadResponse(MustHave(DecompressSnappy(answer.body, 1 << 20)).view(), budget));
  REQUIRE(series.size() == 1);
  CHECK(series[0].labels == expected);
  CHECK(series[0].floats.size() == 10);
  request.accepted = {kStreamedChunksType, kSamplesType};
  answer = MustHave(read());
  CHECK(answer.content_type == kStreamedType);
  series = MustHave(DecodeStream(answer.body, 1 << 20));
  REQUIRE(series.size() == 1);
  CHECK(series[0].floats.size() == 10);
  // Who asks for an external label does not mean series that say otherwise themselves.
  fixture.Add(Labels{{"__name__", "m"}, {"cluster", "other"}}, 1000, 1);
  answer = MustHave(read());
  CHECK(MustHave(DecodeStream(answer.body, 1 << 20)).size() == 1);
  request.accepted = {7};
  CHECK(read().error().code == Code::kBadData);
  request.accepted = {};
  fixture.Add(Labels{{"__name__", "m"}, {"i", "2"}}, 1000, 1);
  CHECK(read().error().message == "exceeded sample limit (10)");
  CHECK(server.Read("nonsense", {}).error().code == Code::kBadData);
}

}  // namespace vedette::collector
