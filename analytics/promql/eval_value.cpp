// Columns over steps and the accounting of the samples that they hold.
#include "analytics/promql/eval_value.h"

#include <algorithm>
#include <iterator>

namespace vedette::promql {

Status SampleBudget::Add(std::size_t samples) {
  const std::size_t used = used_.fetch_add(samples, std::memory_order_relaxed) + samples;
  if (used > limit_ || used < samples) {
    Release(samples);
    return Fail(Code::kLimit, "query processing would load too many samples into memory in query execution");
  }
  for (std::size_t peak = peak_.load(std::memory_order_relaxed); used > peak;) {
    if (peak_.compare_exchange_weak(peak, used, std::memory_order_relaxed)) break;
  }
  return Ok();
}

Status SampleLease::Add(std::size_t samples) {
  VEDETTE_CHECK(budget_->Add(samples));
  held_ += samples;
  return Ok();
}

void SampleLease::Take(SampleLease& other, std::size_t samples) {
  other.held_ -= samples;
  held_ += samples;
}

void SampleLease::Release(std::size_t samples) {
  budget_->Release(samples);
  held_ -= samples;
}

void Vector::Reserve(std::size_t rows) {
  names_.reserve(rows);
  // Never more than the budget could admit: the caller's estimate may be far off.
  const std::size_t affordable = steps_ == 0 ? 0 : lease_.budget().limit() / steps_ + 1;
  values_.reserve(std::min(rows, affordable) * steps_);
}

Result<std::span<double>> Vector::AddRow(RowName name) {
  VEDETTE_CHECK(lease_.Add(steps_));
  names_.push_back(std::move(name));
  values_.resize(values_.size() + steps_, Absent());
  if (has_histograms()) histograms_.emplace_back();
  return values(names_.size() - 1);
}

void Vector::Append(Vector&& other) {
  if (has_histograms() || other.has_histograms()) {
    histograms_.resize(rows());
    other.histograms_.resize(other.rows());
    std::ranges::move(other.histograms_, std::back_inserter(histograms_));
  }
  std::ranges::move(other.names_, std::back_inserter(names_));
  values_.insert(values_.end(), other.values_.begin(), other.values_.end());
  lease_.Take(other.lease_);
  other = Vector(other.budget(), other.steps_);
}

void Vector::TakeRow(Vector& other, std::size_t row) {
  const std::span<const double> from = other.values(row);
  values_.insert(values_.end(), from.begin(), from.end());
  names_.push_back(std::move(other.names_[row]));
  if (has_histograms() || other.has_histograms()) histograms_.resize(rows());
  std::size_t charged = steps_;
  if (other.has_histograms()) {
    histograms_.back() = std::exchange(other.histograms_[row], {});
    charged += histograms_.back().weight;
  }
  lease_.Take(other.lease_, charged);
}

void Vector::RemoveLastRow() {
  if (has_histograms()) {
    ReleaseHistograms(histograms_.back());
    histograms_.pop_back();
  }
  names_.pop_back();
  values_.resize(values_.size() - steps_);
  lease_.Release(steps_);
}

void Vector::RemoveEmptyRows() {
  std::size_t kept = 0;
  for (std::size_t row = 0; row < rows(); ++row) {
    if (!HasAny(row)) {
      if (has_histograms()) ReleaseHistograms(histograms_[row]);
      continue;
    }
    if (kept != row) {
      names_[kept] = std::move(names_[row]);
      if (has_histograms()) histograms_[kept] = std::move(histograms_[row]);
      std::ranges::copy(values(row), values(kept).begin());
    }
    ++kept;
  }
  lease_.Release((rows() - kept) * steps_);
  names_.resize(kept);
  values_.resize(kept * steps_);
  if (has_histograms()) histograms_.resize(kept);
}

void Vector::Reorder(std::span<const std::size_t> order) {
  std::vector<RowName> names;
  std::vector<double> all;
  names.reserve(order.size());
  all.reserve(order.size() * steps_);
  for (const std::size_t row : order) {
    names.push_back(std::move(names_[row]));
    const auto from = values(row);
    all.insert(all.end(), from.begin(), from.end());
  }
  lease_.Release((rows() - order.size()) * steps_);
  if (has_histograms()) {
    std::vector<HistogramColumn> columns;
    for (const std::size_t row : order) columns.push_back(std::exchange(histograms_[row], {}));
    for (HistogramColumn& left_out : histograms_) ReleaseHistograms(left_out);
    histograms_ = std::move(columns);
  }
  names_ = std::move(names);
  values_ = std::move(all);
}

std::span<const HistogramPtr> Vector::histograms(std::size_t row) const {
  return has_histograms() ? std::span<const HistogramPtr>(histograms_[row].at) : std::span<const HistogramPtr>();
}

const Histogram* Vector::histogram(std::size_t row, std::size_t step) const {
  const auto column = histograms(row);
  return column.empty() ? nullptr : column[step].get();
}

Status Vector::SetHistogram(std::size_t row, std::size_t step, HistogramPtr histogram) {
  ClearAt(row, step);
  const std::size_t weight = SampleWeight(*histogram);
  VEDETTE_CHECK(lease_.Add(weight));
  if (!has_histograms()) histograms_.resize(rows());
  HistogramColumn& column = histograms_[row];
  column.at.resize(steps_);
  column.at[step] = std::move(histogram);
  column.weight += weight;
  return Ok();
}

bool Vector::HasAny(std::size_t row) const {
  return HasAnyValue(values(row)) ||
         std::ranges::any_of(histograms(row), [](const HistogramPtr& histogram) { return histogram != nullptr; });
}

void Vector::ClearHistogramAt(std::size_t row, std::size_t step) {
  if (histograms_[row].at.empty() || !histograms_[row].at[step]) return;
  HistogramColumn& column = histograms_[row];
  const std::size_t weight = SampleWeight(*column.at[step]);
  lease_.Release(weight);
  column.weight -= weight;
  column.at[step].reset();
}

Status Vector::CopyMixedAt(std::size_t row, std::size_t step, const Vector& from, std::size_t from_row,
                           std::size_t from_step) {
  const auto histograms = from.histograms(from_row);
  if (!histograms.empty() && histograms[from_step]) return SetHistogram(row, step, histograms[from_step]);
  ClearAt(row, step);
  values_[row * steps_ + step] = from.values(from_row)[from_step];
  return Ok();
}

void Vector::DropHistograms() {
  if (!has_histograms()) return;
  for (HistogramColumn& column : histograms_) ReleaseHistograms(column);
  histograms_.clear();
  RemoveEmptyRows();
}

void Vector::ReleaseHistograms(HistogramColumn& column) {
  lease_.Release(column.weight);
  column = {};
}

bool HasAnyValue(std::span<const double> row) {
  return std::ranges::any_of(row, [](double value) { return !IsAbsent(value); });
}

bool AnyHistogram(const Vector& vector) {
  for (std::size_t row = 0; row < vector.rows(); ++row) {
    if (std::ranges::any_of(vector.histograms(row),
                            [](const HistogramPtr& histogram) { return histogram != nullptr; })) {
      return true;
    }
  }
  return false;
}

}  // namespace vedette::promql
