#include "storage/chunk/int_codec.h"

#include <array>
#include <vector>

#include "storage/chunk/packed_ints.h"

namespace vedette::storage {
namespace {

constexpr std::size_t kMaxOrder = 2;

std::vector<std::int64_t> Differences(std::span<const std::int64_t> values) {
  std::vector<std::int64_t> out;
  out.reserve(values.size());
  for (std::size_t i = 1; i < values.size(); ++i) out.push_back(WrapSub(values[i], values[i - 1]));
  return out;
}

/// Turns differences into values in place: element 0 is a value already.
void SumUp(std::span<std::int64_t> values) {
  for (std::size_t i = 1; i < values.size(); ++i) values[i] = WrapAdd(values[i], values[i - 1]);
}

}  // namespace

void EncodeInts(std::span<const std::int64_t> values, std::string& out) {
  std::array<std::vector<std::int64_t>, kMaxOrder + 1> ladder;
  ladder[0].assign(values.begin(), values.end());
  std::size_t order = 0, best_bytes = 0;
  PackPlan best;
  for (std::size_t i = 0; i <= kMaxOrder && i <= values.size(); ++i) {
    if (i > 0) ladder[i] = Differences(ladder[i - 1]);
    const PackPlan plan = PlanPacking(ladder[i]);
    // Each step up the ladder costs one varint for the value that starts it.
    const std::size_t bytes = plan.bytes + 3 * i;
    if (i > 0 && bytes >= best_bytes) continue;
    order = i;
    best = plan;
    best_bytes = bytes;
  }
  out.push_back(static_cast<char>(order));
  for (std::size_t i = 0; i < order; ++i) PutSigned(out, ladder[i].empty() ? 0 : ladder[i].front());
  PackInts(ladder[order], best, out);
}

bool DecodeInts(ByteReader& in, std::span<std::int64_t> out) {
  const auto order = in.Byte();
  if (!order || *order > kMaxOrder || *order > out.size()) return false;
  std::array<std::int64_t, kMaxOrder> first{};
  for (std::size_t i = 0; i < *order; ++i) {
    const auto value = in.Signed();
    if (!value) return false;
    first[i] = *value;
  }
  if (!UnpackInts(in, out.subspan(*order))) return false;
  for (std::size_t i = *order; i-- > 0;) {
    out[i] = first[i];
    SumUp(out.subspan(i));
  }
  return true;
}

}  // namespace vedette::storage
