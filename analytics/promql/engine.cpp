// Entry points: parsing, the queue, limits in time, own metrics.
#include "analytics/promql/engine.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>

#include "analytics/promql/cached_run.h"
#include "analytics/promql/engine_gate.h"
#include "analytics/promql/engine_metrics.h"
#include "analytics/promql/engine_run.h"
#include "analytics/promql/printer.h"
#include "analytics/promql/query_log.h"
#include "analytics/promql/series_wise.h"
#include "core/heap.h"
#include "core/json_log.h"

namespace vedette::promql {

namespace {

/// A query that held so many samples, or rows with one each, leaves megabytes behind.
constexpr std::size_t kManySamples = 50'000;

/// Up by one while it lives.
class Counted {
 public:
  explicit Counted(prometheus::Gauge& gauge) : gauge_(gauge) { gauge_.Increment(); }
  ~Counted() { gauge_.Decrement(); }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 private:
  prometheus::Gauge& gauge_;
};

/// One of the streams that may be under way at once.
class StreamPlace {
 public:
  /// Nothing: `limit` are taken.
  static std::optional<StreamPlace> Take(std::atomic<std::size_t>& taken, std::size_t limit) {
    if (taken.fetch_add(1) < limit) return StreamPlace(taken);
    --taken;
    return std::nullopt;
  }
  StreamPlace(StreamPlace&& other) noexcept : taken_(std::exchange(other.taken_, nullptr)) {}
  StreamPlace& operator=(StreamPlace&&) = delete;
  ~StreamPlace() {
    if (taken_ != nullptr) --*taken_;
  }

 private:
  explicit StreamPlace(std::atomic<std::size_t>& taken) : taken_(&taken) {}

  std::atomic<std::size_t>* taken_;
};

}  // namespace

Status EngineOptions::Validate() const {
  if (lookback.count() <= 0) return Fail(Code::kBadData, "the lookback must be above zero, got {}", lookback.count());
  if (timeout.count() <= 0)
    return Fail(Code::kBadData, "the query timeout must be above zero, got {}", timeout.count());
  if (max_samples == 0) return Fail(Code::kBadData, "a query must be allowed at least one sample");
  if (max_concurrency == 0) return Fail(Code::kBadData, "at least one query must be allowed at once");
  if (default_subquery_step.count() <= 0) {
    return Fail(Code::kBadData, "the default step of subqueries must be above zero, got {}",
                default_subquery_step.count());
  }
  return Ok();
}

struct Engine::Impl {
  Impl(const storage::Storage& store, const EngineOptions& engine_options, const Clock& the_clock,
       prometheus::Registry& registry)
      : storage(store),
        options(engine_options),
        clock(the_clock),
        metrics(registry),
        gate(engine_options.max_concurrency),
        queries(the_clock),
        heap(the_clock),
        workers(engine_options.threads != 0 ? engine_options.threads
                                            : std::max(1U, std::thread::hardware_concurrency())),
        cache(engine_options.result_cache_bytes == 0
                  ? nullptr
                  : std::make_unique<ResultCache>(engine_options.result_cache_bytes, registry)) {}

  class Streamed;

  struct Request {
    std::string_view text;
    QueryTimes times;
    bool instant = false;
    bool executed = false;  // it is a query: it parses, and may be asked like this
    std::chrono::nanoseconds begun{0};
    std::string shown{};  // what people are shown of it, once it is executed
  };

  /// Parses when `expr` is null.
  Result<QueryOutcome> Query(const Expr* expr, Request request, const QueryOptions& query) const {
    request.begun = clock.Monotonic();
    Result<QueryOutcome> outcome = ParseAndRun(expr, request, query);
    const std::chrono::nanoseconds total = clock.Monotonic() - request.begun;
    if (outcome) outcome->stats.total_time = total;
    metrics.Finished(outcome, total);
    if (request.executed) WriteDown(request, query, outcome, total);
    heap.WorkDone(outcome ? outcome->stats.peak_samples >= kManySamples : outcome.error().code == Code::kLimit);
    return outcome;
  }

  static std::string TextOf(const Expr* expr, const Request& request, const QueryOptions& query) {
    std::string text(expr == nullptr ? request.text : query.text);
    if (text.empty() && expr != nullptr) text = Print(*expr);
    return text;
  }

