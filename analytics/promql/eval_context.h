// What one running query carries with it: limits, the clock, the data, its annotations.
//
// Made by the engine for each query, used by one thread; others that help it have forks.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "analytics/promql/annotations.h"
#include "analytics/promql/eval_value.h"
#include "analytics/promql/plan.h"
#include "analytics/promql/query_profile.h"
#include "analytics/promql/workers.h"
#include "core/clock.h"
#include "core/result.h"
#include "storage/storage.h"

namespace vedette::promql {

struct EvalContext {
  EvalContext(const storage::Storage& store, std::string_view text, std::size_t max_samples, const Deadline& until,
              std::stop_token stop_token)
      : storage(store),
        notes(text),
        budget(own_budget_),
        deadline(until),
        stop(std::move(stop_token)),
        own_budget_(max_samples) {}
  EvalContext(const EvalContext&) = delete;
  EvalContext& operator=(const EvalContext&) = delete;

  /// For another thread of the same query: what it finds comes back by Join(). It has no views of the data.
  std::unique_ptr<EvalContext> Fork();
  void Join(EvalContext&& fork);

  /// Errors: kTimeout or kCanceled. A few dozen nanoseconds: once per series, or per thousand samples.
  Status Check() const;

  /// A view of the data that covers `range`: one of those opened at the start, else a new one.
  const storage::Querier& QuerierFor(const TimeRange& range);

  /// What the data may lack, each sentence once.
  std::vector<std::string> StorageWarnings() const;

  const storage::Storage& storage;
  Annotator notes;
  SampleBudget& budget;
  Deadline deadline;
  std::stop_token stop;
  QueryTimes times;
  bool delayed_name_removal = false;
  bool use_start_timestamps = false;
  Workers* workers = nullptr;       // null: one thread does everything
  QueryProfile* profile = nullptr;  // null: nobody asked what the nodes cost; never in a fork
  std::uint64_t samples_read = 0;
  /// Instead of what a selector would find: a part of it. Null: all.
  const std::vector<storage::SeriesEntry>* only = nullptr;

  /// What was read makes values depend on the range as a whole: histograms, for what is known of resets depends on
  /// where reading begins; types and units as labels, which go with the name and may leave series alike. The latter
  /// are looked for when somebody asks, who sets `watch_range`.
  bool bound_to_range = false, watch_range = false;

  /// The series of a selector. `names`: the labels that matter; null: all.
  Result<std::vector<storage::SeriesEntry>> Select(const storage::Querier& querier, std::span<const Matcher> matchers,
                                                   const std::vector<std::string>* names = nullptr);

 private:
  EvalContext(const EvalContext& main, SampleBudget& shared)
      : storage(main.storage),
        notes(main.notes.query()),
        budget(shared),
        deadline(main.deadline),
        stop(main.stop),
        times(main.times),
        delayed_name_removal(main.delayed_name_removal),
        use_start_timestamps(main.use_start_timestamps),
        only(main.only),
        own_budget_(0) {}

  SampleBudget own_budget_;
  SampleLease kept_{budget};  // by the queriers
  std::vector<std::pair<TimeRange, std::unique_ptr<storage::Querier>>> queriers_;
};

}  // namespace vedette::promql
