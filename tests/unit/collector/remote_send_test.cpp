// Remote write out: the messages, the order of samples, what is retried and what is not, and where a restart goes on.
#include <algorithm>
#include <bit>
#include <map>
#include <mutex>
#include <thread>

#include <prometheus/registry.h>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "collector/push/wire.h"
#include "collector/push/write_request.h"
#include "collector/remote/histogram_proto.h"
#include "collector/remote/remote_writers.h"
#include "collector/remote/send_progress.h"
#include "collector/remote/shard_plan.h"
#include "collector/remote/write_encoder.h"
#include "core/numbers.h"
#include "storage/coding.h"
#include "storage/rocks/rocks_storage.h"
#include "tests/support/catch.h"
#include "tests/support/http_server.h"
#include "tests/support/temp_dir.h"

namespace vedette::collector {
namespace {

using test::After;
using test::Received;
using test::Reply;

/// What a remote end holds: samples by series, in the order of their arrival. Used by the threads of a server, where
/// nothing may be checked: what is wrong is noted.
struct RemoteStore {
  SeriesCache hasher{1};
  std::map<std::string, std::vector<storage::Sample>> series;
  std::vector<std::string> problems;

  void Expect(bool good, std::string what) {
    if (!good) problems.push_back(std::move(what));
  }
  void Take(std::string_view body) {
    const auto plain = DecompressSnappy(body, 64 << 20);
    if (!plain) return problems.push_back(plain.error().message);
    WriteRequestSink sink;
    sink.series = [&](PushedSeries& pushed) -> Status {
      VEDETTE_CHECK(pushed.ReadLabels());
      Expect(NormalizeLabels(pushed.labels) == LabelVerdict::kGood, "bad labels");
      auto& samples = series[Labels::FromSorted(pushed.labels).ToString()];
      samples.insert(samples.end(), pushed.samples.begin(), pushed.samples.end());
      return Ok();
    };
    sink.metadata = [](const PushedMetadata&) {};
    const Status read = ReadWriteRequest(plain->view(), hasher, sink);
    Expect(read.has_value(), "a malformed message");
  }
};

OutgoingSample Float(OutgoingSeries& series, std::int64_t time, double value) {
  return {&series, time, value, {}, 1, 0};
}

/// A store with real files, writers over real sockets.
struct SendFixture {
  SendFixture() {
    options.path = dir.Sub("data");
    OpenStore();
  }
  ~SendFixture() {
    writers.reset();
    guard.reset();
    thread.join();
  }

  void OpenStore() {
    writers.reset();
    store.reset();
    registry = std::make_unique<prometheus::Registry>();
    store = MustHave(storage::RocksStorage::Open(options, SystemClock(), *registry));
  }

  RemoteWriteEnd End(const test::HttpServer& server) const {
    RemoteWriteEnd end;
    end.url = server.Url("/write");
    end.name = "test";
    end.queue.batch_send_deadline = Millis(20);
    end.queue.min_backoff = Millis(5);
    end.queue.max_backoff = Millis(20);
    end.queue.max_samples_per_send = 7;
    end.metadata.send = false;
    return end;
  }

  void Start(const RemoteWriteEnd& end, const Labels& external = {}) {
    if (!writers) {
      writers = std::make_unique<RemoteWriters>(RemoteWriters::Services{
          .feeds = *store,
          .clock = SystemClock(),
          .registry = *registry,
          .new_client = [this](const HttpConfig& http, const RequestAuth&) { return HttpClient::Create(io, http); },
          .metadata =
              [] {
                return std::vector<MetricMetadata>{{"m", "counter", "what m is", "things"}};
              },
          .poll = Millis(5)});
    }
    MustSucceed(writers->Apply(std::span(&end, 1), external));
    // A new end begins with what comes from now on: not before it has found its place.
    WaitFor([&] { return !store->Feeds().empty(); });
  }