  static QueryFacts FactsOf(const Request& request, const QueryOptions& query) {
    return {.text = request.shown,
            .origin = std::string(query.origin),
            .begun = {},
            .instant = request.instant,
            .start = request.times.start,
            .end = request.times.end,
            .step = request.times.step};
  }

  void WriteDown(const Request& request, const QueryOptions& query, const Result<QueryOutcome>& outcome,
                 std::chrono::nanoseconds total) const {
    const std::shared_ptr<JsonLog> log = QueryLog();
    if (!log) return;
    log->Write(LogLevel::kInfo, "promql query logged",
               QueryLogMembers(request.shown, request.times, request.instant, query.origin, outcome, total));
    const std::uint64_t dropped = log->dropped(), known = dropped_lines.exchange(dropped);
    if (dropped > known) metrics.query_log_failures.Increment(static_cast<double>(dropped - known));
  }
  std::shared_ptr<JsonLog> QueryLog() const {
    const std::lock_guard lock(log_mutex);
    return log_file;
  }

  Result<QueryOutcome> ParseAndRun(const Expr* expr, Request& request, const QueryOptions& query) const {
    const Deadline deadline(clock, std::min(options.timeout, query.timeout.value_or(options.timeout)));
    ExprPtr parsed;
    const Expr* tree = expr;
    if (tree == nullptr) {
      VEDETTE_TRY(parsed, ParseExpr(request.text, options.parser));
      tree = parsed.get();
    }
    VEDETTE_CHECK(CheckType(*tree, request));
    request.executed = true;
    request.shown = TextOf(expr, request, query);
    QueryRegistry::Ticket ticket = queries.Begin(FactsOf(request, query), query.stop);
    Result<QueryOutcome> outcome = WaitAndRun(*tree, request, query, deadline, ticket);
    ticket.Finish(outcome, clock.Monotonic() - request.begun);
    return outcome;
  }

  /// A place among those that run at once.
  struct Running {
    QueryGate::Place place;
    std::unique_ptr<Counted> counted;
  };

  Result<Running> Enter(const Deadline& deadline, const QueryRegistry::Ticket& ticket) const {
    const Counted waiting(metrics.waiting);
    VEDETTE_TRY(QueryGate::Place place, gate.Enter(deadline, ticket.stop()));
    return Running{std::move(place), std::make_unique<Counted>(metrics.running)};
  }

  Result<QueryOutcome> WaitAndRun(const Expr& expr, Request& request, const QueryOptions& query,
                                  const Deadline& deadline, QueryRegistry::Ticket& ticket,
                                  const std::vector<storage::SeriesEntry>* only = nullptr) const {
    const std::chrono::nanoseconds parse_done = clock.Monotonic();
    VEDETTE_TRY(const Running running, Enter(deadline, ticket));
    ticket.Enters(QueryPhase::kPreparing);
    const std::chrono::nanoseconds admitted = clock.Monotonic();
    request.times.lookback = query.lookback.value_or(options.lookback);
    request.times.default_subquery_step = options.default_subquery_step;
    const Workers::Presence present(workers);
    const QueryRun run{storage,         workers,  options, clock,         request.text, request.times,
                       request.instant, deadline, ticket,  query.explain, only};
    const bool may_be_kept = cache && query.use_cache && !request.instant && only == nullptr;
    VEDETTE_TRY(QueryOutcome outcome, may_be_kept ? RunCached(*cache, expr, run) : Run(expr, run));
    outcome.stats.parse_time = parse_done - request.begun;
    outcome.stats.queue_time = admitted - parse_done;
    return outcome;
  }

  static Status CheckType(const Expr& expr, const Request& request) {
    if (request.instant) return Ok();
    if (expr.type != ValueType::kVector && expr.type != ValueType::kScalar) {
      return Fail(Code::kBadData, "invalid expression type \"{}\" for range query, must be Scalar or instant Vector",
                  ValueTypeName(expr.type));
    }
    if (request.times.step.count() <= 0) {
      return Fail(Code::kBadData, "zero or negative query resolution step widths are not accepted");
    }
    return Ok();
  }

