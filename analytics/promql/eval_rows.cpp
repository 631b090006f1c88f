#include "analytics/promql/eval_rows.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <memory>
#include <numeric>
#include <utility>

#include "analytics/promql/eval_labels.h"
#include "analytics/promql/workers.h"

namespace vedette::promql {
namespace {

/// One thread begins: waking others costs as much as reading some dozen series. They help with what takes longer.
constexpr auto kAlone = std::chrono::microseconds(400);
/// Series between two looks at the clock.
constexpr std::size_t kBetweenChecks = 8;
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

Status ReadSamples(EvalContext& context, const Shared& shared, storage::SeriesReader& reader, storage::SeriesId id,
                   SeriesSamples& samples, SampleLease& held) {
  const RowSource& source = shared.source;
  VEDETTE_CHECK(ReadOne(context, shared.querier, reader, id, source.range, source.options, samples, held));
  if (!source.stale_markers && HasStaleMarkers(samples)) RemoveStaleMarkers(samples);
  return Ok();
}

/// What a thread reads with.
struct Reading {
  std::unique_ptr<storage::SeriesReader> reader;
  SeriesSamples samples;
  SampleLease held;  // for the most that a series took
};

Status DoSeries(RowWork& work, Part& part, Shared& shared, Reading& reading, std::size_t place) {
  const storage::SeriesEntry& entry = shared.series[place];
  VEDETTE_CHECK(ReadSamples(work.eval.context(), shared, *reading.reader, entry.id, reading.samples, reading.held));
  const std::size_t rows = part.out.rows();
  VEDETTE_CHECK(AddFilledRow(work, RowName{entry.labels, false}, reading.samples, shared.fill));
  if (part.out.rows() > rows) part.places.push_back(place);
  return Ok();
}

/// Until all is done, or (with `alone`) others would be of help.
void DoPart(Evaluator& eval, Part& part, Shared& shared, bool alone = false) {
  RowWork work{eval, part.out};
  Reading reading{shared.querier.NewReader(), {}, SampleLease(eval.context().budget)};
  const auto until = std::chrono::steady_clock::now() + kAlone;
  while (!shared.failed) {
    if (alone && std::chrono::steady_clock::now() > until) return;
    const std::size_t begin = shared.next.fetch_add(shared.at_once);
    if (begin >= shared.order.size()) return;
    const std::size_t end = std::min(begin + shared.at_once, shared.order.size());
    for (std::size_t i = begin; i < end; ++i) {
      part.failed_at = shared.order[i];
      try {
        if ((i - begin) % kBetweenChecks == 0) part.status = eval.context().Check();
        if (part.status) part.status = DoSeries(work, part, shared, reading, shared.order[i]);
      } catch (const std::exception& error) {
        part.status = Fail(Code::kInternal, "query evaluation failed: {}", error.what());
      }
      if (part.status) continue;
      shared.failed = true;
      return;
    }
  }
}

/// The rows of all parts, in the order of their places: each is copied once.
void Join(Part& first, std::span<const std::unique_ptr<Part>> others) {
  struct Row {
    std::size_t place = 0, row = 0;
    Vector* from = nullptr;
  };
  std::vector<Row> rows;
  const auto add = [&](Part& part) {
    for (std::size_t row = 0; row < part.places.size(); ++row) rows.push_back({part.places[row], row, &part.out});
  };
  add(first);
  for (const auto& part : others) add(*part);
  if (rows.size() == first.places.size() && std::ranges::is_sorted(first.places)) return;
  std::ranges::sort(rows, {}, &Row::place);
  Vector all(first.out.budget(), first.out.steps());
  all.Reserve(rows.size());
  for (const Row& row : rows) all.TakeRow(*row.from, row.row);
  first.out = std::move(all);
}

/// What is left after the first thread's beginning, by all threads.
void DoRest(Evaluator& eval, Shared& shared, Part& first, std::vector<std::unique_ptr<Part>>& others,
            QueryProfile::Visit& visit) {
  EvalContext& context = eval.context();
  const std::size_t threads = context.workers == nullptr ? 1 : context.workers->threads();
  const std::size_t left = shared.order.size() - shared.next;
  shared.at_once = std::clamp<std::size_t>(left / (threads * kSharesOfThread), 1, kMostAtOnce);
  if (threads == 1) return DoPart(eval, first, shared);
  std::vector<std::unique_ptr<EvalContext>> contexts;
  for (std::size_t i = 1; i < threads; ++i) {
    contexts.push_back(context.Fork());
    others.push_back(std::make_unique<Part>(Part{eval.NewVector(first.out.steps())}));
    others.back()->out.Reserve(left / threads + shared.at_once);
  }
  visit.Workers(context.workers->Run(threads, [&](std::size_t number) {
    if (number == 0) return DoPart(eval, first, shared);
    Evaluator own(eval.plan(), *contexts[number - 1]);
    DoPart(own, *others[number - 1], shared);
  }));
  for (const auto& fork : contexts) context.Join(std::move(*fork));
}

/// Series of more than one kind or unit, which are told apart by what goes with their names.
bool HaveMetadata(std::span<const storage::SeriesEntry> series) {
  const void* last = nullptr;
  return std::ranges::any_of(series, [&](const storage::SeriesEntry& entry) {
    if (std::exchange(last, entry.labels.identity()) == entry.labels.identity()) return false;
    return HasTypeOrUnit(entry.labels);
  });
}

/// In the order of their numbers, in which neighbours are read together.
std::vector<std::size_t> ReadingOrder(std::span<const storage::SeriesEntry> series) {
  std::vector<std::size_t> order(series.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  if (!std::ranges::is_sorted(series, {}, &storage::SeriesEntry::id)) {
    std::ranges::sort(order, {}, [&](std::size_t place) { return series[place].id; });
  }
  return order;
}

}  // namespace

const std::vector<std::string>* LabelsThatMatter(Evaluator& eval, const VectorSelector& selector) {
  return eval.context().delayed_name_removal ? nullptr : eval.plan().LabelsThatMatter(selector);
}

Result<Vector> RowsOfSeries(Evaluator& eval, const Steps& steps, const RowSource& source, const RowFill& fill) {
  EvalContext& context = eval.context();
  QueryProfile::Visit visit(context.profile, QueryProfile::KeyOf(source.matchers), context.samples_read);
  const storage::Querier& querier = context.QuerierFor(source.range);
  // Of others everything comes over the wire: they are asked once.
  const std::vector<std::string>* const names = querier.IdsAreOfStore() ? source.names : nullptr;
  auto selected = context.Select(querier, source.matchers, names);
  VEDETTE_CHECK(context.Check());  // a remote end that was given up is a time-out, not its error
  if (!selected) return selected.error();
  if (names != nullptr && HaveMetadata(*selected)) {
    selected = context.Select(querier, source.matchers);
    if (!selected) return selected.error();
  }
  Shared shared{querier, source, fill, std::move(*selected), {}};
  shared.order = ReadingOrder(shared.series);
  shared.at_once = 1;
  const std::size_t count = shared.series.size();
  visit.Result(count, count * steps.count * sizeof(double));
  Part first{eval.NewVector(steps.count)};
  first.out.Reserve(count);
  std::vector<std::unique_ptr<Part>> others;
  visit.Workers(1);
  DoPart(eval, first, shared, true);
  if (!shared.failed && shared.next < count) DoRest(eval, shared, first, others, visit);
  const Part* worst = first.status ? nullptr : &first;
  for (const auto& part : others) {
    if (!part->status && (worst == nullptr || part->failed_at < worst->failed_at)) worst = part.get();
  }
  if (worst != nullptr) return worst->status.error();
  Join(first, others);
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
