// Aggregations of native histograms.
//
// The operator has run over the floats already; here its rows are completed: sums and means of histograms are put in
// where a group has nothing else, and groups of both kinds lose their value.
#include <algorithm>
#include <vector>

#include "analytics/promql/aggregate.h"
#include "analytics/promql/histogram_totals.h"

namespace vedette::promql {

namespace {

/// sum and avg.
class GroupTotals {
 public:
  GroupTotals(Evaluator& eval, const AggregateExpr& aggregate, const Vector& vector, Vector& out)
      : eval_(eval), aggregate_(aggregate), vector_(vector), out_(out) {}

  Status Complete(const Group& group, std::size_t row) {
    VEDETTE_CHECK(eval_.context().Check());
    const bool any =
        std::ranges::any_of(group.rows, [&](std::size_t from) { return !vector_.histograms(from).empty(); });
    for (std::size_t step = 0; any && step < vector_.steps(); ++step) {
      histograms_.clear();
      rows_.clear();
      for (const std::size_t from : group.rows) {
        const Histogram* histogram = vector_.histogram(from, step);
        if (histogram == nullptr) continue;
        histograms_.push_back(histogram);
        rows_.push_back(from);
      }
      if (!histograms_.empty()) VEDETTE_CHECK(CompleteStep(group, row, step));
    }
    return Ok();
  }

 private:
  /// What comes behind a histogram that does not fit is not looked at, so a float there is nothing to tell of.
  std::size_t FirstFloat(const Group& group, std::size_t step) const {
    const auto found =
        std::ranges::find_if(group.rows, [&](std::size_t from) { return !IsAbsent(vector_.values(from)[step]); });
    return found == group.rows.end() ? vector_.rows() : *found;
  }

  Status CompleteStep(const Group& group, std::size_t row, std::size_t step) {
    Annotator& notes = eval_.context().notes;
    const Position at = aggregate_.expr->pos;
    const bool mixed = !IsAbsent(out_.values(row)[step]);
    const std::size_t first_float = mixed ? FirstFloat(group, step) : vector_.rows();
    if (mixed) out_.ClearAt(row, step);
    if (first_float < rows_.front()) {
      notes.MixedInAggregation(at);
      return Ok();
    }
    HistogramTotal total = aggregate_.op == AggregateOp::kSum ? SumOf(histograms_) : MeanOf(histograms_);
    if (total.notes.reconciled) notes.MismatchedBounds(HistogramOperation::kAggregation, at);
    if (!total.value) {
      notes.MixedHistogramKinds(vector_.name(rows_[total.misfit]).labels.MetricName(), at);
      if (first_float < rows_[total.misfit]) notes.MixedInAggregation(at);
      return Ok();
    }
    if (mixed) {
      notes.MixedInAggregation(at);
      return Ok();
    }
    if (total.notes.collision) notes.CollidingResets(HistogramOperation::kAggregation, at);
    return out_.SetHistogram(row, step, std::make_shared<const Histogram>(*std::move(total.value)));
  }

  Evaluator& eval_;
  const AggregateExpr& aggregate_;
  const Vector& vector_;
  Vector& out_;
  std::vector<const Histogram*> histograms_;  // of one group at one step
  std::vector<std::size_t> rows_;             // and where they come from
};

/// count and group.
void CountHistograms(AggregateOp op, const Vector& vector, const Group& group, std::span<double> out) {
  for (const std::size_t from : group.rows) {
    const auto histograms = vector.histograms(from);
    for (std::size_t step = 0; step < histograms.size(); ++step) {
      if (!histograms[step]) continue;
      out[step] = op == AggregateOp::kCount && !IsAbsent(out[step]) ? out[step] + 1 : 1;
    }
  }
}

}  // namespace

Status AggregateHistograms(Evaluator& eval, const AggregateExpr& aggregate, const Vector& vector,
                           std::span<const Group> groups, Vector& out) {
  switch (aggregate.op) {
    case AggregateOp::kSum:
    case AggregateOp::kAvg: {
      GroupTotals totals(eval, aggregate, vector, out);
      for (std::size_t row = 0; row < groups.size(); ++row) VEDETTE_CHECK(totals.Complete(groups[row], row));
      return Ok();
    }
    case AggregateOp::kCount:
    case AggregateOp::kGroup:
      for (std::size_t row = 0; row < groups.size(); ++row) {
        CountHistograms(aggregate.op, vector, groups[row], out.values(row));
      }
      return Ok();
    default:
      if (AnyHistogram(vector)) {
        eval.context().notes.IgnoredInAggregation(AggregateName(aggregate.op), aggregate.expr->pos);
      }
      return Ok();
  }
}

}  // namespace vedette::promql
