// From the series that a selector finds to rows: read, and worked out, on several threads.
//
// Series are read in the order of their numbers, in which the store has them next to each other, a few at a time by
// whoever is free. The rows come out in the order of the labels, the same with any number of threads.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "analytics/promql/eval.h"

namespace vedette::promql {

/// What one thread has for the series it works on.
struct RowWork {
  Evaluator& eval;  // its own: notes and checks go here
  Vector& out;
  WindowMemo windows = {};
};

/// Fills the last row of `work.out`, which `name` names, from samples of one series.
using RowFill = std::function<Status(RowWork& work, const RowName& name, const SeriesSamples& samples)>;

struct RowSource {
  std::span<const Matcher> matchers;
  TimeRange range;
  ReadOptions options;
  bool stale_markers = false;  // are wanted, too
  /// The labels that matter; null: all.
  const std::vector<std::string>* names = nullptr;
};

/// The labels that matter of what the selector finds, as the query is evaluated; null: all.
const std::vector<std::string>* LabelsThatMatter(Evaluator& eval, const VectorSelector& selector);

/// A row for every series with samples; those that stay empty are left out. Errors: those of `fill` and of the store;
/// of several the one of the first series.
Result<Vector> RowsOfSeries(Evaluator& eval, const Steps& steps, const RowSource& source, const RowFill& fill);

/// A row of `work.out` from the samples, if it has any value at the end.
Status AddFilledRow(RowWork& work, const RowName& name, const SeriesSamples& samples, const RowFill& fill);

}  // namespace vedette::promql
