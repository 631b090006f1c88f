// Limits in time, and views of the data.
#include "analytics/promql/eval_context.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace vedette::promql {

Status EvalContext::Check() const {
  if (stop.stop_requested()) return Fail(Code::kCanceled, "query was canceled in expression evaluation");
  if (deadline.Passed()) return Fail(Code::kTimeout, "query timed out in expression evaluation");
  return Ok();
}

std::unique_ptr<EvalContext> EvalContext::Fork() {
  return std::unique_ptr<EvalContext>(new EvalContext(*this, budget));
}

void EvalContext::Join(EvalContext&& fork) {
  notes.Merge(std::move(fork.notes));
  samples_read += fork.samples_read;
  bound_to_range |= fork.bound_to_range;
}

Result<std::vector<storage::SeriesEntry>> EvalContext::Select(const storage::Querier& querier,
                                                              std::span<const Matcher> matchers,
                                                              const std::vector<std::string>* names) {
  if (only != nullptr) return *only;
  auto found = names == nullptr ? querier.Select(matchers) : querier.SelectFor(matchers, *names);
  const void* last = nullptr;  // neighbours often share their labels
  for (std::size_t i = 0; watch_range && found && i < found->size() && !bound_to_range; ++i) {
    const Labels& labels = (*found)[i].labels;
    if (std::exchange(last, labels.identity()) == labels.identity()) continue;
    bound_to_range = labels.Has("__type__") || labels.Has("__unit__");
  }
  return found;
}

const storage::Querier& EvalContext::QuerierFor(const TimeRange& range) {
  for (const auto& [covered, querier] : queriers_) {
    if (covered.min <= range.min && range.max <= covered.max) return *querier;
  }
  auto querier = storage.NewQuerier(range);
  querier->Limit({stop, deadline, [this](std::size_t samples) { return kept_.Add(samples); }});
  queriers_.emplace_back(range, std::move(querier));
  return *queriers_.back().second;
}

std::vector<std::string> EvalContext::StorageWarnings() const {
  std::vector<std::string> out;
  for (const auto& [range, querier] : queriers_) std::ranges::move(querier->Warnings(), std::back_inserter(out));
  std::ranges::sort(out);
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

}  // namespace vedette::promql
