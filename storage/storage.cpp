#include "storage/storage.h"

#include <bit>
#include <cmath>

#include "core/numbers.h"

namespace vedette::storage {
namespace {

/// Numbers above the staleness marker above other NaNs; then by value; then by bits, which tells 0 from -0 and one NaN
/// from another.
bool Beats(double a, double b) {
  const auto rank = [](double v) { return !std::isnan(v) ? 2 : IsStaleNan(v) ? 1 : 0; };
  const int rank_a = rank(a), rank_b = rank(b);
  if (rank_a != rank_b) return rank_a > rank_b;
  if (rank_a == 2 && a != b) return a > b;
  // Bits as signed numbers: the positive of two zeros is the larger.
  return std::bit_cast<std::int64_t>(a) > std::bit_cast<std::int64_t>(b);
}

}  // namespace

Result<StoreStats> Storage::Cardinality(const CardinalityQuery&) const {
  return Fail(Code::kUnavailable, "this store only knows the cardinality of all its series");
}

double ResolveDuplicate(double a, double b) { return Beats(a, b) ? a : b; }

Status ValidateSeries(const Labels& labels) {
  if (labels.empty()) return Fail(Code::kBadData, "a series needs at least one label");
  for (const LabelView label : labels) {
    if (label.name.empty()) return Fail(Code::kBadData, "series {} has a label without a name", labels.ToString());
    if (!IsValidUtf8(label.name) || !IsValidUtf8(label.value)) {
      return Fail(Code::kBadData, "label {} of series {} is not valid UTF-8", Quote(label.name), labels.ToString());
    }
  }
  return Ok();
}

}  // namespace vedette::storage
