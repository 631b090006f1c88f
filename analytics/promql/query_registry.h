// The queries of an engine, for people: those under way, which can be canceled, and those that are over.
//
// Of the latter the latest and the slowest are kept; both lists are short. Thread-safe.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.h"
#include "core/result.h"
#include "core/time.h"

namespace vedette::promql {

class SampleBudget;
struct QueryOutcome;

enum class QueryPhase : std::uint8_t { kWaiting, kPreparing, kEvaluating };
std::string_view QueryPhaseName(QueryPhase phase);

/// What is known when a query begins.
struct QueryFacts {
  std::string text;    // cut when it is very long
  std::string origin;  // QueryOptions::origin
  TimeMs begun;
  bool instant = false;
  TimeMs start, end;  // what was asked for; the same of an instant query
  Millis step{0};
};

struct ActiveQuery {
  std::uint64_t id = 0;
  QueryFacts facts;
  QueryPhase phase = QueryPhase::kWaiting;
  std::chrono::nanoseconds age{0};
  std::uint64_t samples = 0, peak_samples = 0;  // held in memory
};

struct FinishedQuery {
  std::uint64_t id = 0;
  QueryFacts facts;
  std::chrono::nanoseconds duration{0}, queued{0};
  std::uint64_t samples_read = 0, peak_samples = 0;
  std::uint64_t series = 0;  // of the result
  std::string error;         // empty: it succeeded
};

class QueryRegistry {
 public:
  static constexpr std::size_t kLatest = 200, kSlowest = 50;
  /// How long a slow query is remembered.
  static constexpr Millis kMemory = std::chrono::hours(6);

  explicit QueryRegistry(const Clock& clock);

 private:
  struct Running {
    std::uint64_t id = 0;
    QueryFacts facts;
    std::chrono::nanoseconds begun{0};
    std::stop_source stop;
    std::atomic<QueryPhase> phase{QueryPhase::kWaiting};
    std::mutex mutex;
    const SampleBudget* budget = nullptr;  // guarded by mutex
  };

 public:
  /// A query is under way as long as its ticket lives. Used by one thread.
  class Ticket {
   public:
    Ticket(Ticket&&) = delete;
    ~Ticket();

    /// Fires when the query is canceled by its client or by id.
    std::stop_token stop() const { return running_->stop.get_token(); }
    void Enters(QueryPhase phase) { running_->phase = phase; }
    /// What the query holds, until it is null again: it must not die before.
    void Watch(const SampleBudget* budget);
    /// It is over.
    void Finish(const Result<QueryOutcome>& outcome, std::chrono::nanoseconds total);

   private:
    friend class QueryRegistry;
    Ticket(QueryRegistry& registry, std::shared_ptr<Running> running, const std::stop_token& client);

    struct Cancel {
      std::stop_source source;
      void operator()() { source.request_stop(); }
    };

    QueryRegistry& registry_;
    const std::shared_ptr<Running> running_;
    const std::stop_callback<Cancel> client_gone_;
  };

  Ticket Begin(QueryFacts facts, const std::stop_token& client);

  /// The oldest first.
  std::vector<ActiveQuery> Active() const;
  /// False: no query under way has the id.
  bool Cancel(std::uint64_t id);
  /// The newest first.
  std::vector<FinishedQuery> Latest(std::size_t limit) const;
  /// The slowest first.
  std::vector<FinishedQuery> Slowest(std::size_t limit) const;

 private:
  void Remember(std::shared_ptr<const FinishedQuery> query);

  const Clock& clock_;
  std::atomic<std::uint64_t> last_id_;
  mutable std::mutex mutex_;
  // guarded by mutex_
  std::map<std::uint64_t, std::shared_ptr<Running>> running_;
  std::deque<std::shared_ptr<const FinishedQuery>> latest_;
  std::vector<std::shared_ptr<const FinishedQuery>> slowest_;
};

}  // namespace vedette::promql