  const storage::Storage& storage;
  const EngineOptions options;
  const Clock& clock;
  mutable EngineMetrics metrics;
  mutable QueryGate gate;
  mutable QueryRegistry queries;
  mutable HeapTrimmer heap;
  mutable Workers workers;
  const std::unique_ptr<ResultCache> cache;      // null: switched off
  mutable std::atomic<std::size_t> streams = 0;  // under way
  mutable std::mutex log_mutex;
  std::shared_ptr<JsonLog> log_file;  // guarded by log_mutex
  mutable std::atomic<std::uint64_t> dropped_lines = 0;
};

/// A stream and what it needs to go on when its caller's text and tree are gone.
class Engine::Impl::Streamed : public RangeStream {
 public:
  /// `request.shown` is set.
  Streamed(const Impl& impl, StreamPlace place, const Expr& expr, Request request, const QueryOptions& query)
      : impl_(impl),
        place_(std::move(place)),
        expr_(Clone(expr)),
        origin_(query.origin),
        request_(std::move(request)),
        query_(query),
        selector_(SeriesWiseSelector(*expr_)),
        time_left_(std::min(impl.options.timeout, query.timeout.value_or(impl.options.timeout))),
        ticket_(impl.queries.Begin(FactsOf(request_, query), query.stop)) {
    request_.text = query.text.empty() ? std::string_view() : std::string_view(request_.shown);
    query_.text = request_.text;
    query_.origin = origin_;
    query_.explain = false;
    request_.times.lookback = query.lookback.value_or(impl.options.lookback);
    request_.times.default_subquery_step = impl.options.default_subquery_step;
  }
  ~Streamed() override {
    if (over_) return;
    // Whoever has enough, or wanted the head only, has got what was asked for.
    if (ticket_.stop().stop_requested()) {
      Finish(Fail(Code::kCanceled, "the client went away"));
    } else {
      FinishWell();
    }
  }

  Result<std::optional<QueryOutcome>> Next() override {
    if (over_) return std::optional<QueryOutcome>();
    const std::chrono::nanoseconds begun = impl_.clock.Monotonic();
    Result<std::optional<QueryOutcome>> part = NextPart(Deadline(impl_.clock, std::max(time_left_, Millis(0))));
    const std::chrono::nanoseconds took = impl_.clock.Monotonic() - begun;
    time_left_ -= std::chrono::duration_cast<Millis>(took);
    sum_.total_time += took;
    if (!part) {
      Finish(part.error());
    } else if (*part) {
      Add((*part)->stats);
    } else {
      FinishWell();
    }
    return part;
  }

 private:
  /// Points of one part: small beside what queries may hold, large beside what a part costs.
  static constexpr std::size_t kPartPoints = 1 << 20;
  static constexpr std::size_t kMostSeries = 1000;

  Result<std::optional<QueryOutcome>> NextPart(const Deadline& deadline) {
    if (!begun_ && selector_ != nullptr) VEDETTE_CHECK(SelectAll(deadline));
    if (std::exchange(begun_, true) && next_ >= series_.size()) return std::optional<QueryOutcome>();
    if (selector_ == nullptr) {
      VEDETTE_TRY(QueryOutcome whole, impl_.WaitAndRun(*expr_, request_, query_, deadline, ticket_));
      return std::optional(std::move(whole));
    }
    const std::size_t end = std::min(next_ + PartSize(), series_.size());
    const auto begin = series_.begin() + static_cast<std::ptrdiff_t>(next_);
    const std::vector<storage::SeriesEntry> part(begin, series_.begin() + static_cast<std::ptrdiff_t>(end));
    next_ = end;
    VEDETTE_TRY(QueryOutcome outcome, impl_.WaitAndRun(*expr_, request_, query_, deadline, ticket_, &part));
    return std::optional(std::move(outcome));
  }

  std::size_t PartSize() const {
    const auto span = static_cast<std::size_t>(MinusSaturated(request_.times.end.ms, request_.times.start.ms));
    const std::size_t steps = span / static_cast<std::size_t>(request_.times.step.count()) + 1;
    return std::clamp<std::size_t>(kPartPoints / steps, 1, kMostSeries);
  }