  /// Commits of several series each.
  void Append(int from, int to, int series = 5) const {
    for (int n = from; n < to; ++n) {
      const auto appender = store->NewAppender();
      std::vector<storage::SeriesId> ids;
      std::vector<double> values;
      for (int i = 0; i < series; ++i) {
        ids.push_back(MustHave(appender->Series(Labels{{"__name__", "m"}, {"i", std::to_string(i)}})));
        values.push_back(n * 100 + i);
      }
      appender->AddRow(start + Millis(n), ids, values);
      (void)MustHave(appender->Commit());
    }
  }

  template <class Condition>
  static bool WaitFor(Condition condition) {
    for (int i = 0; i < 2000; ++i) {
      if (condition()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }

  double Metric(const std::string& what, const std::string& reason = "") const {
    double sum = 0;
    for (const auto& family : registry->Collect()) {
      if (family.name != "vedette_collector_remote_write_" + what) continue;
      for (const auto& metric : family.metric) {
        const bool match = reason.empty() || std::ranges::any_of(metric.label, [&](const auto& label) {
                             return label.name == "reason" && label.value == reason;
                           });
        if (match) sum += metric.counter.value + metric.gauge.value;
      }
    }
    return sum;
  }

  test::TempDir dir;
  storage::StorageOptions options;
  boost::asio::io_context io;
  std::optional<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> guard{io.get_executor()};
  std::thread thread{[this] { io.run(); }};
  std::unique_ptr<prometheus::Registry> registry;
  std::unique_ptr<storage::RocksStorage> store;
  std::unique_ptr<RemoteWriters> writers;
  const TimeMs start = SystemClock().Now() - Millis(100'000);
};

/// Every series of Append(0, n) has its samples once, in order.
bool HasAll(const RemoteStore& remote, int n, int series = 5) {
  for (int i = 0; i < series; ++i) {
    const auto found = remote.series.find(Labels{{"__name__", "m"}, {"i", std::to_string(i)}}.ToString());
    if (found == remote.series.end() || found->second.size() != static_cast<std::size_t>(n)) return false;
    for (int k = 0; k < n; ++k) {
      if (found->second[static_cast<std::size_t>(k)].value != k * 100 + i) return false;
    }
  }
  return true;
}

}  // namespace

TEST_CASE("a message of the first type is read as it was meant", "[remote_write_out]") {
  RemoteWriteEnd end;
  const Labels external{{"replica", "a"}, {"i", "no"}};
  OutgoingSeriesTable table(end, external, 1 << 20);
  OutgoingSeries& one = table.Add(storage::SeriesId(1), Labels{{"__name__", "m"}, {"i", "1"}});
  OutgoingSeries& two = table.Add(storage::SeriesId(2), Labels{{"__name__", "m"}, {"i", "2"}});
  WriteEncoder encoder(WriteMessage::kVersion1);
  std::vector<OutgoingSample> samples;
  samples.push_back(Float(one, 1000, 1.5));
  samples.push_back(Float(two, 1000, StaleNan()));
  samples.push_back(Float(one, 2000, -0.0));
  samples.push_back(Float(one, 500, 7));  // late: a series of its own in the message, behind
  samples.push_back(Float(two, -5, 8));   // before 1970
  samples.push_back(Float(one, 10, 9));   // too old
  MessageCounts counts;
  RemoteStore remote;
  remote.Take(encoder.Encode(samples, -100, table.symbols(), counts));
  CHECK(counts.samples == 6);
  CHECK(counts.newest == 2000);
  const auto& first = remote.series.at(Labels{{"__name__", "m"}, {"i", "1"}, {"replica", "a"}}.ToString());
  const auto& second = remote.series.at(Labels{{"__name__", "m"}, {"i", "2"}, {"replica", "a"}}.ToString());
  REQUIRE(first.size() == 4);
  CHECK(first[1].time.ms == 2000);
  CHECK(std::signbit(first[1].value));
  CHECK(first[2].time.ms == 500);
  REQUIRE(second.size() == 2);
  CHECK(std::bit_cast<std::uint64_t>(second[0].value) == std::bit_cast<std::uint64_t>(StaleNan()));
  CHECK(second[1].time.ms == -5);
  remote.series.clear();
  counts = {};
  remote.Take(encoder.Encode(samples, 400, table.symbols(), counts));
  CHECK(counts.samples == 4);
}

TEST_CASE("a message of the second type names each text once", "[remote_write_out]") {
  RemoteWriteEnd end;
  end.message = WriteMessage::kVersion2;
  const Labels none;
  OutgoingSeriesTable table(end, none, 1 << 20);
  OutgoingSeries& one = table.Add(storage::SeriesId(1), Labels{{"__name__", "m_total"}, {"i", "1"}});
  OutgoingSeries& two = table.Add(storage::SeriesId(2), Labels{{"__name__", "m_total"}, {"i", "2"}});
  WriteEncoder encoder(WriteMessage::kVersion2);
  one.last_commit = two.last_commit = 1;  // they are waited for
  encoder.SetMetadata({{"m", "counter", "help", ""}});
  for (int round = 0; round < 2; ++round) {
    std::vector<OutgoingSample> samples;
    samples.push_back(Float(two, 1000, 2));
    samples.push_back(Float(one, 1000, 1));
    MessageCounts counts;
    const Decompressed plain =
        MustHave(DecompressSnappy(encoder.Encode(samples, INT64_MIN, table.symbols(), counts), 1 << 20));
    std::vector<std::string> symbols;
    std::vector<std::string> series;
    std::size_t with_metadata = 0;
    WireReader in(plain.view());
    while (in.Next()) {
      if (in.field() == 4) {
        symbols.emplace_back(in.Bytes());
        continue;
      }
      REQUIRE(in.field() == 5);
      WireReader part(in.Bytes());
      std::string text;
      while (part.Next()) {
        if (part.field() == 1) {
          storage::ByteReader refs(part.Bytes());
          while (!refs.empty()) text += symbols.at(*refs.Varint()) + ",";
        } else {
          with_metadata += part.field() == 5 ? 1 : 0;
          part.Skip();
        }
      }
      REQUIRE(part.ok());
      series.push_back(text);
    }
    REQUIRE(in.ok());
    CHECK(symbols.front().empty());
    CHECK(std::ranges::count(symbols, "m_total") == 1);
    CHECK(series == std::vector<std::string>{"__name__,m_total,i,2,", "__name__,m_total,i,1,"});
    CHECK(with_metadata == 2);
    table.Sweep(0);  // numbers may change between messages
  }
}

TEST_CASE("a series whose labels are gone is not made up from external labels", "[remote_write_out]") {
  RemoteWriteEnd end;
  RelabelConfig rename;
  rename.target_label = "__name__";
  rename.replacement = "made_up";
  end.write_relabel_configs = {rename};
  const Labels external{{"replica", "a"}};
  OutgoingSeriesTable table(end, external, 1 << 20);
  const OutgoingSeries& gone = table.Add(storage::SeriesId(1), Labels());
  CHECK(gone.unknown);
  CHECK(gone.dropped);
  CHECK(gone.label_bytes.empty());
  CHECK_FALSE(table.Add(storage::SeriesId(2), Labels{{"__name__", "m"}}).dropped);
}

TEST_CASE("histograms survive their message", "[remote_write_out]") {
  Histogram h;
  auto layout = std::make_shared<HistogramLayout>();
  layout->schema = 2;
  layout->zero_threshold = 1e-128;
  layout->positive = {-3, -2, 5};
  layout->negative = {1};
  h.layout = layout;
  h.sum = 12.5;
  h.reset = CounterReset::kNotReset;
  SECTION("integers") {
    h.integers = true;
    h.zero_count = 2;
    h.counts = {3, 1, 4, 1};
    h.count = 11;
  }
  SECTION("floats") {
    h.zero_count = 0.5;
    h.counts = {3.25, 1, 4, 1};
    h.count = 9.75;
  }
  std::string bytes;
  PutHistogramMessage(h, TimeMs(77), bytes);
  const TimedHistogram back = MustHave(ReadHistogramMessage(bytes));
  CHECK(back.time.ms == 77);
  CHECK(SameHistogram(back.histogram, h));
  CHECK(back.histogram.reset == h.reset);
  CHECK(back.histogram.integers == h.integers);
  bytes.clear();
  PutHistogramMessage(StaleHistogram(), TimeMs(78), bytes);
  CHECK(IsStaleHistogram(MustHave(ReadHistogramMessage(bytes)).histogram));
}

TEST_CASE("progress is remembered for every division into shards", "[remote_write_out]") {
  SendProgress empty = MustHave(SendProgress::Parse(""));
  CHECK(empty.empty());
  ShardPlaces three{{{10, 0}, {12, 5}, {11, 0}}};
  const SendProgress restored = MustHave(SendProgress::Parse(empty.Format(three, 9)));
  const std::uint64_t second = std::uint64_t{1} << 16;  // belongs to the second shard of three
  CHECK(ShardOf(second, 3) == 1);
  CHECK(restored.Has(second, {12, 4}));
  CHECK_FALSE(restored.Has(second, {12, 5}));
  CHECK_FALSE(restored.Has(0, {10, 0}));
  CHECK(restored.Has(0, {9, 3}));
  // Another division afterwards: both count.
  ShardPlaces one{{{11, 2}}};
  SendProgress both = MustHave(SendProgress::Parse(restored.Format(one, 10)));
  CHECK(both.Has(0, {11, 1}));
  CHECK(both.Has(second, {12, 4}));
  both.Pass(11);
  CHECK_FALSE(both.empty());
  both.Pass(12);
  CHECK(both.empty());
  for (const std::string_view bad : {"\x01\x01\x01\x0a\x01", "\x02\x01", "\x02\x01\x05\x01", "\x02\x01\x01\x01\x01z"}) {
    CHECK_FALSE(SendProgress::Parse(bad).has_value());
  }
}

TEST_CASE("shards follow the rates", "[remote_write_out]") {
  RemoteQueueOptions options;
  options.max_shards = 20;
  ShardPlan plan(options);
  CHECK(plan.Update(1, 0) == 1);  // nothing was sent yet
  plan.NoteIn(100'000);
  plan.NoteOut(100'000, 60);  // 6 shards' time for 10 seconds' samples
  CHECK(plan.Update(1, 0) == 6);
  plan.NoteIn(100'000);
  plan.NoteOut(100'000, 60);
  CHECK(plan.Update(6, 0) == 6);
  plan.NoteIn(100'000);
  plan.NoteOut(100'000, 60);
  CHECK(plan.Update(6, 1000) == 20);  // far behind
  plan.NoteIn(100'000);
  plan.NoteOut(100'000, 60);
  CHECK(plan.Update(20, 11) == 20);  // not fewer while it is behind
  plan.NoteIn(100'000);
  plan.NoteOut(100'000, 60);
  CHECK(plan.Update(20, 0) == 6);
}

TEST_CASE("a hostile remote end gets every sample once and in order", "[remote_write_out]") {
  std::mutex mutex;
  RemoteStore remote;
  int requests = 0, attempts_seen = 0;
  const test::HttpServer server([&](const Received& request) -> Reply {
    const std::lock_guard lock(mutex);
    remote.Expect(request.method == "POST", request.method);
    for (const auto& [name, value] :
         {std::pair{"Content-Encoding", "snappy"}, std::pair{"Content-Type", "application/x-protobuf"},
          std::pair{"X-Prometheus-Remote-Write-Version", "0.1.0"}}) {
      remote.Expect(request.Header(name) == value, request.Header(name));
    }
    attempts_seen += request.Header("Retry-Attempt").empty() ? 0 : 1;
    switch (++requests % 6) {
      case 0:
        return {.status = 500, .body = "no\nreason"};
      case 1:
        return {.status = 429, .headers = {{"Retry-After", "0.05"}}};
      case 2:
        return {.status = 503, .headers = {{"Retry-After", "bogus"}}, .after = After::kClose};
      case 3:
        return {.body = "nothing of this arrives", .stop_after = 0, .after = After::kReset};
      default:
        remote.Take(request.body);
        return {.status = 204};
    }
  });
  SendFixture fixture;
  RemoteWriteEnd end = fixture.End(server);
  end.queue.retry_on_http_429 = true;
  end.queue.min_shards = GENERATE(1, 3);
  end.queue.capacity = 20;
  fixture.Start(end);
  fixture.Append(0, 100);
  CHECK(SendFixture::WaitFor([&] {
    const std::lock_guard lock(mutex);
    return HasAll(remote, 100);
  }));
  CHECK(remote.problems.empty());
  CHECK(attempts_seen > 0);
  CHECK(SendFixture::WaitFor([&] { return fixture.Metric("samples_total") == 500; }));  // the last reply is on its way
  CHECK(fixture.Metric("samples_retried_total") > 0);
  CHECK(fixture.Metric("samples_failed_total") == 0);
}

TEST_CASE("what an end refuses is counted and not repeated", "[remote_write_out]") {
  std::mutex mutex;
  RemoteStore remote;
  int requests = 0;
  const int status = GENERATE(400, 404, 429, 302);
  const test::HttpServer server([&](const Received& request) -> Reply {
    const std::lock_guard lock(mutex);
    if (++requests == 1) return {.status = status, .body = "no"};
    remote.Take(request.body);
    return {};
  });
  SendFixture fixture;
  RemoteWriteEnd end = fixture.End(server);
  end.queue.max_samples_per_send = 5;
  fixture.Start(end);
  fixture.Append(0, 10);
  CHECK(SendFixture::WaitFor([&] { return fixture.Metric("samples_total") == 45; }));
  CHECK(fixture.Metric("samples_failed_total") == 5);
}

TEST_CASE("an outage and restarts cost nothing, and a restart repeats nothing", "[remote_write_out]") {
  std::mutex mutex;
  RemoteStore remote;
  bool dead = false;
  const test::HttpServer server([&](const Received& request) -> Reply {
    const std::lock_guard lock(mutex);
    if (dead) return {.stop_after = 0, .after = After::kReset};
    remote.Take(request.body);
    return {};
  });
  SendFixture fixture;
  RemoteWriteEnd end = fixture.End(server);
  end.queue.min_shards = 2;
  end.queue.capacity = 30;
  fixture.Start(end);
  fixture.Append(0, 20);
  CHECK(SendFixture::WaitFor([&] { return fixture.Metric("samples_total") == 100; }));
  {
    const std::lock_guard lock(mutex);
    dead = true;
  }
  fixture.Append(20, 60);
  fixture.OpenStore();
  end.queue.min_shards = 3;  // another division
  fixture.Start(end);
  fixture.Append(60, 100);
  MustSucceed(fixture.store->Flush());
  fixture.OpenStore();
  fixture.Start(end);
  {
    const std::lock_guard lock(mutex);
    dead = false;
  }
  fixture.Append(100, 120);
  CHECK(SendFixture::WaitFor([&] {
    const std::lock_guard lock(mutex);
    return HasAll(remote, 120);
  }));
  // A change of other things keeps the place as well, and what goes is flushed.
  end.queue.max_samples_per_send = 3;
  fixture.Start(end);
  fixture.Append(120, 130);
  fixture.writers->Stop(std::chrono::seconds(10));
  CHECK(HasAll(remote, 130));
  CHECK(remote.problems.empty());
  fixture.writers->ForgetOthers();
  CHECK(fixture.store->Feeds().empty());
}

TEST_CASE("ends that share a URL keep their places when one goes or the order changes", "[remote_write_out]") {
  const test::HttpServer server([](const Received&) { return Reply{}; });
  SendFixture fixture;
  RemoteWriteEnd one = fixture.End(server);
  one.name.clear();
  RemoteWriteEnd two = one;
  two.headers = {{"X-Scope-OrgID", "two"}};
  const std::string plain = "remote_write/" + one.url, special = plain + "#" + RemoteName(two);
  const auto apply = [&](const std::vector<RemoteWriteEnd>& ends) {
    MustSucceed(fixture.writers->Apply(ends, {}));
    CHECK(SendFixture::WaitFor([&] { return fixture.store->Feeds().size() >= ends.size(); }));
    fixture.writers->ForgetOthers();
    return fixture.store->Feeds();
  };
  using Names = std::vector<std::string>;
  fixture.Start(one);
  CHECK(apply({two, one}) == Names{plain, special});
  CHECK(apply({one, two}) == Names{plain, special});
  CHECK(apply({two}) == Names{special});
  CHECK(apply({two, one}) == Names{plain, special});
  fixture.OpenStore();
  fixture.Start(two);
  CHECK(fixture.store->Feeds() == Names{plain, special});
  fixture.writers->ForgetOthers();
  CHECK(fixture.store->Feeds() == Names{special});
}

TEST_CASE("external labels, relabelling, age and backlog decide what is sent", "[remote_write_out]") {
  std::mutex mutex;
  RemoteStore remote;
  const test::HttpServer server([&](const Received& request) -> Reply {
    const std::lock_guard lock(mutex);
    remote.Expect(request.Header("X-Scope-OrgID") == "me", "header");
    remote.Take(request.body);
    return {};
  });
  SendFixture fixture;
  RemoteWriteEnd end = fixture.End(server);
  end.headers = {{"X-Scope-OrgID", "me"}};
  RelabelConfig drop;
  drop.source_labels = {"i"};
  drop.regex = MustHave(Regex::Compile("1"));
  drop.action = RelabelAction::kDrop;
  end.write_relabel_configs = {drop};
  end.queue.sample_age_limit = Millis(3'600'000);
  fixture.Start(end, Labels{{"cluster", "c"}});
  fixture.Append(0, 10, 2);
  const auto appender = fixture.store->NewAppender();
  appender->Add(MustHave(appender->Series(Labels{{"__name__", "old"}})), fixture.start - Millis(7'200'000), 1);
  (void)MustHave(appender->Commit());
  CHECK(SendFixture::WaitFor([&] { return fixture.Metric("samples_dropped_total") == 11; }));
  CHECK(SendFixture::WaitFor([&] { return fixture.Metric("samples_total") == 10; }));
  CHECK(fixture.Metric("samples_dropped_total", "relabelled") == 10);
  CHECK(fixture.Metric("samples_dropped_total", "too_old") == 1);
  CHECK(remote.problems.empty());
  CHECK(remote.series.size() == 1);
  CHECK(remote.series.begin()->first == Labels{{"__name__", "m"}, {"cluster", "c"}, {"i", "0"}}.ToString());
}

TEST_CASE("metadata and the headers of the second type", "[remote_write_out]") {
  std::mutex mutex;
  std::size_t metadata = 0, silent = 0;
  std::string version;
  const test::HttpServer server([&](const Received& request) -> Reply {
    const std::lock_guard lock(mutex);
    const auto message = DecompressSnappy(request.body, 1 << 20);
    const std::string_view plain = message ? message->view() : std::string_view();
    version = request.Header("X-Prometheus-Remote-Write-Version");
    WireReader in(plain);
    while (in.Next()) {
      metadata += in.field() == 3 ? 1 : 0;
      in.Skip();
    }
    ++silent;
    if (silent == 1 || version == "0.1.0") return {};  // of the second type it says nothing of what it wrote
    return {.headers = {{"X-Prometheus-Remote-Write-Samples-Written", "5"}}};
  });
  SendFixture fixture;
  RemoteWriteEnd end = fixture.End(server);
  end.queue.max_samples_per_send = 5;
  SECTION("first") {
    end.metadata.send = true;
    fixture.Start(end);
    CHECK(SendFixture::WaitFor([&] {
      const std::lock_guard lock(mutex);
      return metadata == 1;
    }));
  }
  SECTION("second") {
    end.message = WriteMessage::kVersion2;
    fixture.Start(end);
    fixture.Append(0, 2);
    CHECK(SendFixture::WaitFor([&] { return fixture.Metric("samples_total") == 5; }));
    CHECK(fixture.Metric("samples_failed_total") == 5);
    CHECK(version == "2.0.0");
  }
}

}  // namespace vedette::collector
