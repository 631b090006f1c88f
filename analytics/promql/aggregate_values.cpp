// count_values: how many series of a group have a value, the value being a label.
#include <bit>
#include <unordered_map>

#include "analytics/promql/aggregate.h"
#include "analytics/promql/eval_labels.h"
#include "core/histogram_buckets.h"
#include "core/numbers.h"

namespace vedette::promql {

namespace {

/// Adds up counts, in a row for every label set.
class Counts {
 public:
  explicit Counts(Vector& out) : out_(out) {}

  Status Add(const Labels& labels, std::size_t step) {
    const auto [entry, is_new] = rows_.try_emplace(labels, out_.rows());
    if (is_new) {
      VEDETTE_CHECK(out_.AddRow({labels, false}));
    }
    double& count = out_.values(entry->second)[step];
    count = IsAbsent(count) ? 1 : count + 1;
    return Ok();
  }

 private:
  Vector& out_;
  std::unordered_map<Labels, std::size_t> rows_;
};

}  // namespace

Result<Vector> CountValues(Evaluator& eval, const AggregateExpr& aggregate, const Steps& steps, const Vector& vector) {
  const std::string& label = Evaluator::StringOf(*aggregate.param);
  if (label.empty() || !IsValidUtf8(label)) return Fail(Code::kExecution, "invalid label name {}", Quote(label));
  const std::vector<std::string> names =
      aggregate.without ? SortedUnique(aggregate.grouping, kMetricName) : SortedUnique(aggregate.grouping, label);
  Vector out = eval.NewVector(steps.count);
  Counts counts(out);
  for (std::size_t row = 0; row < vector.rows(); ++row) {
    VEDETTE_CHECK(eval.context().Check());
    const auto values = vector.values(row);
    std::uint64_t last_bits = kAbsentBits;  // a series mostly repeats its value
    Labels group;
    for (std::size_t step = 0; step < values.size(); ++step) {
      if (IsAbsent(values[step])) continue;
      if (const auto bits = std::bit_cast<std::uint64_t>(values[step]); bits != last_bits) {
        last_bits = bits;
        const Labels valued = With(vector.name(row).labels, label, FormatFixed(values[step]));
        group = aggregate.without ? Without(valued, names) : Only(valued, names);
      }
      VEDETTE_CHECK(counts.Add(group, step));
    }
    const auto histograms = vector.histograms(row);
    for (std::size_t step = 0; step < histograms.size(); ++step) {
      if (!histograms[step]) continue;
      const Labels valued = With(vector.name(row).labels, label, FormatHistogram(*histograms[step]));
      VEDETTE_CHECK(counts.Add(aggregate.without ? Without(valued, names) : Only(valued, names), step));
    }
  }
  return out;
}

}  // namespace vedette::promql
