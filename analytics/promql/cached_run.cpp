#include "analytics/promql/cached_run.h"

#include <algorithm>
#include <bit>
#include <exception>
#include <iterator>
#include <optional>
#include <utility>

#include "analytics/promql/printer.h"
#include "analytics/promql/query_profile.h"
#include "analytics/promql/step_wise.h"

namespace vedette::promql {
namespace {

/// Steps before a query's first one that are kept as well: the next query may begin a little earlier.
std::size_t Slack(std::size_t steps) { return steps / 8 + 2; }
/// Samples may change while a query is evaluated that has used kept steps which look at them: it is done again.
constexpr int kTries = 3;

std::size_t CountSteps(const QueryTimes& times) {
  if (times.end < times.start) return 0;
  return static_cast<std::size_t>(MinusSaturated(times.end.ms, times.start.ms) / times.step.count()) + 1;
}

std::string CacheKey(const Expr& expr, const QueryTimes& times, std::size_t steps) {
  const std::int64_t step = times.step.count(), phase = (times.start.ms % step + step) % step;
  return fmt::format("{} {} {} {} {} {}", step, phase, std::bit_width(steps), times.lookback.count(),
                     times.default_subquery_step.count(), Print(expr));
}

bool Includes(const std::vector<std::string>& all, const std::vector<std::string>& some) {
  return std::ranges::all_of(some, [&](const std::string& text) { return std::ranges::find(all, text) != all.end(); });
}

/// The points from `first` to `last`, times in ms.
std::span<const Point> PointsBetween(const std::vector<Point>& points, std::int64_t first, std::int64_t last) {
  const auto begin = std::ranges::lower_bound(points, first, {}, &Point::time_ms);
  const auto end = std::ranges::upper_bound(begin, points.end(), last, {}, &Point::time_ms);
  return {begin, end};
}

class CachedRun {
 public:
  CachedRun(ResultCache& cache, const Expr& expr, const QueryRun& run, const storage::ChangeLog& changes,
            const Plan& plan)
      : cache_(cache),
        expr_(expr),
        run_(run),
        changes_(changes),
        plan_(plan),
        steps_{run.times.start.ms, run.times.step.count(), CountSteps(run.times)},
        ahead_(MinusSaturated(plan.data_ranges().back().max.ms, run.times.end.ms)),
        key_(CacheKey(expr, run.times, steps_.count)) {}

  Result<QueryOutcome> Answer() {
    for (int i = 0; i < kTries; ++i) {
      VEDETTE_TRY(std::optional<QueryOutcome> outcome, Try(i + 1 < kTries ? cache_.Find(key_) : nullptr));
      if (outcome) return *std::move(outcome);
    }
    return Fail(Code::kInternal, "an evaluation as a whole was not taken");
  }

 private:
  using Kept = std::shared_ptr<const KeptResult>;

  /// Nothing: not like this.
  Result<std::optional<QueryOutcome>> Try(Kept kept) {
    const std::uint64_t version = changes_.Now();
    const std::size_t usable = kept ? Usable(*kept) : 0;
    VEDETTE_TRY(QueryOutcome outcome, EvaluateFrom(usable));
    if (usable == 0) {
      if (!bound_to_range_) {
        Keep({steps_, version, outcome.value.series, outcome.notes});
      } else if (kept) {
        cache_.Drop(key_);
      }
    } else {
      const bool holds = usable <= Usable(*kept) && !bound_to_range_ &&
                         Includes(outcome.notes.warnings, kept->notes.warnings) &&
                         Includes(outcome.notes.infos, kept->notes.infos);
      KeptResult joined;
      if (holds) joined = Joined(*kept, usable, std::move(outcome.value.series));
      if (!holds || joined.series.size() > run_.options.max_samples / steps_.count) {
        if (usable <= Usable(*kept)) cache_.Drop(key_);
        return std::optional<QueryOutcome>();
      }
      joined.version = version;
      joined.notes = outcome.notes;
      TakeOwn(joined, outcome);
      if (usable < steps_.count) Keep(std::move(joined));
    }
    outcome.cache = CacheUse{steps_.count, usable, {}};
    return std::optional(std::move(outcome));
  }

  /// How many of the query's steps, from the first on, `kept` answers now. Where there are annotations one step is
  /// left, which tells whether they are still those.
  std::size_t Usable(const KeptResult& kept) const {
    const TimeMs changed = changes_.ChangedSince(kept.version);
    const std::int64_t holds = MinusSaturated(MinusSaturated(changed.ms, ahead_), 1);
    const std::int64_t last = std::min({kept.steps.Last(), steps_.Last(), holds});
    if (kept.steps.start > steps_.start || last < steps_.start) return 0;
    const std::size_t usable = static_cast<std::size_t>((last - steps_.start) / steps_.step) + 1;
    const bool noted = !kept.notes.warnings.empty() || !kept.notes.infos.empty();
    return noted ? std::min(usable, steps_.count - 1) : usable;
  }

