#include "storage/chunk/flat_ints.h"

#include "storage/chunk/bin_coder.h"

namespace vedette::storage {
namespace {

/// Packing decodes two to three times as fast as bins: it may be that much larger.
constexpr double kPackedBonus = 1.03;

}  // namespace

FlatPlan PlanFlat(std::span<const std::int64_t> sorted, IntEffort effort) {
  FlatPlan plan;
  plan.pack = PlanPacking(sorted);
  plan.bytes = plan.pack.bytes;
  // Below this a table cannot pay.
  constexpr std::size_t kMinForBins = 16;
  if (effort == IntEffort::kPackedOnly || plan.pack.bytes < kMinForBins || sorted.size() < kMinForBins) return plan;
  plan.bins = PlanBins(sorted);
  if (static_cast<double>(plan.bins.bytes) * kPackedBonus >= static_cast<double>(plan.pack.bytes)) return plan;
  plan.mode = FlatMode::kBins;
  plan.bytes = plan.bins.bytes;
  return plan;
}

FlatPlan PlanFlatUnsorted(std::span<const std::int64_t> values, IntEffort effort) {
  thread_local std::vector<std::int64_t> sorted, spare;
  sorted.assign(values.begin(), values.end());
  SortInts(sorted, spare);
  return PlanFlat(sorted, effort);
}

void PutFlat(std::span<const std::int64_t> values, const FlatPlan& plan, std::string& out) {
  if (plan.mode == FlatMode::kBins) {
    EncodeBins(values, plan.bins, out);
  } else {
    PackInts(values, plan.pack, out);
  }
}

bool GetFlat(FlatMode mode, ByteReader& in, std::size_t count, std::span<std::int64_t> out) {
  return mode == FlatMode::kBins ? DecodeBins(in, count, out) : UnpackInts(in, count, out);
}

}  // namespace vedette::storage
