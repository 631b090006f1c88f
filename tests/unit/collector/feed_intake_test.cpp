// What comes out of a feed: that nothing is passed over, in which order samples leave, and what goes with them.
#include <deque>
#include <optional>

#include <prometheus/registry.h>
#include <boost/asio/io_context.hpp>

#include "collector/push/wire.h"
#include "collector/push/write_request.h"
#include "collector/remote/feed_intake.h"
#include "collector/remote/send_limits.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"
#include "tests/support/http_server.h"

namespace vedette::collector {
namespace {

/// Commits as they were written down, and failures on demand.
class ScriptedFeed final : public storage::FeedReader {
 public:
  struct Row {
    std::int64_t time;
    std::uint64_t group;
    std::vector<storage::SeriesId> columns;
    std::vector<double> values;
  };
  struct Commit {
    std::uint64_t number;
    std::vector<Row> rows;
    std::vector<storage::FeedHistogram> histograms;
    std::vector<storage::FeedExemplar> exemplars;
  };

  const std::string& saved() const override { return saved_; }
  std::uint64_t position() const override { return position_; }
  Result<bool> Next(storage::FeedCommit& out) override {
    if (commits.empty()) return false;
    current_ = std::move(commits.front());
    commits.pop_front();
    out = {};
    out.number = position_ = current_->number;
    places_ = {0, 1, 2, 3, 4, 5, 6, 7};
    for (const Row& row : current_->rows) {
      out.rows.push_back({TimeMs(row.time), same_group ? 1 : row.group, row.group, row.columns,
                          std::span(places_).first(row.values.size()), row.values});
    }
    out.histograms = current_->histograms;
    out.exemplars = current_->exemplars;
    return true;
  }
  void Rest() override {}
  Result<std::vector<Labels>> LabelsOf(std::span<const storage::SeriesId> series) override {
    if (fail_labels-- > 0) return Fail(Code::kIo, "labels cannot be read");
    std::vector<Labels> out;
    for (const storage::SeriesId id : series) {
      out.push_back(Labels{{"__name__", "m"}, {"id", std::to_string(storage::Raw(id))}});
    }
    return out;
  }
  Status Save(std::uint64_t, std::string_view) override { return Ok(); }
  std::uint64_t BacklogBytes() const override { return 0; }
  std::uint64_t BacklogCommits() const override { return commits.size(); }
  std::int64_t RoomBytes() const override { return INT64_MAX; }

  std::deque<Commit> commits;
  int fail_labels = 0;
  bool same_group = false;  // the numbers of groups are those of their columns only

 private:
  std::string saved_;
  std::uint64_t position_ = 0;
  std::optional<Commit> current_;
  std::vector<std::uint16_t> places_;
};

struct IntakeFixture {
  IntakeFixture() { client = MustHave(HttpClient::Create(io, end.http)); }
  void Make(SendProgress progress = {}) {
    intake.reset();
    server.emplace([this](const test::Received&) { return reply; });
    end.url = server->Url("/write");
    sender.emplace(end, *client, clock, metrics, plan, mailbox);
    intake.emplace(end, external, clock, feed, std::move(progress), std::size_t{1} << 20, *sender, metrics, plan);
  }

  /// Takes all commits, and sends one request. What was in it, uncompressed.
  std::string SendOne() {
    while (MustHave(intake->Next(false))) {
    }
    sender->Start(intake->series(), true);
    while (mailbox->replies.empty()) io.run_one();
    sender->Take(std::exchange(mailbox->replies, {}));
    return std::string(MustHave(DecompressSnappy(server->requests().back().body, 1 << 20)).view());
  }