  Result<QueryOutcome> EvaluateFrom(std::size_t first) {
    bound_to_range_ = false;
    if (first < steps_.count) {
      QueryRun rest = run_;
      rest.times.start = TimeMs(steps_.At(first));
      rest.bound_to_range = &bound_to_range_;
      return Run(expr_, rest);
    }
    QueryOutcome nothing;
    nothing.value.type = ValueType::kMatrix;
    if (run_.explain) nothing.plan = std::make_shared<const ExplainNode>(QueryProfile(run_.clock).Explain(plan_));
    return nothing;
  }

  /// The kept steps up to the query's `usable` first ones, some before it included, and what follows them.
  KeptResult Joined(const KeptResult& kept, std::size_t usable, std::vector<ResultSeries> rest) const {
    const std::int64_t slack = static_cast<std::int64_t>(Slack(steps_.count)) * steps_.step;
    const std::int64_t first = std::max(kept.steps.start, MinusSaturated(steps_.start, slack));
    const std::int64_t last = steps_.At(usable - 1);
    KeptResult joined{{first, steps_.step, 0}, 0, {}, {}};
    joined.steps.count = static_cast<std::size_t>((steps_.Last() - first) / steps_.step) + 1;
    auto next = rest.begin();
    for (const ResultSeries& series : kept.series) {
      for (; next != rest.end() && next->labels < series.labels; ++next) joined.series.push_back(std::move(*next));
      const std::span<const Point> points = PointsBetween(series.points, first, last);
      const bool both = next != rest.end() && next->labels == series.labels;
      if (points.empty() && !both) continue;
      ResultSeries& out = joined.series.emplace_back();
      out.labels = series.labels;
      out.points.reserve(points.size() + (both ? next->points.size() : 0));
      out.points.assign(points.begin(), points.end());
      if (both) out.points.insert(out.points.end(), next->points.begin(), next->points.end());
      if (both) ++next;
    }
    std::move(next, rest.end(), std::back_inserter(joined.series));
    return joined;
  }

  /// The steps of the query.
  void TakeOwn(const KeptResult& joined, QueryOutcome& outcome) const {
    outcome.value.series.clear();
    std::size_t held = 0;
    for (const ResultSeries& series : joined.series) {
      const std::span<const Point> points = PointsBetween(series.points, steps_.start, steps_.Last());
      if (points.empty()) continue;
      outcome.value.series.push_back({series.labels, {points.begin(), points.end()}});
      held += points.size();
    }
    outcome.stats.series = outcome.value.series.size();
    outcome.stats.peak_samples = std::max<std::uint64_t>(outcome.stats.peak_samples, held);
  }

  void Keep(KeptResult result) {
    for (ResultSeries& series : result.series) series.points.shrink_to_fit();
    cache_.Keep(key_, std::move(result));
  }

  ResultCache& cache_;
  const Expr& expr_;
  const QueryRun& run_;
  const storage::ChangeLog& changes_;
  const Plan& plan_;
  const Steps steps_;
  /// How far behind a step its evaluation looks at samples; before it when negative.
  const std::int64_t ahead_;
  const std::string key_;
  bool bound_to_range_ = false;  // what the last evaluation read
};

/// Further than this no time is from another one, so that nothing was cut off at the ends of the range of times.
constexpr std::int64_t kFarthest = std::int64_t{1} << 61;

/// What can be told without a plan.
std::string_view WhyNot(const Expr& expr, const QueryRun& run) {
  if (run.storage.ChangesByTime() == nullptr) return "store";
  const std::size_t steps = CountSteps(run.times);
  if (steps < 2 || steps > run.options.max_samples) return "steps";
  if (run.times.start.ms < -kFarthest || run.times.end.ms > kFarthest) return "time";
  return BoundToRange(expr, run.options.delayed_name_removal);
}

std::string_view WhyNot(const Plan& plan) {
  if (plan.data_ranges().empty()) return "selector";
  const TimeRange data{plan.data_ranges().front().min, plan.data_ranges().back().max};
  return data.min.ms < -kFarthest || data.max.ms > kFarthest ? "time" : "";
}

Result<QueryOutcome> PassBy(const Expr& expr, const QueryRun& run, std::string_view why) {
  VEDETTE_TRY(QueryOutcome outcome, Run(expr, run));
  outcome.cache = CacheUse{CountSteps(run.times), 0, why};
  return outcome;
}

Result<QueryOutcome> Answer(ResultCache& cache, const Expr& expr, const QueryRun& run) {
  if (const std::string_view why = WhyNot(expr, run); !why.empty()) return PassBy(expr, run, why);
  VEDETTE_TRY(const Plan plan, Plan::Make(expr, run.times));
  if (const std::string_view why = WhyNot(plan); !why.empty()) return PassBy(expr, run, why);
  // Null when remote ends come just now.
  const storage::ChangeLog* const changes = run.storage.ChangesByTime();
  return changes == nullptr ? Run(expr, run) : CachedRun(cache, expr, run, *changes, plan).Answer();
}

}  // namespace

Result<QueryOutcome> RunCached(ResultCache& cache, const Expr& expr, const QueryRun& run) {
  try {
    VEDETTE_TRY(QueryOutcome outcome, Answer(cache, expr, run));
    if (outcome.cache) cache.Count(*outcome.cache);
    return outcome;
  } catch (const std::exception& error) {
    return Fail(Code::kInternal, "query evaluation failed: {}", error.what());
  }
}

}  // namespace vedette::promql
