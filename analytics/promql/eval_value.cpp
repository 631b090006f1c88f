// Columns over steps and the accounting of the samples that they hold.
#include "analytics/promql/eval_value.h"

#include <algorithm>

namespace vedette::promql {

Status SampleBudget::Add(std::size_t samples) {
  if (samples > limit_ || used_ > limit_ - samples) {
    return Fail(Code::kLimit, "query processing would load too many samples into memory in query execution");
  }
  used_ += samples;
  peak_ = std::max(peak_, used_);
  return Ok();
}

Status SampleLease::Add(std::size_t samples) {
  VEDETTE_CHECK(budget_->Add(samples));
  held_ += samples;
  return Ok();
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
  return values(names_.size() - 1);
}

void Vector::RemoveLastRow() {
  names_.pop_back();
  values_.resize(values_.size() - steps_);
  lease_.Release(steps_);
}

void Vector::RemoveEmptyRows() {
  std::size_t kept = 0;
  for (std::size_t row = 0; row < rows(); ++row) {
    if (!HasAnyValue(values(row))) continue;
    if (kept != row) {
      names_[kept] = std::move(names_[row]);
      std::ranges::copy(values(row), values(kept).begin());
    }
    ++kept;
  }
  lease_.Release((rows() - kept) * steps_);
  names_.resize(kept);
  values_.resize(kept * steps_);
}

void Vector::Reorder(std::span<const std::size_t> order) {
  std::vector<RowName> names;
  std::vector<double> all;
  names.reserve(order.size());
  all.reserve(order.size() * steps_);
  for (const std::size_t row : order) {
    names.push_back(names_[row]);
    const auto from = values(row);
    all.insert(all.end(), from.begin(), from.end());
  }
  lease_.Release((rows() - order.size()) * steps_);
  names_ = std::move(names);
  values_ = std::move(all);
}

bool HasAnyValue(std::span<const double> row) {
  return std::ranges::any_of(row, [](double value) { return !IsAbsent(value); });
}

}  // namespace vedette::promql
