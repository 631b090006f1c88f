// The functions of histograms: native ones, and classic buckets, which are series that differ in `le` only.
#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "analytics/promql/eval_labels.h"
#include "analytics/promql/eval_numerics.h"
#include "analytics/promql/functions_impl.h"
#include "analytics/promql/histogram_quantile.h"
#include "analytics/promql/histogram_stats.h"
#include "core/numbers.h"

namespace vedette::promql::fn {

namespace {

constexpr std::string_view kBound = "le";

/// One classic histogram: the rows of its buckets, and those of native histograms with the same labels.
struct Classic {
  RowName name;
  std::vector<std::pair<double, std::size_t>> rows;  // bound, row
  std::vector<std::size_t> natives;
};

/// What a vector has of histograms of both sorts.
struct Histograms {
  std::vector<Classic> classics;     // in the order of their first buckets
  std::vector<std::size_t> natives;  // rows
  /// Per native: the classic histogram with the same labels, or none.
  std::vector<std::optional<std::size_t>> twins;
};

/// The name that annotations show; without delayed name removal it is gone by then.
std::string_view ShownName(Evaluator& eval, const Labels& labels) {
  return eval.context().delayed_name_removal ? labels.MetricName() : std::string_view();
}

/// Sorts the rows into histograms; rows of floats without a usable bound leave a warning.
Histograms FindHistograms(Evaluator& eval, const Vector& vector, Position at) {
  Histograms found;
  std::unordered_map<Labels, std::size_t> index;
  for (std::size_t row = 0; row < vector.rows(); ++row) {
    if (!vector.histograms(row).empty()) found.natives.push_back(row);
    if (!HasAnyValue(vector.values(row))) continue;
    const Labels& labels = vector.name(row).labels;
    const std::string_view text = labels.Get(kBound);
    const std::optional<double> bound = ParseFloat(text);
    if (!bound) {
      eval.context().notes.BadBucketLabel(ShownName(eval, labels), text, at);
      continue;
    }
    Labels name = With(labels, kBound, {});
    const auto [entry, is_new] = index.try_emplace(name, found.classics.size());
    if (is_new) found.classics.push_back({{std::move(name), true}, {}, {}});
    found.classics[entry->second].rows.emplace_back(*bound, row);
  }
  for (const std::size_t row : found.natives) {
    const auto twin = index.find(vector.name(row).labels);
    found.twins.push_back(twin == index.end() ? std::nullopt : std::optional(twin->second));
    if (twin != index.end()) found.classics[twin->second].natives.push_back(row);
  }
  return found;
}

/// The buckets of a histogram that have a count at `step`.
void CollectBuckets(const Vector& vector, const Classic& classic, std::size_t step, std::vector<Bucket>& out) {
  out.clear();
  for (const auto& [bound, row] : classic.rows) {
    const double count = vector.values(row)[step];
    if (!IsAbsent(count)) out.push_back({bound, count});
  }
}

/// Computes rows of results. Where a native histogram and a classic one of the same labels meet there is no result.
class HistogramRows {
 public:
  HistogramRows(Evaluator& eval, const Vector& vector, Position at)
      : eval_(eval), vector_(vector), at_(at), found_(FindHistograms(eval, vector, at)) {}

  /// A row per histogram: `of_native(histogram, step, metric)`, `of_classic(buckets, step, metric)` at each step.
  template <class OfNative, class OfClassic>
  Status AddTo(Vector& out, std::string_view extra_name, std::string_view extra_value, const OfNative& of_native,
               const OfClassic& of_classic) {
    for (std::size_t i = 0; i < found_.natives.size(); ++i) {
      const std::size_t from = found_.natives[i];
      const std::string metric(ShownName(eval_, vector_.name(from).labels));
      VEDETTE_TRY(const std::span<double> row, out.AddRow(NameOf(vector_.name(from).labels, extra_name, extra_value)));
      for (std::size_t step = 0; step < row.size(); ++step) {
        const Histogram* histogram = vector_.histogram(from, step);
        if (histogram == nullptr) continue;
        if (found_.twins[i] && HasBuckets(found_.classics[*found_.twins[i]], step)) {
          eval_.context().notes.MixedClassicNative(metric, at_);
          continue;
        }
        row[step] = of_native(*histogram, step, metric);
      }
    }
    for (const Classic& classic : found_.classics) {
      VEDETTE_CHECK(eval_.context().Check());
      const std::string metric(ShownName(eval_, classic.name.labels));
      VEDETTE_TRY(const std::span<double> row, out.AddRow(NameOf(classic.name.labels, extra_name, extra_value)));
      for (std::size_t step = 0; step < row.size(); ++step) {
        CollectBuckets(vector_, classic, step, buckets_);
        if (!buckets_.empty() && !HasNative(classic, step)) row[step] = of_classic(buckets_, step, metric);
      }
    }
    return Ok();
  }

 private:
  RowName NameOf(const Labels& labels, std::string_view extra_name, std::string_view extra_value) const {
    RowName name{eval_.context().delayed_name_removal ? labels : WithoutMetadata(labels), true};
    if (!extra_name.empty()) name.labels = With(name.labels, extra_name, extra_value);
    return name;
  }
  bool HasBuckets(const Classic& classic, std::size_t step) const {
    return std::ranges::any_of(classic.rows,
                               [&](const auto& bucket) { return !IsAbsent(vector_.values(bucket.second)[step]); });
  }
  bool HasNative(const Classic& classic, std::size_t step) const {
    return std::ranges::any_of(classic.natives,
                               [&](std::size_t row) { return vector_.histogram(row, step) != nullptr; });
  }

