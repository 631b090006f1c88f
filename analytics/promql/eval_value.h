// Intermediate values of an evaluation: dense columns over the steps of a query.
//
// A Vector is a set of series with one double per step, row after row in one array. A step at which a series has no
// value holds the bits of the staleness marker: selectors never let that marker through and arithmetic never makes it
// (the processor would set its quiet bit), so it is free to mean "absent", and presence costs no second array.
//
// Native histograms stand beside the doubles: a row that has any gets a column of pointers, the others cost nothing and
// a Vector without any is asked once (has_histograms()). Where a row has a histogram its double is absent, so that what
// knows doubles only sees gaps there.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "analytics/promql/histogram_math.h"
#include "core/labels.h"
#include "core/result.h"

namespace vedette::promql {

/// Times at which an expression is evaluated: start, start + step, ... Units: Unix milliseconds, step > 0.
struct Steps {
  std::int64_t start = 0;
  std::int64_t step = 1;
  std::size_t count = 1;

  std::int64_t At(std::size_t i) const { return start + static_cast<std::int64_t>(i) * step; }
  std::int64_t Last() const { return count == 0 ? start : At(count - 1); }
};

inline constexpr std::uint64_t kAbsentBits = 0x7ff0000000000002;
inline double Absent() { return std::bit_cast<double>(kAbsentBits); }
inline bool IsAbsent(double value) { return std::bit_cast<std::uint64_t>(value) == kAbsentBits; }

/// Samples that a query holds in memory, and the most it may hold. Thread-safe.
class SampleBudget {
 public:
  explicit SampleBudget(std::size_t limit) : limit_(limit) {}
  /// Errors: kLimit when the query would hold more than its limit.
  Status Add(std::size_t samples);
  void Release(std::size_t samples) { used_.fetch_sub(samples, std::memory_order_relaxed); }
  std::size_t limit() const { return limit_; }
  std::size_t used() const { return used_; }
  std::size_t peak() const { return peak_; }

 private:
  std::size_t limit_;
  std::atomic<std::size_t> used_ = 0, peak_ = 0;
};

/// A part of a budget that goes back when its owner dies.
class SampleLease {
 public:
  explicit SampleLease(SampleBudget& budget) : budget_(&budget) {}
  SampleLease(SampleLease&& other) noexcept : budget_(other.budget_), held_(std::exchange(other.held_, 0)) {}
  SampleLease& operator=(SampleLease&& other) noexcept {
    std::swap(budget_, other.budget_);
    std::swap(held_, other.held_);
    return *this;
  }
  ~SampleLease() { budget_->Release(held_); }

  Status Add(std::size_t samples);
  /// Add() of what is lacking to so many.
  Status Cover(std::size_t samples) { return samples > held_ ? Add(samples - held_) : Ok(); }
  /// What `other`, of the same budget, holds.
  void Take(SampleLease& other) { held_ += std::exchange(other.held_, 0); }
  /// So much of it.
  void Take(SampleLease& other, std::size_t samples);
  void Release(std::size_t samples);
  SampleBudget& budget() const { return *budget_; }

 private:
  SampleBudget* budget_;
  std::size_t held_ = 0;
};

/// What names a row of a vector.
struct RowName {
  Labels labels;
  /// __name__, __type__ and __unit__ go at the end of the query (delayed name removal).
  bool drop_name = false;
};

/// Series by steps. The order of the rows is the order of an instant query's result.
class Vector {
 public:
  Vector(SampleBudget& budget, std::size_t steps) : steps_(steps), lease_(budget) {}

  std::size_t rows() const { return names_.size(); }
  std::size_t steps() const { return steps_; }
  bool empty() const { return names_.empty(); }

  RowName& name(std::size_t row) { return names_[row]; }
  const RowName& name(std::size_t row) const { return names_[row]; }
  std::span<double> values(std::size_t row) { return {values_.data() + row * steps_, steps_}; }
  std::span<const double> values(std::size_t row) const { return {values_.data() + row * steps_, steps_}; }

  /// Some row has, or had, histograms.
  bool has_histograms() const { return !histograms_.empty(); }
  /// Empty when the row has none, else one per step, null where it has none.
  std::span<const HistogramPtr> histograms(std::size_t row) const;
  /// May be null.
  const Histogram* histogram(std::size_t row, std::size_t step) const;
  /// Takes the place of what the row has at the step. Errors: kLimit.
  Status SetHistogram(std::size_t row, std::size_t step, HistogramPtr histogram);
  /// A value of either kind.
  bool HasAt(std::size_t row, std::size_t step) const {
    return !IsAbsent(values_[row * steps_ + step]) || (has_histograms() && histogram(row, step) != nullptr);
  }
  bool HasAny(std::size_t row) const;
  void ClearAt(std::size_t row, std::size_t step) {
    values_[row * steps_ + step] = Absent();
    if (has_histograms()) ClearHistogramAt(row, step);
  }
  /// What `from` has at the step. Errors: kLimit.
  Status CopyAt(std::size_t row, std::size_t step, const Vector& from, std::size_t from_row, std::size_t from_step) {
    if (has_histograms() || from.has_histograms()) return CopyMixedAt(row, step, from, from_row, from_step);
    values_[row * steps_ + step] = from.values_[from_row * from.steps_ + from_step];
    return Ok();
  }
  /// Only doubles stay; rows that are empty then go.
  void DropHistograms();

  /// Room for so many rows, without charging for them.
  void Reserve(std::size_t rows);
  /// A new last row, absent at every step. Spans of other rows become invalid. Errors: kLimit.
  Result<std::span<double>> AddRow(RowName name);
  /// The rows of `other`, behind those of this. Both have the same steps and budget.
  void Append(Vector&& other);
  /// Makes a row of `other`, which has the same steps and budget, the last one; there it is not to be used any more.
  void TakeRow(Vector& other, std::size_t row);
  /// Takes back the last row.
  void RemoveLastRow();
  /// Keeps the rows with a value at some step, in their order.
  void RemoveEmptyRows();
  /// Row i of the result is row order[i] of now; `order` may leave rows out.
  void Reorder(std::span<const std::size_t> order);
  SampleBudget& budget() const { return lease_.budget(); }

 private:
  std::size_t steps_;
  std::vector<RowName> names_;
  std::vector<double> values_;
  SampleLease lease_;

  struct HistogramColumn {
    std::vector<HistogramPtr> at;  // empty: none in this row
    std::size_t weight = 0;        // charged for them
  };
  void ReleaseHistograms(HistogramColumn& column);
  void ClearHistogramAt(std::size_t row, std::size_t step);
  Status CopyMixedAt(std::size_t row, std::size_t step, const Vector& from, std::size_t from_row,
                     std::size_t from_step);
  std::vector<HistogramColumn> histograms_;  // empty, or one per row
};

/// One value per step, always there.
using Scalar = std::vector<double>;

bool HasAnyValue(std::span<const double> row);
bool AnyHistogram(const Vector& vector);

/// `change(histogram)` with a copy of each histogram of the row, which takes its place. Errors: kLimit.
template <class Change>
Status MapHistograms(Vector& vector, std::size_t row, const Change& change) {
  for (std::size_t step = 0; step < vector.steps() && !vector.histograms(row).empty(); ++step) {
    const Histogram* before = vector.histogram(row, step);
    if (before == nullptr) continue;
    Histogram changed = *before;
    change(changed);
    VEDETTE_CHECK(vector.SetHistogram(row, step, std::make_shared<const Histogram>(std::move(changed))));
  }
  return Ok();
}

}  // namespace vedette::promql
