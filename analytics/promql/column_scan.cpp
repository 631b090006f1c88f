#include "analytics/promql/column_scan.h"

#include <algorithm>
#include <cstdint>

#include "analytics/promql/eval_value.h"
#include "storage/chunk/cpu.h"

namespace vedette::promql {
namespace {

// Blocks of a fixed length without a branch in them become vector instructions; what is sought is rare.
constexpr std::size_t kBlock = 32;

[[gnu::always_inline]] inline bool AbsentInBlock(const double* values) {
  std::uint64_t any = 0;
  for (std::size_t i = 0; i < kBlock; ++i) any |= IsAbsent(values[i]) ? ~std::uint64_t{0} : 0;
  return any != 0;
}

[[gnu::always_inline]] inline bool FallInBlock(const double* values) {
  std::uint64_t any = 0;
  for (std::size_t i = 0; i < kBlock; ++i) any |= values[i + 1] < values[i] ? ~std::uint64_t{0} : 0;
  return any != 0;
}

/// The first of the whole blocks from `at` on that has what is sought, or where the blocks end.
template <bool (*kInBlock)(const double*)>
[[gnu::always_inline]] inline std::size_t NextBlock(const double* values, std::size_t at, std::size_t end) {
  while (at + kBlock <= end && !kInBlock(values + at)) at += kBlock;
  return at;
}

#ifdef VEDETTE_X86
const bool kWide = storage::CpuHasAvx2();

[[gnu::target("avx2")]] std::size_t NextAbsentWide(const double* values, std::size_t at, std::size_t end) {
  return NextBlock<AbsentInBlock>(values, at, end);
}
[[gnu::target("avx2")]] std::size_t NextFallWide(const double* values, std::size_t at, std::size_t end) {
  return NextBlock<FallInBlock>(values, at, end);
}
#endif

std::size_t NextAbsent(const double* values, std::size_t at, std::size_t end) {
#ifdef VEDETTE_X86
  if (kWide) return NextAbsentWide(values, at, end);
#endif
  return NextBlock<AbsentInBlock>(values, at, end);
}

std::size_t NextFall(const double* values, std::size_t at, std::size_t end) {
#ifdef VEDETTE_X86
  if (kWide) return NextFallWide(values, at, end);
#endif
  return NextBlock<FallInBlock>(values, at, end);
}

}  // namespace

bool AnyAbsent(std::span<const double> values) {
  return std::ranges::any_of(values.subspan(NextAbsent(values.data(), 0, values.size())), IsAbsent);
}

void FindFalls(std::span<const double> values, std::vector<std::size_t>& out) {
  if (values.empty()) return;
  const std::size_t pairs = values.size() - 1;
  for (std::size_t at = 0; at < pairs;) {
    at = NextFall(values.data(), at, pairs);
    const std::size_t end = std::min(at + kBlock, pairs);
    for (; at < end; ++at) {
      if (values[at + 1] < values[at]) out.push_back(at + 1);
    }
  }
}

}  // namespace vedette::promql
