// Entry points: parsing, the queue, limits in time, own metrics.
#include "analytics/promql/engine.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>

#include "analytics/promql/engine_gate.h"
#include "analytics/promql/engine_metrics.h"
#include "analytics/promql/engine_run.h"
#include "analytics/promql/printer.h"
#include "analytics/promql/query_log.h"
#include "core/json_log.h"

namespace vedette::promql {

namespace {

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
        workers(engine_options.threads != 0 ? engine_options.threads
                                            : std::max(1U, std::thread::hardware_concurrency())) {}

  struct Request {
    std::string_view text;
    QueryTimes times;
    bool instant = false;
    bool executed = false;  // it is a query: it parses, and may be asked like this
    std::chrono::nanoseconds begun{0};
  };

  /// Parses when `expr` is null.
  Result<QueryOutcome> Query(const Expr* expr, Request request, const QueryOptions& query) const {
    request.begun = clock.Monotonic();
    Result<QueryOutcome> outcome = ParseAndRun(expr, request, query);
    const std::chrono::nanoseconds total = clock.Monotonic() - request.begun;
    if (outcome) outcome->stats.total_time = total;
    metrics.Finished(outcome, total);
    if (request.executed) WriteDown(expr, request, query, outcome, total);
    return outcome;
  }

  static std::string TextOf(const Expr* expr, const Request& request, const QueryOptions& query) {
    std::string text(expr == nullptr ? request.text : query.text);
    if (text.empty() && expr != nullptr) text = Print(*expr);
    return text;
  }

  void WriteDown(const Expr* expr, const Request& request, const QueryOptions& query,
                 const Result<QueryOutcome>& outcome, std::chrono::nanoseconds total) const {
    const std::shared_ptr<JsonLog> log = QueryLog();
    if (!log) return;
    log->Write(
        LogLevel::kInfo, "promql query logged",
        QueryLogMembers(TextOf(expr, request, query), request.times, request.instant, query.origin, outcome, total));
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
    const QueryTimes& times = request.times;
    QueryRegistry::Ticket ticket = queries.Begin({.text = TextOf(expr, request, query),
                                                  .origin = std::string(query.origin),
                                                  .begun = {},
                                                  .instant = request.instant,
                                                  .start = times.start,
                                                  .end = times.end,
                                                  .step = times.step},
                                                 query.stop);
    Result<QueryOutcome> outcome = WaitAndRun(*tree, request, query, deadline, ticket);
    ticket.Finish(outcome, clock.Monotonic() - request.begun);
    return outcome;
  }

  Result<QueryOutcome> WaitAndRun(const Expr& expr, Request& request, const QueryOptions& query,
                                  const Deadline& deadline, QueryRegistry::Ticket& ticket) const {
    const std::chrono::nanoseconds parse_done = clock.Monotonic();
    std::optional<QueryGate::Place> place;
    {
      const Counted waiting(metrics.waiting);
      VEDETTE_TRY(QueryGate::Place entered, gate.Enter(deadline, ticket.stop()));
      place.emplace(std::move(entered));
    }
    const Counted running(metrics.running);
    ticket.Enters(QueryPhase::kPreparing);
    const std::chrono::nanoseconds admitted = clock.Monotonic();
    request.times.lookback = query.lookback.value_or(options.lookback);
    request.times.default_subquery_step = options.default_subquery_step;
    const Workers::Presence present(workers);
    VEDETTE_TRY(QueryOutcome outcome, Run(expr, {storage, workers, options, clock, request.text, request.times,
                                                 request.instant, deadline, ticket, query.explain}));
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
  mutable Workers workers;
  mutable std::mutex log_mutex;
  std::shared_ptr<JsonLog> log_file;  // guarded by log_mutex
  mutable std::atomic<std::uint64_t> dropped_lines = 0;
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

void Engine::SetQueryLog(std::shared_ptr<JsonLog> log) {
  impl_->metrics.query_log_enabled.Set(log ? 1 : 0);
  const std::lock_guard lock(impl_->log_mutex);
  impl_->dropped_lines = 0;
  impl_->log_file.swap(log);
}

QueryRegistry& Engine::queries() const { return impl_->queries; }

const EngineOptions& Engine::options() const { return impl_->options; }

}  // namespace vedette::promql
