// What comes out of a feed: that nothing is passed over, in which order samples leave, and what goes with them.
#include <deque>
#include <optional>

#include <prometheus/registry.h>
#include <boost/asio/io_context.hpp>

#include "collector/remote/feed_intake.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"

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
      out.rows.push_back({TimeMs(row.time), row.group, row.group, row.columns,
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

  std::deque<Commit> commits;
  int fail_labels = 0;

 private:
  std::string saved_;
  std::uint64_t position_ = 0;
  std::optional<Commit> current_;
  std::vector<std::uint16_t> places_;
};

struct IntakeFixture {
  IntakeFixture() {
    end.url = "http://127.0.0.1:1/write";
    client = MustHave(HttpClient::Create(io, end.http));
  }
  void Make(SendProgress progress = {}) {
    intake.reset();
    sender.emplace(end, *client, clock, metrics, plan, mailbox);
    intake.emplace(end, external, clock, feed, std::move(progress), std::size_t{1} << 20, *sender, metrics, plan);
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
};

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

}  // namespace vedette::collector
