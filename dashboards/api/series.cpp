// Which series, label names and label values there are.
#include <algorithm>
#include <functional>
#include <iterator>

#include "core/labels.h"
#include "dashboards/api/envelope.h"
#include "dashboards/api/handlers.h"
#include "dashboards/api/params.h"

namespace vedette::dashboards::api {

namespace {

/// What the three endpoints understand.
struct Selection {
  std::size_t limit = 0;
  TimeRange range;
  MatcherSets sets;
};

/// `named`: errors of match[] name it, as only those of /series do.
Result<Selection> ReadSelection(const Parameters& parameters, bool named = false) {
  Selection selection;
  VEDETTE_TRY(selection.limit, LimitParameter(parameters));
  VEDETTE_TRY(selection.range, RangeParameters(parameters));
  auto sets = MatchParameters(parameters);
  if (!sets) return named ? InvalidParameter("match[]", sets.error().message) : sets.error();
  selection.sets = *std::move(sets);
  return selection;
}

/// Cuts `entries` to the limit and says so.
template <class T>
promql::Annotations CutTo(std::size_t limit, std::vector<T>& entries) {
  promql::Annotations notes;
  if (limit == 0 || entries.size() <= limit) return notes;
  entries.resize(limit);
  notes.warnings.push_back("results truncated due to limit");
  return notes;
}

using Names = std::vector<std::string>;

/// One more than is wanted, so that cutting is noticed. 0 stays "all".
std::size_t LimitToAsk(std::size_t limit) { return limit == 0 || limit + 1 == 0 ? 0 : limit + 1; }

/// Names of all selectors together, sorted, each once.
Result<Names> Union(const Selection& selection, const std::function<Result<Names>(std::span<const Matcher>)>& ask) {
  if (selection.range.max < selection.range.min) return Names();
  if (selection.sets.empty()) return ask({});
  Names all;
  for (const std::vector<Matcher>& matchers : selection.sets) {
    VEDETTE_TRY(const Names names, ask(matchers));
    Names merged;
    std::ranges::set_union(all, names, std::back_inserter(merged));
    all = std::move(merged);
  }
  return all;
}

Response NamesAnswer(Names names, std::size_t limit) {
  const promql::Annotations notes = CutTo(limit, names);
  Success success;
  success.json().BeginArray();
  for (const std::string& name : names) success.json().String(name);
  success.json().End();
  return std::move(success).Finish(notes);
}

}  // namespace

Response Series(const ApiContext& context, const Request& request) {
  return Answer([&]() -> Result<Response> {
    VEDETTE_TRY(const Parameters parameters, FormParameters(request));
    if (!parameters.Has("match[]")) return Fail(Code::kBadData, "no match[] parameter provided");
    VEDETTE_TRY(Selection selection, ReadSelection(parameters, true));
    const auto querier = context.storage.NewQuerier(selection.range);
    querier->Limit({.stop = request.stop});
    std::vector<Labels> all;
    if (selection.range.max < selection.range.min) selection.sets.clear();
    for (const std::vector<Matcher>& matchers : selection.sets) {
      if (request.stop.stop_requested()) return Fail(Code::kCanceled, "the client went away");
      VEDETTE_TRY(const std::vector<storage::SeriesEntry> entries, querier->Select(matchers));
      for (const storage::SeriesEntry& entry : entries) all.push_back(entry.labels);
    }
    std::ranges::sort(all);
    all.erase(std::unique(all.begin(), all.end()), all.end());
    const promql::Annotations notes = CutTo(selection.limit, all);
    Success success;
    success.json().BeginArray();
    for (const Labels& labels : all) success.json().LabelSet(labels);
    success.json().End();
    return std::move(success).Finish(notes);
  });
}

Response LabelNames(const ApiContext& context, const Request& request) {
  return Answer([&]() -> Result<Response> {
    VEDETTE_TRY(const Parameters parameters, FormParameters(request));
    VEDETTE_TRY(const Selection selection, ReadSelection(parameters));
    const auto querier = context.storage.NewQuerier(selection.range);
    VEDETTE_TRY(Names names, Union(selection, [&](std::span<const Matcher> matchers) {
                  return querier->LabelNames(matchers, LimitToAsk(selection.limit));
                }));
    return NamesAnswer(std::move(names), selection.limit);
  });
}

Response LabelValues(const ApiContext& context, const Request& request) {
  return Answer([&]() -> Result<Response> {
    const std::string name = UnescapeLabelName(request.path_parameter);
    if (name.empty() || !IsValidUtf8(name)) return Fail(Code::kBadData, "invalid label name: {}", Quote(name));
    VEDETTE_TRY(const Parameters parameters, FormParameters(request));
    VEDETTE_TRY(const Selection selection, ReadSelection(parameters));
    const auto querier = context.storage.NewQuerier(selection.range);
    VEDETTE_TRY(Names values, Union(selection, [&](std::span<const Matcher> matchers) {
                  return querier->LabelValues(name, matchers, LimitToAsk(selection.limit));
                }));
    return NamesAnswer(std::move(values), selection.limit);
  });
}

}  // namespace vedette::dashboards::api