  test::FakeClock clock{TimeMs::FromSeconds(1'700'000'000)};
  RemoteWriteEnd end;
  Labels external;
  boost::asio::io_context io;
  std::unique_ptr<HttpClient> client;
  prometheus::Registry registry;
  SendMetricFamilies families{registry};
  SendMetrics metrics{families, "test", "http://127.0.0.1:1/write"};
  ShardPlan plan{end.queue};
  std::shared_ptr<SendMailbox> mailbox = std::make_shared<SendMailbox>();
  ScriptedFeed feed;
  std::optional<ShardSender> sender;
  std::optional<FeedIntake> intake;
  test::Reply reply;
  std::optional<test::HttpServer> server;
};

/// The series of a message and what stands in each: a letter for every part but labels and metadata, as they come.
std::vector<std::string> Outline(std::string_view message, bool second) {
  std::vector<std::string> out;
  WireReader in(message);
  while (in.Next()) {
    if (in.field() != (second ? 5U : 1U)) {
      in.Skip();
      continue;
    }
    std::string& text = out.emplace_back();
    WireReader part(in.Bytes());
    while (part.Next()) {
      const std::uint32_t field = part.field();
      if (field == 2) text += 's';
      if (field == (second ? 3U : 4U)) text += 'h';
      if (field == (second ? 4U : 3U)) text += 'e';
      part.Skip();
    }
  }
  CHECK(in.ok());
  return out;
}

storage::FeedExemplar ExemplarOf(storage::SeriesId id, std::int64_t time) {
  return {id, {.labels = Labels{{"trace_id", "x"}}, .value = 1, .time = TimeMs(time)}};
}

constexpr storage::SeriesId kA{1}, kB{2};

}  // namespace

TEST_CASE("a commit whose series cannot be named yet is not passed over", "[remote_write_out]") {
  IntakeFixture fixture;
  fixture.Make();
  fixture.feed.commits = {{5, {{1000, 1, {kA, kB}, {1, 2}}}, {}, {}}};
  fixture.feed.fail_labels = 2;
  ShardPlaces places;
  for (int i = 0; i < 2; ++i) {
    CHECK_FALSE(fixture.intake->Next(false).has_value());
    CHECK(fixture.intake->position() == 4);
    CHECK(fixture.sender->Done(fixture.intake->position(), places) == 4);
    fixture.intake->Pass(4);
  }
  CHECK(MustHave(fixture.intake->Next(false)));
  CHECK(fixture.intake->position() == 5);
  CHECK(fixture.sender->pending() == 2);
  CHECK(fixture.sender->Done(fixture.intake->position(), places) == 4);
}

TEST_CASE("samples of a commit leave in the order of their times", "[remote_write_out]") {
  IntakeFixture fixture;
  fixture.end.send_native_histograms = true;
  fixture.Make();
  // As the feed hands them out: rows of groups, then what came by itself.
  fixture.feed.commits = {{5,
                           {{3000, 1, {kA, kB}, {3, 3}}, {4000, 1, {kA, kB}, {4, 4}}, {1000, 0, {kB, kA}, {1, 1}}},
                           {{kA, TimeMs(2000), StaleHistogram()}, {kA, TimeMs(5000), StaleHistogram()}},
                           {}}};
  const std::string message = fixture.SendOne();
  CHECK(Outline(message, false) == std::vector<std::string>{"sss", "shssh"});
}

TEST_CASE("a row whose group has other columns later in the commit keeps its own", "[remote_write_out]") {
  IntakeFixture fixture;
  fixture.Make();
  fixture.feed.commits = {{5, {{1000, 1, {kA}, {1}}, {2000, 2, {kB, kA}, {2, 2}}}, {}, {}}};
  fixture.feed.same_group = true;
  CHECK(Outline(fixture.SendOne(), false) == std::vector<std::string>{"ss", "s"});
}

TEST_CASE("exemplars go with their sample or not at all", "[remote_write_out]") {
  IntakeFixture fixture;
  fixture.end.send_exemplars = true;
  const bool second = GENERATE(false, true);
  if (second) fixture.end.message = WriteMessage::kVersion2;
  constexpr storage::SeriesId kHistogram{3}, kLonely{4};
  SECTION("histograms that are not sent take theirs with them") {}
  SECTION("a batch does not part them") { fixture.end.queue.max_samples_per_send = 2; }
  fixture.Make();
  fixture.feed.commits = {{5,
                           {{1000, 1, {kA, kB}, {1, 2}}},
                           {{kHistogram, TimeMs(1000), StaleHistogram()}},
                           {ExemplarOf(kB, 900), ExemplarOf(kHistogram, 900), ExemplarOf(kLonely, 900)}}};
  const std::vector<std::string> outline = Outline(fixture.SendOne(), second);
  if (fixture.end.queue.max_samples_per_send == 2) {
    CHECK(outline == std::vector<std::string>{"s"});
    CHECK(Outline(fixture.SendOne(), second) == std::vector<std::string>{"se"});
  } else if (second) {
    CHECK(outline == std::vector<std::string>{"s", "se"});
  } else {
    CHECK(outline == std::vector<std::string>{"s", "se", "e"});
  }
  CHECK(fixture.metrics.dropped_unsupported.Value() == (second ? 1 : 0));
}

TEST_CASE("a message of the second type has no series with nothing but exemplars", "[remote_write_out]") {
  RemoteWriteEnd end;
  end.message = WriteMessage::kVersion2;
  const Labels none;
  OutgoingSeriesTable table(end, none, 1 << 20);
  OutgoingSeries& series = table.Add(kA, Labels{{"__name__", "m"}});
  WriteEncoder encoder(WriteMessage::kVersion2);
  std::vector<OutgoingSample> samples;
  samples.push_back({&series, 1000, 0, {}, 1, 0});
  samples.back().other = std::make_unique<std::variant<Histogram, storage::Exemplar>>(ExemplarOf(kA, 1000).exemplar);
  MessageCounts counts;
  const auto plain = MustHave(DecompressSnappy(encoder.Encode(samples, INT64_MIN, table.symbols(), counts), 1 << 20));
  CHECK(Outline(plain.view(), true).empty());
  CHECK(counts.all() == 0);
  CHECK(counts.lonely == 1);
}

TEST_CASE("of a partly refused request the written part counts as taken", "[remote_write_out]") {
  IntakeFixture fixture;
  fixture.end.message = WriteMessage::kVersion2;
  fixture.reply = {.status = 400, .headers = {{"X-Prometheus-Remote-Write-Samples-Written", "1"}}};
  fixture.Make();
  fixture.feed.commits = {{5, {{1000, 1, {kA, kB}, {1, 2}}}, {}, {}}};
  (void)fixture.SendOne();
  CHECK(fixture.metrics.samples.Value() == 1);
  CHECK(fixture.metrics.failed.Value() == 1);
  CHECK(fixture.metrics.requests_refused.Value() == 1);
  CHECK(fixture.sender->pending() == 0);
}

TEST_CASE("a backlog is bounded by its limit and by the disk", "[remote_write_out]") {
  constexpr std::uint64_t kGiga = 1 << 30;
  CHECK(BacklogMost(5 * kGiga, INT64_MAX, 10 * kGiga) == 10 * kGiga);
  CHECK(BacklogMost(5 * kGiga, INT64_MAX, 0) == UINT64_MAX);
  CHECK(BacklogMost(5 * kGiga, 0, 10 * kGiga) == 10 * kGiga);
  CHECK(BacklogMost(5 * kGiga, -std::int64_t{kGiga}, 10 * kGiga) == 4 * kGiga);
  CHECK(BacklogMost(5 * kGiga, -std::int64_t{kGiga}, 0) == 4 * kGiga);
  CHECK(BacklogMost(5 * kGiga, -std::int64_t{kGiga}, kGiga) == kGiga);
  // A little that waits does not fill a disk.
  CHECK(BacklogMost(1000, INT64_MIN, 10 * kGiga) > 1000);
}

TEST_CASE("a flush ends early when it cannot end well", "[remote_write_out]") {
  using std::chrono::seconds;
  const FlushWatch watch(seconds(100), seconds(60), 1000);
  CHECK(watch.GoesOn(seconds(101), 1000, seconds(0)));
  CHECK_FALSE(watch.GoesOn(seconds(111), 10, seconds(90)));  // silence
  CHECK(watch.GoesOn(seconds(111), 10, seconds(110)));
  CHECK_FALSE(watch.GoesOn(seconds(110), 990, seconds(109)));  // 1 a second
  CHECK(watch.GoesOn(seconds(110), 500, seconds(109)));
  CHECK_FALSE(watch.GoesOn(seconds(110), 1010, seconds(109)));  // more came than went
  CHECK(watch.GoesOn(seconds(159), 0, seconds(158)));
}

}  // namespace vedette::collector
