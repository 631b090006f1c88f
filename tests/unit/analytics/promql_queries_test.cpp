// Queries as others see them: running, over, explained, and in parts.
#include <functional>
#include <latch>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include <prometheus/registry.h>

#include "analytics/promql/engine.h"
#include "analytics/promql/eval_value.h"
#include "analytics/promql/query_profile.h"
#include "analytics/promql/query_registry.h"
#include "analytics/promql/series_wise.h"
#include "storage/memory/memory_storage.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"

namespace vedette::promql {
namespace {

struct QueryBed {
  QueryBed() {
    storage::StorageOptions options;
    options.retention = Millis(0);
    store = storage::NewMemoryStorage(options, clock);
    engine = std::make_unique<Engine>(*store, EngineOptions{}, clock, registry);
    const auto appender = store->NewAppender();
    for (int i = 0; i < 1500; ++i) {
      const std::string name = std::to_string(i);
      const auto id = MustHave(appender->Series({{"__name__", "m"}, {"i", name}}));
      for (int k = 0; k < 10; ++k) appender->Add(id, TimeMs(k * 10'000), i + k);
    }
    MustHave(appender->Commit());
  }

  /// All parts together, and how many there were.
  std::vector<ResultSeries> Together(std::string_view query, std::size_t& parts) {
    const ExprPtr expr = MustHave(ParseExpr(query));
    const auto stream = MustHave(engine->Stream(*expr, TimeMs(0), TimeMs(90'000), Millis(10'000)));
    std::vector<ResultSeries> all;
    for (parts = 0;; ++parts) {
      std::optional<QueryOutcome> part = MustHave(stream->Next());
      if (!part) return all;
      for (ResultSeries& series : part->value.series) all.push_back(std::move(series));
    }
  }

  test::FakeClock clock;
  prometheus::Registry registry;
  std::unique_ptr<storage::Storage> store;
  std::unique_ptr<Engine> engine;
};

/// As one of a store that asks others: its ids are its own.
class OwnIdsQuerier final : public storage::Querier {
 public:
  explicit OwnIdsQuerier(std::unique_ptr<storage::Querier> inner) : inner_(std::move(inner)) {}

  bool IdsAreOfStore() const override { return false; }
  std::vector<std::string> Warnings() const override {
    return ids_.empty() ? std::vector<std::string>() : std::vector<std::string>{"another store is slow"};
  }
  Result<std::vector<storage::SeriesEntry>> Select(std::span<const Matcher> matchers,
                                                   std::size_t max_series) const override {
    VEDETTE_TRY(std::vector<storage::SeriesEntry> found, inner_->Select(matchers, max_series));
    for (storage::SeriesEntry& entry : found) {
      ids_.push_back(entry.id);
      entry.id = storage::SeriesId{kFirst + ids_.size() - 1};
    }
    return found;
  }
  Status Read(storage::SeriesId series, TimeRange range, storage::Columns& out) const override {
    return inner_->Read(Inner(series), range, out);
  }
  Status ReadMixed(storage::SeriesId series, TimeRange range, storage::Columns& floats,
                   storage::HistogramColumns& histograms) const override {
    return inner_->ReadMixed(Inner(series), range, floats, histograms);
  }
  Result<std::vector<storage::SeriesExemplars>> Exemplars(std::span<const std::vector<Matcher>> selectors,
                                                          TimeRange range) const override {
    return inner_->Exemplars(selectors, range);
  }
  Status ReadStarts(storage::SeriesId series, std::vector<storage::StartTime>& out) const override {
    return inner_->ReadStarts(Inner(series), out);
  }
  Status VisitMetadata(const storage::MetadataQuery& query,
                       const std::function<bool(const storage::MetadataEntry&)>& visit) const override {
    return inner_->VisitMetadata(query, visit);
  }
  Result<std::vector<std::string>> LabelNames(std::span<const Matcher> matchers, std::size_t limit) const override {
    return inner_->LabelNames(matchers, limit);
  }
  Result<std::vector<std::string>> LabelValues(std::string_view name, std::span<const Matcher> matchers,
                                               std::size_t limit) const override {
    return inner_->LabelValues(name, matchers, limit);
  }

 private:
  static constexpr std::uint64_t kFirst = 1ULL << 40;

  storage::SeriesId Inner(storage::SeriesId id) const {
    const std::uint64_t place = storage::Raw(id) - kFirst;
    return place < ids_.size() ? ids_[place] : storage::SeriesId::kNone;
  }

  const std::unique_ptr<storage::Querier> inner_;
  mutable std::vector<storage::SeriesId> ids_;
};

class OwnIdsStorage final : public storage::Storage {
 public:
  explicit OwnIdsStorage(storage::Storage& inner) : inner_(inner) {}
  std::unique_ptr<storage::Appender> NewAppender(const storage::AppendOptions& options) override {
    return inner_.NewAppender(options);
  }
  std::unique_ptr<storage::Querier> NewQuerier(TimeRange range) const override {
    return std::make_unique<OwnIdsQuerier>(inner_.NewQuerier(range));
  }
  storage::StoreStats Stats(std::size_t top) const override { return inner_.Stats(top); }
  Status Flush() override { return inner_.Flush(); }

 private:
  storage::Storage& inner_;
};

QueryFacts Facts(std::string text) {
  QueryFacts facts;
  facts.text = std::move(text);
  return facts;
}

Result<QueryOutcome> Outcome() { return QueryOutcome(); }

TEST_CASE("a query is listed while its ticket lives and can be canceled by its number", "[promql][queries]") {
  test::FakeClock clock;
  QueryRegistry registry(clock);
  CHECK(registry.Active().empty());
  std::uint64_t id = 0;
  {
    QueryRegistry::Ticket ticket = registry.Begin(Facts("up"), {});
    ticket.Enters(QueryPhase::kEvaluating);
    SampleBudget budget(100);
    REQUIRE(budget.Add(7).has_value());
    ticket.Watch(&budget);
    clock.Advance(Millis(1500));
    const std::vector<ActiveQuery> active = registry.Active();
    REQUIRE(active.size() == 1);
    id = active[0].id;
    CHECK(active[0].facts.text == "up");
    CHECK(active[0].phase == QueryPhase::kEvaluating);
    CHECK(active[0].samples == 7);
    CHECK(active[0].age == Millis(1500));
    CHECK_FALSE(registry.Cancel(id + 1));
    CHECK_FALSE(ticket.stop().stop_requested());
    CHECK(registry.Cancel(id));
    CHECK(ticket.stop().stop_requested());
    ticket.Watch(nullptr);
  }
  CHECK(registry.Active().empty());
  CHECK_FALSE(registry.Cancel(id));
}

TEST_CASE("a client that leaves cancels its query", "[promql][queries]") {
  test::FakeClock clock;
  QueryRegistry registry(clock);
  std::stop_source client;
  QueryRegistry::Ticket ticket = registry.Begin(Facts("up"), client.get_token());
  CHECK_FALSE(ticket.stop().stop_requested());
  client.request_stop();
  CHECK(ticket.stop().stop_requested());
}

TEST_CASE("the latest and the slowest queries are kept, not more than so many", "[promql][queries]") {
  test::FakeClock clock;
  QueryRegistry registry(clock);
  const auto run = [&](int number, Result<QueryOutcome> outcome = Outcome()) {
    QueryRegistry::Ticket ticket = registry.Begin(Facts(std::to_string(number)), {});
    ticket.Finish(outcome, Millis(number));
  };
  for (int i = 1; i <= 300; ++i) run(i);
  CHECK(registry.Latest(1000).size() == QueryRegistry::kLatest);
  CHECK(registry.Latest(2)[1].facts.text == "299");
  CHECK(registry.Slowest(1000).size() == QueryRegistry::kSlowest);
  CHECK(registry.Slowest(1)[0].duration == Millis(300));
  CHECK(registry.Slowest(1000).back().duration == Millis(251));
  clock.Advance(QueryRegistry::kMemory + Millis(1));
  CHECK(registry.Slowest(10).empty());
  // Quicker than all that are forgotten.
  run(5, Fail(Code::kTimeout, "late"));
  REQUIRE(registry.Slowest(10).size() == 1);
  CHECK(registry.Slowest(10)[0].error == "late");
  CHECK(registry.Latest(300).size() == QueryRegistry::kLatest);
  const QueryRegistry::Ticket long_one = registry.Begin(Facts(std::string(100'000, 'x')), {});
  CHECK(registry.Active()[0].facts.text.size() < 10'000);
}

TEST_CASE("queries of an engine are remembered with what they cost", "[promql][queries]") {
  QueryBed bed;
  REQUIRE(bed.engine->Instant("sum(m)", TimeMs(90'000)).has_value());
  REQUIRE_FALSE(bed.engine->Instant("m + on() m", TimeMs(90'000)).has_value());
  REQUIRE_FALSE(bed.engine->Instant("m +", TimeMs(90'000)).has_value());  // no query at all
  const auto latest = bed.engine->queries().Latest(10);
  REQUIRE(latest.size() == 2);
  CHECK(latest[0].error.find("duplicate series") != std::string::npos);
  CHECK(latest[1].facts.text == "sum(m)");
  CHECK(latest[1].series == 1);
  CHECK(latest[1].samples_read >= 1500);
}

TEST_CASE("explain gives the tree with what each node found and read", "[promql][queries]") {
  QueryBed bed;
  QueryOptions options;
  CHECK(MustHave(bed.engine->Instant("m", TimeMs(90'000))).plan == nullptr);
  options.explain = true;
  const auto outcome = MustHave(
      bed.engine->Range("topk(2, rate(m[1m])) + sum(m @ 30) + 1", TimeMs(0), TimeMs(90'000), Millis(10'000), options));
  REQUIRE(outcome.plan != nullptr);
  const ExplainNode& root = *outcome.plan;
  CHECK(root.kind == "binary operation");
  REQUIRE(root.children.size() == 1);  // numbers are no nodes
  REQUIRE(root.children[0].children.size() == 2);
  const ExplainNode& top = root.children[0].children[0];
  const ExplainNode& sum = root.children[0].children[1];
  CHECK(top.text == "topk(2, rate(m[1m]))");
  REQUIRE(top.children.size() == 1);
  REQUIRE(top.children[0].children.size() == 1);
  CHECK(top.children[0].children[0].kind == "range selector");
  CHECK(top.children[0].children[0].series == 1500);
  CHECK(top.children[0].children[0].workers >= 1);
  CHECK(sum.same_at_every_step);
  CHECK(sum.series == 1);
  CHECK(sum.children.at(0).series == 1500);
  CHECK(root.samples == top.samples + sum.samples);
  CHECK(root.samples == outcome.stats.samples_read);
}

TEST_CASE("what needs no other series is known", "[promql][queries]") {
  const auto [text, wanted] = GENERATE(table<std::string, bool>({
      {"m", true},
      {"rate(m[5m])", true},
      {"-(abs(m) * 2) > bool -3", true},
      {"max_over_time(rate(m[1m])[5m:1m])", true},
      {"quantile_over_time(0.5, m[5m])", true},
      {"m[5m]", true},
      {"{__name__=~\"m.*\"}", false},
      {"{i=\"1\"}", false},
      {"sum(m)", false},
      {"m + m", false},
      {"m * on(i) m", false},
      {"absent(m)", false},
      {"absent_over_time(m[5m])", false},
      {"histogram_quantile(0.5, m)", false},
      {"label_replace(m, \"a\", \"b\", \"c\", \"d\")", false},
      {"quantile_over_time(scalar(m), m[5m])", false},
      {"m * scalar(n)", false},
      {"sort(m)", false},
      {"vector(1)", false},
      {"1", false},
  }));
  INFO(text);
  const ExprPtr expr = MustHave(ParseExpr(text));
  CHECK((SeriesWiseSelector(*expr) != nullptr) == wanted);
}

TEST_CASE("the parts of a stream are the series of the range query", "[promql][queries]") {
  QueryBed bed;
  const auto [query, in_parts] = GENERATE(table<std::string, bool>(
      {{"m", true}, {"rate(m[20s]) * 2", true}, {"sum by (i) (m)", false}, {"m > 100", true}, {"nothing", true}}));
  INFO(query);
  const auto whole = MustHave(bed.engine->Range(query, TimeMs(0), TimeMs(90'000), Millis(10'000)));
  std::size_t parts = 0;
  const std::vector<ResultSeries> all = bed.Together(query, parts);
  REQUIRE(all.size() == whole.value.series.size());
  CHECK(parts == (in_parts && !all.empty() ? 2 : 1));
  for (std::size_t i = 0; i < all.size(); ++i) {
    INFO(i);
    REQUIRE(all[i].labels == whole.value.series[i].labels);
    REQUIRE(all[i].points.size() == whole.value.series[i].points.size());
    for (std::size_t k = 0; k < all[i].points.size(); ++k) {
      REQUIRE(all[i].points[k].time_ms == whole.value.series[i].points[k].time_ms);
      REQUIRE(all[i].points[k].value == whole.value.series[i].points[k].value);
    }
  }
  CHECK(bed.engine->queries().Active().empty());
  CHECK(bed.engine->queries().Latest(1)[0].series == all.size());
}

TEST_CASE("a stream over ids that only one querier knows is evaluated as a whole", "[promql][queries]") {
  QueryBed bed;
  const OwnIdsStorage others(*bed.store);
  prometheus::Registry registry;
  bed.engine = std::make_unique<Engine>(others, EngineOptions{}, bed.clock, registry);
  const ExprPtr expr = MustHave(ParseExpr("rate(m[20s])"));
  const auto stream = MustHave(bed.engine->Stream(*expr, TimeMs(0), TimeMs(90'000), Millis(10'000)));
  const auto part = MustHave(stream->Next());
  REQUIRE(part.has_value());
  CHECK(part->value.series.size() == 1500);
  CHECK(part->notes.warnings == std::vector<std::string>{"another store is slow"});
  CHECK_FALSE(MustHave(stream->Next()).has_value());
}

TEST_CASE("series that come out alike in different parts of a stream are noticed", "[promql][queries]") {
  QueryBed bed;
  const auto appender = bed.store->NewAppender();
  for (const char* const type : {"counter", "gauge"}) {
    for (int i = 0; i < 1500; ++i) {
      const Labels labels{{"__name__", "t"}, {"__type__", type}, {"i", std::to_string(i)}};
      const auto id = MustHave(appender->Series(labels));
      for (int k = 0; k < 10; ++k) appender->Add(id, TimeMs(k * 10'000), k);
    }
  }
  MustHave(appender->Commit());
  REQUIRE_FALSE(bed.engine->Range("rate(t[20s])", TimeMs(0), TimeMs(90'000), Millis(10'000)).has_value());
  const ExprPtr expr = MustHave(ParseExpr("rate(t[20s])"));
  CHECK_FALSE(MustHave(bed.engine->Stream(*expr, TimeMs(0), TimeMs(90'000), Millis(10'000)))->Next().has_value());
  std::size_t parts = 0;
  CHECK(bed.Together("t", parts).size() == 3000);
  CHECK(parts == 3);
}

TEST_CASE("so many streams may be under way", "[promql][queries]") {
  QueryBed bed;
  EngineOptions options;
  options.max_concurrency = 1;
  prometheus::Registry registry;
  bed.engine = std::make_unique<Engine>(*bed.store, options, bed.clock, registry);
  const ExprPtr expr = MustHave(ParseExpr("m"));
  const auto begin = [&] { return bed.engine->Stream(*expr, TimeMs(0), TimeMs(90'000), Millis(10'000)); };
  std::vector<std::unique_ptr<RangeStream>> streams;
  for (std::size_t i = 0; i < Engine::kStreamsPerPlace; ++i) streams.push_back(MustHave(begin()));
  const auto refused = begin();
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == Code::kLimit);
  CHECK(streams[0]->Next().has_value());
  streams.pop_back();
  CHECK(begin().has_value());
}

TEST_CASE("a stream can be canceled between its parts, and is over when it is left", "[promql][queries]") {
  QueryBed bed;
  const ExprPtr expr = MustHave(ParseExpr("m"));
  std::stop_source client;
  QueryOptions options;
  options.stop = client.get_token();
  auto stream = MustHave(bed.engine->Stream(*expr, TimeMs(0), TimeMs(90'000), Millis(10'000), options));
  std::string error;
  REQUIRE(stream->Next().has_value());
  REQUIRE(bed.engine->queries().Active().size() == 1);
  SECTION("canceled") {
    REQUIRE(bed.engine->queries().Cancel(bed.engine->queries().Active()[0].id));
    const auto next = stream->Next();
    REQUIRE_FALSE(next.has_value());
    CHECK(next.error().code == Code::kCanceled);
    CHECK_FALSE(MustHave(stream->Next()).has_value());
    error = next.error().message;
  }
  SECTION("left with enough") {}
  SECTION("left by a client that went away") {
    client.request_stop();
    error = "the client went away";
  }
  SECTION("out of time") {
    bed.clock.Advance(Millis(600'000));  // nobody evaluates meanwhile: that does not count
    CHECK(MustHave(stream->Next()).has_value());
  }
  stream.reset();
  CHECK(bed.engine->queries().Active().empty());
  CHECK(bed.engine->queries().Latest(1)[0].error == error);
}

}  // namespace
}  // namespace vedette::promql
