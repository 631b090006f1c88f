#include "analytics/promql/eval_rows.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <memory>
#include <numeric>
#include <utility>

#include "analytics/promql/workers.h"

namespace vedette::promql {
namespace {

/// Below, threads cost more than they bring.
constexpr std::size_t kFewSeries = 16;
/// Taken at a time: many enough to be neighbours in the store, so that threads are mostly at different targets and
/// their locks free; few enough to keep all threads at work.
constexpr std::size_t kMostAtOnce = 512;
constexpr std::size_t kSharesOfThread = 8;

/// What the threads of one selector share.
struct Shared {
  const storage::Querier& querier;
  const RowSource& source;
  const RowFill& fill;
  std::vector<storage::SeriesEntry> series;
  std::vector<std::size_t> order;  // of `series` by number
  std::size_t at_once = 1;
  std::atomic<std::size_t> next = 0;
  std::atomic<bool> failed = false;
};

/// A thread's part.
struct Part {
  Vector out;
  std::vector<std::size_t> places = {};  // of its rows in `series`
  Status status = Ok();
  std::size_t failed_at = 0;
};

Status ReadSamples(EvalContext& context, const Shared& shared, storage::SeriesId id, SeriesSamples& samples,
                   SampleLease& held) {
  const auto& [matchers, range, options, stale_markers] = shared.source;
  VEDETTE_CHECK(ReadOne(context, shared.querier, id, range, options, samples, held));
  if (!stale_markers && HasStaleMarkers(samples)) RemoveStaleMarkers(samples);
  return Ok();
}

Status DoSeries(RowWork& work, Part& part, Shared& shared, std::size_t place, SeriesSamples& samples) {
  EvalContext& context = work.eval.context();
  VEDETTE_CHECK(context.Check());
  SampleLease held(context.budget);
  const storage::SeriesEntry& entry = shared.series[place];
  VEDETTE_CHECK(ReadSamples(context, shared, entry.id, samples, held));
  const std::size_t rows = part.out.rows();
  VEDETTE_CHECK(AddFilledRow(work, RowName{entry.labels, false}, samples, shared.fill));
  if (part.out.rows() > rows) part.places.push_back(place);
  return Ok();
}

void DoPart(Evaluator& eval, Part& part, Shared& shared) {
  RowWork work{eval, part.out};
  SeriesSamples samples;
  while (!shared.failed) {
    const std::size_t begin = shared.next.fetch_add(shared.at_once);
    if (begin >= shared.order.size()) return;
    const std::size_t end = std::min(begin + shared.at_once, shared.order.size());
    for (std::size_t i = begin; i < end; ++i) {
      part.failed_at = shared.order[i];
      try {
        part.status = DoSeries(work, part, shared, shared.order[i], samples);
      } catch (const std::exception& error) {
        part.status = Fail(Code::kInternal, "query evaluation failed: {}", error.what());
      }
      if (part.status) continue;
      shared.failed = true;
      return;
    }
  }
}

/// The rows of all parts, in the order of their places.
void Join(Vector& all, std::vector<std::size_t> places, std::span<const std::unique_ptr<Part>> others) {
  for (const auto& part : others) {
    all.Append(std::move(part->out));
    places.insert(places.end(), part->places.begin(), part->places.end());
  }
  if (std::ranges::is_sorted(places)) return;
  std::vector<std::size_t> order(places.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t row) { return places[row]; });
  all.Reorder(order);
}

}  // namespace

Result<Vector> RowsOfSeries(Evaluator& eval, const Steps& steps, const RowSource& source, const RowFill& fill) {
  EvalContext& context = eval.context();
  QueryProfile::Visit visit(context.profile, QueryProfile::KeyOf(source.matchers), context.samples_read);
  const storage::Querier& querier = context.QuerierFor(source.range);
  Shared shared{querier, source, fill, {}, {}};
  auto selected = context.Select(querier, source.matchers);
  VEDETTE_CHECK(context.Check());  // a remote end that was given up is a time-out, not its error
  if (!selected) return selected.error();
  shared.series = std::move(*selected);
  const std::size_t count = shared.series.size();
  visit.Result(count, count * steps.count * sizeof(double));
  shared.order.resize(count);
  std::iota(shared.order.begin(), shared.order.end(), std::size_t{0});
  Part first{eval.NewVector(steps.count)};
  std::vector<std::unique_ptr<Part>> others;
  if (count <= kFewSeries) {
    shared.at_once = count;
    DoPart(eval, first, shared);
  } else {
    std::ranges::sort(shared.order, {}, [&](std::size_t place) { return shared.series[place].id; });
    const std::size_t threads = context.workers == nullptr ? 1 : context.workers->threads();
    shared.at_once = std::clamp<std::size_t>(count / (threads * kSharesOfThread), 1, kMostAtOnce);
    std::vector<std::unique_ptr<EvalContext>> contexts;
    for (std::size_t i = 1; i < threads; ++i) {
      contexts.push_back(context.Fork());
      others.push_back(std::make_unique<Part>(Part{eval.NewVector(steps.count)}));
    }
    const auto work = [&](std::size_t number) {
      if (number == 0) return DoPart(eval, first, shared);
      Evaluator own(eval.plan(), *contexts[number - 1]);
      DoPart(own, *others[number - 1], shared);
    };
    if (threads > 1) {
      visit.Workers(context.workers->Run(threads, work));
    } else {
      work(0);
    }
    for (const auto& fork : contexts) context.Join(std::move(*fork));
  }
  const Part* worst = first.status ? nullptr : &first;
  for (const auto& part : others) {
    if (!part->status && (worst == nullptr || part->failed_at < worst->failed_at)) worst = part.get();
  }
  if (worst != nullptr) return worst->status.error();
  Join(first.out, std::move(first.places), others);
  return std::move(first.out);
}

Status AddFilledRow(RowWork& work, const RowName& name, const SeriesSamples& samples, const RowFill& fill) {
  if (samples.empty()) return Ok();
  VEDETTE_CHECK(work.out.AddRow(name));
  VEDETTE_CHECK(fill(work, name, samples));
  if (!work.out.HasAny(work.out.rows() - 1)) work.out.RemoveLastRow();
  return Ok();
}

}  // namespace vedette::promql