  /// What to do part by part; `selector_` becomes null when that would not do.
  Status SelectAll(const Deadline& deadline) {
    VEDETTE_TRY(const Running running, impl_.Enter(deadline, ticket_));
    ticket_.Enters(QueryPhase::kPreparing);
    VEDETTE_TRY(const Plan plan, Plan::Make(*expr_, request_.times));
    if (plan.data_ranges().empty()) return Ok();
    const auto querier = impl_.storage.NewQuerier({plan.data_ranges().front().min, plan.data_ranges().back().max});
    if (!querier->IdsAreOfStore()) {  // the parts have queriers of their own
      selector_ = nullptr;
      return Ok();
    }
    querier->Limit({.stop = ticket_.stop(), .deadline = deadline, .hold = {}});
    auto found = querier->Select(selector_->matchers);
    if (ticket_.stop().stop_requested()) return Fail(Code::kCanceled, "query was canceled in expression evaluation");
    if (!found) return found.error();
    if (MayComeOutAlike(*expr_, *found)) {
      selector_ = nullptr;
    } else {
      series_ = *std::move(found);
    }
    return Ok();
  }

  void Add(const QueryStats& part) {
    sum_.samples_read += part.samples_read;
    sum_.peak_samples = std::max(sum_.peak_samples, part.peak_samples);
    sum_.series += part.series;
    sum_.queue_time += part.queue_time;
    sum_.prepare_time += part.prepare_time;
    sum_.eval_time += part.eval_time;
  }

  void FinishWell() {
    QueryOutcome all;
    all.stats = sum_;
    Finish(std::move(all));
  }

  void Finish(Result<QueryOutcome> outcome) {
    over_ = true;
    impl_.metrics.Finished(outcome, sum_.total_time);
    ticket_.Finish(outcome, sum_.total_time);
    impl_.WriteDown(request_, query_, outcome, sum_.total_time);
  }

  const Impl& impl_;
  const StreamPlace place_;
  const ExprPtr expr_;
  const std::string origin_;
  Request request_;
  QueryOptions query_;
  const VectorSelector* selector_;  // null: evaluated as a whole
  Millis time_left_;
  QueryRegistry::Ticket ticket_;
  std::vector<storage::SeriesEntry> series_;
  std::size_t next_ = 0;
  bool begun_ = false, over_ = false;
  QueryStats sum_;
};

Engine::Engine(const storage::Storage& storage, const EngineOptions& options, const Clock& clock,
               prometheus::Registry& registry)
    : impl_(std::make_unique<Impl>(storage, options, clock, registry)) {}

Engine::~Engine() = default;

Result<QueryOutcome> Engine::Instant(std::string_view query, TimeMs time, const QueryOptions& options) const {
  return impl_->Query(nullptr, {query, {.start = time, .end = time}, true}, options);
}

Result<QueryOutcome> Engine::Instant(const Expr& expr, TimeMs time, const QueryOptions& options) const {
  return impl_->Query(&expr, {options.text, {.start = time, .end = time}, true}, options);
}

Result<QueryOutcome> Engine::Range(std::string_view query, TimeMs start, TimeMs end, Millis step,
                                   const QueryOptions& options) const {
  return impl_->Query(nullptr, {query, {.start = start, .end = end, .step = step}, false}, options);
}

Result<QueryOutcome> Engine::Range(const Expr& expr, TimeMs start, TimeMs end, Millis step,
                                   const QueryOptions& options) const {
  return impl_->Query(&expr, {options.text, {.start = start, .end = end, .step = step}, false}, options);
}

Result<std::unique_ptr<RangeStream>> Engine::Stream(const Expr& expr, TimeMs start, TimeMs end, Millis step,
                                                    const QueryOptions& options) const {
  Impl::Request request{options.text, {.start = start, .end = end, .step = step}, false, true, {}};
  VEDETTE_CHECK(Impl::CheckType(expr, request));
  const std::size_t limit = kStreamsPerPlace * impl_->options.max_concurrency;
  std::optional<StreamPlace> place = StreamPlace::Take(impl_->streams, limit);
  if (!place) {
    const Error error = Fail(Code::kLimit, "{} queries whose results are streamed are under way already", limit);
    impl_->metrics.Finished(error, {});
    return error;
  }
  request.shown = Impl::TextOf(&expr, request, options);
  return std::make_unique<Impl::Streamed>(*impl_, *std::move(place), expr, std::move(request), options);
}

void Engine::SetQueryLog(std::shared_ptr<JsonLog> log) {
  impl_->metrics.query_log_enabled.Set(log ? 1 : 0);
  const std::lock_guard lock(impl_->log_mutex);
  impl_->dropped_lines = 0;
  impl_->log_file.swap(log);
}

QueryRegistry& Engine::queries() const { return impl_->queries; }

const EngineOptions& Engine::options() const { return impl_->options; }

}  // namespace vedette::promql
