// Evaluates PromQL over a Storage. Series-major and columnar: every series is decoded once per selector into contiguous
// arrays, and each operator runs over all steps of the query.
//
// Thread-safe; calls block the calling worker thread. Limits (samples, time, concurrency) are enforced here.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "analytics/promql/ast.h"
#include "analytics/promql/parser.h"
#include "core/clock.h"
#include "core/histogram.h"
#include "core/labels.h"
#include "core/result.h"
#include "core/time.h"
#include "storage/storage.h"

namespace prometheus {
class Registry;
}
namespace vedette {
class JsonLog;
}

namespace vedette::promql {

struct ExplainNode;  // query_profile.h
class QueryRegistry;

struct EngineOptions {
  Millis lookback = std::chrono::minutes(5);
  Millis timeout = std::chrono::minutes(2);
  /// Samples held in memory at once by one query.
  std::size_t max_samples = 50'000'000;
  /// Queries evaluated at once; further ones wait, within their time-out.
  std::size_t max_concurrency = 20;
  /// That work for a query while no other is there to use them; 0: as many as the machine has.
  std::size_t threads = 0;
  /// Step of a subquery that names none: the global evaluation interval.
  Millis default_subquery_step = std::chrono::minutes(1);
  ParserOptions parser;
  /// promql-delayed-name-removal: __name__ lives until the end of the evaluation.
  bool delayed_name_removal = false;
  /// use-start-timestamps: rate() and others look at when the counters began.
  bool use_start_timestamps = false;
  /// Results of range queries that are kept for those that ask the same a little later; 0: none.
  std::size_t result_cache_bytes = 32 << 20;

  Status Validate() const;
};

/// One point of a result.
struct Point {
  std::int64_t time_ms = 0;
  double value = 0;
};

/// One that is a native histogram; never null.
struct HistogramPoint {
  std::int64_t time_ms = 0;
  std::shared_ptr<const Histogram> histogram;
};

/// No time is in both lists.
struct ResultSeries {
  Labels labels;
  std::vector<Point> points;
  std::vector<HistogramPoint> histograms = {};
};

/// Value of a query by type: kVector has one point of either kind per series; kMatrix any number; kScalar one series
/// without labels (its points: one for instant queries, one per step for range queries); kString only text.
struct QueryValue {
  ValueType type = ValueType::kNone;
  std::vector<ResultSeries> series;
  std::string text;
};

/// Things the user should know that are not errors, as Prometheus words them, deduplicated.
struct Annotations {
  std::vector<std::string> warnings, infos;
};

struct QueryStats {
  std::uint64_t samples_read = 0;
  std::uint64_t peak_samples = 0;
  std::uint64_t series = 0;  // of the result
  std::chrono::nanoseconds parse_time{0}, queue_time{0}, prepare_time{0}, eval_time{0}, total_time{0};
};

/// What results of earlier queries did for one that might have used them.
struct CacheUse {
  std::size_t steps = 0;         // of the query
  std::size_t kept_steps = 0;    // that were not evaluated
  std::string_view passed_by{};  // why none of its kind can be used, in a word; empty: they can
};

struct QueryOutcome {
  QueryValue value;
  Annotations notes;
  QueryStats stats;
  std::shared_ptr<const ExplainNode> plan = nullptr;  // where it was asked for
  std::optional<CacheUse> cache = std::nullopt;       // where QueryOptions::use_cache was set and there is one
};

struct QueryOptions {
  std::optional<Millis> timeout;  // only shortens the engine's
  std::optional<Millis> lookback;
  std::stop_token stop;  // a client that hung up
  /// Of a query that is given as a tree: the text it was parsed from, for the places in annotations and the query log.
  /// Empty: printed from the tree. Both outlive the call.
  std::string_view text{};
  std::string_view origin{};  // who asks, for the query log: a member of a JSON object
  bool explain = false;       // fill QueryOutcome::plan
  bool use_cache = false;     // range queries: results of earlier ones may be used, and this one's kept
};

/// The result of a range query, part by part: kMatrix values, which together are sorted by labels.
class RangeStream {
 public:
  virtual ~RangeStream() = default;
  /// Evaluates and gives the next part, which may have no series; nothing: that was all. Blocks. Annotations and the
  /// statistics are those of the part. Errors: as Engine::Range(); then nothing more comes.
  virtual Result<std::optional<QueryOutcome>> Next() = 0;
};

class Engine {
 public:
  static constexpr std::size_t kStreamsPerPlace = 4;

  /// All references outlive the engine.
  Engine(const storage::Storage& storage, const EngineOptions& options, const Clock& clock,
         prometheus::Registry& registry);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// Evaluates at one time. A range-vector selector is allowed and gives kMatrix with the raw samples.
  /// Errors: kBadData (does not parse), kExecution, kLimit (too many samples), kTimeout, kCanceled.
  Result<QueryOutcome> Instant(std::string_view query, TimeMs time, const QueryOptions& options = {}) const;
  Result<QueryOutcome> Instant(const Expr& expr, TimeMs time, const QueryOptions& options = {}) const;

  /// Evaluates at start, start+step, ... <= end. Result: kMatrix sorted by labels. The expression must be a scalar or
  /// an instant vector.
  Result<QueryOutcome> Range(std::string_view query, TimeMs start, TimeMs end, Millis step,
                             const QueryOptions& options = {}) const;
  Result<QueryOutcome> Range(const Expr& expr, TimeMs start, TimeMs end, Millis step,
                             const QueryOptions& options = {}) const;

  /// Range() of what may be too large for the memory. A query that can be answered series by series is evaluated for
  /// some of them at a time; another one as a whole, in one part. The time between two calls of Next() does not count.
  /// A stream that is left early succeeded, unless its stop token has fired. The engine outlives the stream. Errors:
  /// kBadData; kLimit: kStreamsPerPlace times max_concurrency streams are under way.
  Result<std::unique_ptr<RangeStream>> Stream(const Expr& expr, TimeMs start, TimeMs end, Millis step,
                                              const QueryOptions& options = {}) const;

  /// From now on queries are written down there when they are over; null: nowhere.
  void SetQueryLog(std::shared_ptr<JsonLog> log);

  /// Those under way and those that are over.
  QueryRegistry& queries() const;

  const EngineOptions& options() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vedette::promql
