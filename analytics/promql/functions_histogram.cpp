// histogram_quantile, histogram_quantiles and histogram_fraction on classic buckets: series that differ in `le` only.
//
// Functions of native histograms ignore floats, which is all that the store holds, so they give nothing.
#include <algorithm>
#include <cmath>
#include <string>
#include <unordered_map>
#include <vector>

#include "analytics/promql/eval_labels.h"
#include "analytics/promql/eval_numerics.h"
#include "analytics/promql/functions_impl.h"
#include "analytics/promql/histogram_quantile.h"
#include "core/numbers.h"

namespace vedette::promql::fn {

namespace {

constexpr std::string_view kBound = "le";

/// One histogram: the rows of its buckets.
struct Histogram {
  RowName name;
  std::vector<std::pair<double, std::size_t>> rows;  // bound, row
};

/// Sorts the rows into histograms, in the order of their first buckets; rows without a usable bound leave a warning.
std::vector<Histogram> GroupBuckets(Evaluator& eval, const Vector& vector, Position at) {
  std::vector<Histogram> histograms;
  std::unordered_map<Labels, std::size_t> index;
  for (std::size_t row = 0; row < vector.rows(); ++row) {
    const Labels& labels = vector.name(row).labels;
    const std::string_view text = labels.Get(kBound);
    const std::optional<double> bound = ParseFloat(text);
    if (!bound) {
      const bool has_name = eval.context().delayed_name_removal;
      eval.context().notes.BadBucketLabel(has_name ? labels.MetricName() : std::string_view(), text, at);
      continue;
    }
    Labels name = With(labels, kBound, {});
    const auto [entry, is_new] = index.try_emplace(name, histograms.size());
    if (is_new) histograms.push_back({{std::move(name), true}, {}});
    histograms[entry->second].rows.emplace_back(*bound, row);
  }
  return histograms;
}

/// The buckets of a histogram that have a count at `step`.
void CollectBuckets(const Vector& vector, const Histogram& histogram, std::size_t step, std::vector<Bucket>& out) {
  out.clear();
  for (const auto& [bound, row] : histogram.rows) {
    const double count = vector.values(row)[step];
    if (!IsAbsent(count)) out.push_back({bound, count});
  }
}

/// A row per histogram with `compute(buckets, step, metric)` at each step that has buckets.
template <class Compute>
Status AddRows(Evaluator& eval, const Vector& vector, const std::vector<Histogram>& histograms, Vector& out,
               std::string_view extra_name, std::string_view extra_value, const Compute& compute) {
  std::vector<Bucket> buckets;
  for (const Histogram& histogram : histograms) {
    VEDETTE_CHECK(eval.context().Check());
    RowName name = histogram.name;
    const bool has_name = eval.context().delayed_name_removal;
    const std::string metric(has_name ? name.labels.MetricName() : std::string_view());
    if (!has_name) name.labels = WithoutMetadata(name.labels);
    if (!extra_name.empty()) name.labels = With(name.labels, extra_name, extra_value);
    VEDETTE_TRY(const std::span<double> row, out.AddRow(std::move(name)));
    for (std::size_t step = 0; step < row.size(); ++step) {
      CollectBuckets(vector, histogram, step, buckets);
      if (!buckets.empty()) row[step] = compute(buckets, step, metric);
    }
  }
  return Ok();
}

void CheckQuantiles(Evaluator& eval, const Scalar& quantiles, Position at) {
  for (const double quantile : quantiles) {
    if (!(quantile >= 0 && quantile <= 1)) eval.context().notes.InvalidQuantile(quantile, at);
  }
}

/// Rows with `quantiles` of every histogram.
Status AddQuantiles(Evaluator& eval, const Vector& vector, const std::vector<Histogram>& histograms,
                    const Scalar& quantiles, const Steps& steps, Position at, std::string_view extra_name,
                    std::string_view extra_value, Vector& out) {
  const auto compute = [&](std::vector<Bucket>& buckets, std::size_t step, std::string_view metric) {
    std::optional<MonotonicityFix> fix;
    const double value = BucketQuantile(quantiles[step], buckets, fix);
    if (fix) eval.context().notes.ForcedMonotonicity(metric, *fix, steps.At(step), at);
    return value;
  };
  return AddRows(eval, vector, histograms, out, extra_name, extra_value, compute);
}

Status Finish(Evaluator& eval, Vector& out) {
  out.RemoveEmptyRows();
  return eval.context().delayed_name_removal ? Ok() : MergeRows(out);
}

/// "0.5", "1.0": a label value that reads as a float, as OpenMetrics writes them.
std::string QuantileLabel(double quantile) {
  if (std::isnan(quantile)) return "NaN";
  if (std::isinf(quantile)) return quantile > 0 ? "+Inf" : "-Inf";
  std::string text;
  AppendGeneral(text, quantile);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

}  // namespace

Result<Vector> HistogramQuantile(Evaluator& eval, const CallExpr& call, const Steps& steps) {
  VEDETTE_TRY(const Scalar quantiles, eval.EvalScalar(*call.args[0], steps));
  VEDETTE_TRY(const Vector vector, eval.EvalVector(*call.args[1], steps));
  CheckQuantiles(eval, quantiles, call.args[0]->pos);
  const Position at = call.args[1]->pos;
  Vector out = eval.NewVector(steps.count);
  VEDETTE_CHECK(AddQuantiles(eval, vector, GroupBuckets(eval, vector, at), quantiles, steps, at, {}, {}, out));
  VEDETTE_CHECK(Finish(eval, out));
  return out;
}

Result<Vector> HistogramQuantiles(Evaluator& eval, const CallExpr& call, const Steps& steps) {
  constexpr std::size_t kFirstQuantile = 2;
  const std::string& label = Evaluator::StringOf(*call.args[1]);
  VEDETTE_TRY(const Vector vector, eval.EvalVector(*call.args[0], steps));
  const Position at = call.args[0]->pos;
  const std::vector<Histogram> histograms = GroupBuckets(eval, vector, at);
  Vector out = eval.NewVector(steps.count);
  for (std::size_t i = kFirstQuantile; i < call.args.size(); ++i) {
    VEDETTE_TRY(const Scalar quantiles, eval.EvalScalar(*call.args[i], steps));
    CheckQuantiles(eval, quantiles, call.args[i]->pos);
    // The label follows the quantile, so a quantile that changes from step to step makes one series for each value.
    std::vector<double> distinct;
    for (const double quantile : quantiles) {
      const auto same = [quantile](double q) { return q == quantile || (std::isnan(q) && std::isnan(quantile)); };
      if (std::ranges::none_of(distinct, same)) distinct.push_back(quantile);
    }
    for (const double quantile : distinct) {
      const std::size_t first_row = out.rows();
      VEDETTE_CHECK(AddQuantiles(eval, vector, histograms, Scalar(steps.count, quantile), steps, at, label,
                                 QuantileLabel(quantile), out));
      for (std::size_t row = first_row; row < out.rows() && distinct.size() > 1; ++row) {
        for (std::size_t step = 0; step < steps.count; ++step) {
          if (quantiles[step] != quantile) out.values(row)[step] = promql::Absent();
        }
      }
    }
  }
  VEDETTE_CHECK(Finish(eval, out));
  return out;
}

Result<Vector> HistogramFraction(Evaluator& eval, const CallExpr& call, const Steps& steps) {
  VEDETTE_TRY(const Scalar lower, eval.EvalScalar(*call.args[0], steps));
  VEDETTE_TRY(const Scalar upper, eval.EvalScalar(*call.args[1], steps));
  VEDETTE_TRY(const Vector vector, eval.EvalVector(*call.args[2], steps));
  const std::vector<Histogram> histograms = GroupBuckets(eval, vector, call.args[2]->pos);
  Vector out = eval.NewVector(steps.count);
  VEDETTE_CHECK(AddRows(eval, vector, histograms, out, {}, {},
                        [&](std::vector<Bucket>& buckets, std::size_t step, std::string_view) {
                          return BucketFraction(lower[step], upper[step], buckets);
                        }));
  VEDETTE_CHECK(Finish(eval, out));
  return out;
}

Result<Vector> OfNativeHistograms(Evaluator& eval, const CallExpr& call, const Steps& steps) {
  VEDETTE_CHECK(eval.EvalVector(*call.args.front(), steps));
  return eval.NewVector(steps.count);
}

}  // namespace vedette::promql::fn
