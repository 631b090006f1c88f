#include "storage/chunk/packed_ints.h"

#include <algorithm>
#include <array>
#include <bit>
#include <vector>

#include "storage/chunk/bits.h"
#include "storage/chunk/kernels.h"
#include "storage/coding.h"

namespace vedette::storage {
namespace {

/// Every width up to 16, where the common data lies, then coarser: a wider value rarely loses more than 3 bits.
constexpr auto kWidths = std::to_array<unsigned>(
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 20, 22, 24, 27, 30, 33, 36, 40, 44, 48, 52, 56});

std::size_t VarintBytes(std::uint64_t value) { return (static_cast<std::size_t>(std::bit_width(value | 1)) + 6) / 7; }

bool Fits(std::int64_t value, const PackPlan& plan) {
  return value >= plan.base && Distance(value, plan.base) <= LowBits(plan.width);
}

std::size_t PackedBytes(std::size_t count, unsigned width) { return (count * width + 7) / 8; }

/// The stretch of `sorted` that `width` bits cover and that leaves out the fewest values.
PackPlan BestStretch(std::span<const std::int64_t> sorted, unsigned width, std::size_t exception_bytes) {
  std::size_t best_begin = 0, best_size = 0, begin = 0;
  for (std::size_t end = 0; end < sorted.size(); ++end) {
    while (Distance(sorted[end], sorted[begin]) > LowBits(width)) ++begin;
    if (end + 1 - begin > best_size) {
      best_size = end + 1 - begin;
      best_begin = begin;
    }
  }
  PackPlan plan;
  plan.base = sorted.empty() ? 0 : sorted[best_begin];
  plan.width = width;
  plan.exceptions = sorted.size() - best_size;
  plan.bytes = VarintBytes(ZigZag(plan.base)) + 1 + VarintBytes(plan.exceptions) + PackedBytes(sorted.size(), width) +
               plan.exceptions * exception_bytes;
  return plan;
}

}  // namespace

PackPlan PlanPacking(std::span<const std::int64_t> sorted) {
  if (sorted.empty()) return {};
  const std::uint64_t spread = Distance(sorted.back(), sorted.front());
  const auto full_width = static_cast<unsigned>(std::bit_width(spread));
  // A gap of one byte, and an offset that is about as wide as the whole spread.
  const std::size_t exception_bytes = 1 + VarintBytes(spread * 2);
  // Of many values every eighth tells which width is best.
  constexpr std::size_t kMany = 2048, kEach = 8;
  thread_local std::vector<std::int64_t> some;
  std::span<const std::int64_t> judged = sorted;
  if (sorted.size() >= kMany) {
    some.clear();
    for (std::size_t i = 0; i < sorted.size(); i += kEach) some.push_back(sorted[i]);
    judged = some;
  }
  PackPlan best = BestStretch(judged, full_width, exception_bytes);
  for (auto width = kWidths.rbegin(); width != kWidths.rend(); ++width) {
    if (*width >= full_width) continue;
    const PackPlan plan = BestStretch(judged, *width, exception_bytes);
    if (plan.bytes < best.bytes) best = plan;
    // Narrower ones leave out more and more.
    if (plan.bytes > best.bytes + best.bytes / 4) break;
  }
  if (judged.size() == sorted.size()) return best;
  const PackPlan all = BestStretch(sorted, full_width, exception_bytes);
  best = BestStretch(sorted, best.width, exception_bytes);
  return best.bytes < all.bytes ? best : all;
}

void PackInts(std::span<const std::int64_t> values, const PackPlan& plan, std::string& out) {
  PutSigned(out, plan.base);
  out.push_back(static_cast<char>(plan.width));
  PutVarint(out, plan.exceptions);
  BitBuffer bits;
  for (const std::int64_t value : values) bits.Put(Fits(value, plan) ? Distance(value, plan.base) : 0, plan.width);
  out.append(bits.bytes());
  std::size_t next = 0;
  for (std::size_t i = 0; plan.exceptions != 0 && i < values.size(); ++i) {
    if (Fits(values[i], plan)) continue;
    PutVarint(out, i - next);
    PutSigned(out, WrapSub(values[i], plan.base));
    next = i + 1;
  }
}

bool UnpackInts(ByteReader& in, std::size_t count, std::span<std::int64_t> out) {
  const auto base = in.Signed();
  const auto width = in.Byte();
  const auto exceptions = in.Varint();
  if (!base || !width || *width > 64 || !exceptions || *exceptions > count) return false;
  const auto packed = in.Bytes(PackedBytes(count, *width));
  if (!packed) return false;
  UnpackBits(*packed, *width, *base, out);
  std::size_t at = 0;
  for (std::uint64_t i = 0; i < *exceptions; ++i) {
    const auto gap = in.Varint();
    const auto offset = in.Signed();
    if (!gap || !offset || *gap >= count - at) return false;
    at += static_cast<std::size_t>(*gap);
    if (at < out.size()) out[at] = WrapAdd(*base, *offset);
    ++at;
    if (at == count && i + 1 < *exceptions) return false;
  }
  return true;
}

std::optional<PlainPacking> ReadPlainPacking(ByteReader& in, std::size_t count) {
  const auto base = in.Signed();
  const auto width = in.Byte();
  const auto exceptions = in.Varint();
  if (!base || !width || *width > 64 || !exceptions || *exceptions != 0) return std::nullopt;
  const auto bits = in.Bytes(PackedBytes(count, *width));
  if (!bits) return std::nullopt;
  return PlainPacking{*bits, *width, *base};
}

}  // namespace vedette::storage