  Evaluator& eval_;
  const Vector& vector_;
  Position at_;
  Histograms found_;
  std::vector<Bucket> buckets_;
};

void CheckQuantiles(Evaluator& eval, const Scalar& quantiles, Position at) {
  for (const double quantile : quantiles) {
    if (!(quantile >= 0 && quantile <= 1)) eval.context().notes.InvalidQuantile(quantile, at);
  }
}

/// Rows with `quantiles` of every histogram.
Status AddQuantiles(Evaluator& eval, HistogramRows& rows, const Scalar& quantiles, const Steps& steps, Position at,
                    std::string_view extra_name, std::string_view extra_value, Vector& out) {
  Annotator& notes = eval.context().notes;
  const auto of_native = [&](const Histogram& histogram, std::size_t step, std::string_view metric) {
    NanObservations nans{};
    const double value = NativeQuantile(quantiles[step], histogram, nans);
    if (nans == NanObservations::kResultIsNan) notes.QuantileIsNan(metric, at);
    if (nans == NanObservations::kSkewed) notes.QuantileSkewed(metric, at);
    return value;
  };
  const auto of_classic = [&](std::vector<Bucket>& buckets, std::size_t step, std::string_view metric) {
    std::optional<MonotonicityFix> fix;
    const double value = BucketQuantile(quantiles[step], buckets, fix);
    if (fix) notes.ForcedMonotonicity(metric, *fix, steps.At(step), at);
    return value;
  };
  return rows.AddTo(out, extra_name, extra_value, of_native, of_classic);
}

Status Finish(Evaluator& eval, Vector& out) {
  out.RemoveEmptyRows();
  return eval.context().delayed_name_removal ? Ok() : MergeRows(out);
}

/// A number for every native histogram of the argument; floats are left out.
Result<Vector> OfEachHistogram(Evaluator& eval, const CallExpr& call, const Steps& steps,
                               double (*number)(const Histogram&)) {
  VEDETTE_TRY(Vector vector, eval.EvalVector(*call.args.front(), steps));
  Vector out = eval.NewVector(steps.count);
  for (std::size_t row = 0; row < vector.rows(); ++row) {
    if (vector.histograms(row).empty()) continue;
    VEDETTE_TRY(const std::span<double> values, out.AddRow(vector.name(row)));
    for (std::size_t step = 0; step < steps.count; ++step) {
      const Histogram* histogram = vector.histogram(row, step);
      if (histogram != nullptr) values[step] = number(*histogram);
    }
  }
  out.RemoveEmptyRows();
  VEDETTE_CHECK(DropNames(eval.context(), out));
  return out;
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
  HistogramRows rows(eval, vector, at);
  VEDETTE_CHECK(AddQuantiles(eval, rows, quantiles, steps, at, {}, {}, out));
  VEDETTE_CHECK(Finish(eval, out));
  return out;
}

Result<Vector> HistogramQuantiles(Evaluator& eval, const CallExpr& call, const Steps& steps) {
  constexpr std::size_t kFirstQuantile = 2;
  const std::string& label = Evaluator::StringOf(*call.args[1]);
  VEDETTE_TRY(const Vector vector, eval.EvalVector(*call.args[0], steps));
  const Position at = call.args[0]->pos;
  HistogramRows rows(eval, vector, at);
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
      VEDETTE_CHECK(
          AddQuantiles(eval, rows, Scalar(steps.count, quantile), steps, at, label, QuantileLabel(quantile), out));
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
  const Position at = call.args[2]->pos;
  Vector out = eval.NewVector(steps.count);
  const auto of_native = [&](const Histogram& histogram, std::size_t step, std::string_view metric) {
    NanObservations nans{};
    const double value = NativeFraction(lower[step], upper[step], histogram, nans);
    if (nans != NanObservations::kNone) eval.context().notes.FractionWithoutNans(metric, at);
    return value;
  };
  const auto of_classic = [&](std::vector<Bucket>& buckets, std::size_t step, std::string_view) {
    return BucketFraction(lower[step], upper[step], buckets);
  };
  VEDETTE_CHECK(HistogramRows(eval, vector, at).AddTo(out, {}, {}, of_native, of_classic));
  VEDETTE_CHECK(Finish(eval, out));
  return out;
}

Result<Vector> HistogramCount(Evaluator& eval, const CallExpr& call, const Steps& steps) {
  return OfEachHistogram(eval, call, steps, [](const Histogram& histogram) { return histogram.count; });
}
Result<Vector> HistogramSumOf(Evaluator& eval, const CallExpr& call, const Steps& steps) {
  return OfEachHistogram(eval, call, steps, [](const Histogram& histogram) { return histogram.sum; });
}
Result<Vector> HistogramAvg(Evaluator& eval, const CallExpr& call, const Steps& steps) {
  return OfEachHistogram(eval, call, steps, [](const Histogram& histogram) { return histogram.sum / histogram.count; });
}
Result<Vector> HistogramStdvar(Evaluator& eval, const CallExpr& call, const Steps& steps) {
  return OfEachHistogram(eval, call, steps, NativeVariance);
}
Result<Vector> HistogramStddev(Evaluator& eval, const CallExpr& call, const Steps& steps) {
  return OfEachHistogram(eval, call, steps,
                         [](const Histogram& histogram) { return std::sqrt(NativeVariance(histogram)); });
}

}  // namespace vedette::promql::fn
