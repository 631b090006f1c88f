#include "storage/chunk/bins.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "storage/coding.h"

namespace vedette::storage {
namespace {

/// Neighbouring values that no cut separates.
struct Group {
  std::int64_t first = 0, last = 0;
  std::uint32_t end = 0;  // values in this group and those before
};

/// What describing one more bin costs, in bits: its width, a gap, its weight. Measured, rounded up a little so that
/// tables stay small where the gain is small too.
constexpr float kBitsPerBin = 14;

unsigned WidthOf(std::int64_t low, std::int64_t high) {
  return static_cast<unsigned>(std::bit_width(Distance(high, low)));
}

/// The largest value a bin can hold.
std::int64_t LastOf(const Bin& bin) {
  const auto reach = bin.width == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bin.width) - 1;
  const auto room = Distance(INT64_MAX, bin.lower);
  return WrapAdd(bin.lower, static_cast<std::int64_t>(std::min(reach, room)));
}

/// Every distinct value its own group while there are few of them; otherwise groups of about the same size.
void MakeGroups(std::span<const std::int64_t> sorted, std::size_t max_groups, std::vector<Group>& groups) {
  groups.clear();
  const auto n = static_cast<std::uint32_t>(sorted.size());
  const auto cut = [&](std::uint32_t target) {
    std::uint32_t begin = 0;
    for (std::uint32_t i = 0; i < n;) {
      std::uint32_t end = i + 1;
      while (end < n && sorted[end] == sorted[i]) ++end;
      // A value that fills a group alone does not share one with what came before.
      if (end - i >= target && i > begin) {
        groups.push_back({sorted[begin], sorted[i - 1], i});
        begin = i;
      }
      if (end - begin >= target || end == n) {
        groups.push_back({sorted[begin], sorted[end - 1], end});
        begin = end;
      }
      if (groups.size() > 2 * max_groups) return;
      i = end;
    }
  };
  cut(1);
  if (groups.size() <= max_groups) return;
  groups.clear();
  cut(static_cast<std::uint32_t>(n / max_groups + 1));
}

/// Logarithms of counts by table: the cuts ask for thousands.
float Log2OfCount(std::uint32_t count) {
  static const auto kTable = [] {
    std::array<float, 8192> table{};
    for (std::size_t i = 1; i < table.size(); ++i) table[i] = std::log2(static_cast<float>(i));
    return table;
  }();
  return count < kTable.size() ? kTable[count] : std::log2(static_cast<float>(count));
}

/// Cheapest cuts: best[j] = min over i of best[i] + cost of one bin over the groups i .. j-1.
void CutGroups(std::span<const Group> groups, std::vector<Bin>& bins) {
  const std::size_t g = groups.size();
  const auto total = std::log2(static_cast<float>(groups.back().end));
  std::vector<float> best(g + 1, std::numeric_limits<float>::max());
  std::vector<std::uint32_t> from(g + 1, 0);
  best[0] = 0;
  for (std::size_t j = 1; j <= g; ++j) {
    for (std::size_t i = 0; i < j; ++i) {
      const std::uint32_t count = groups[j - 1].end - (i == 0 ? 0 : groups[i - 1].end);
      const auto width = static_cast<float>(WidthOf(groups[i].first, groups[j - 1].last));
      const float cost = best[i] + static_cast<float>(count) * (total - Log2OfCount(count) + width) + kBitsPerBin;
      if (cost < best[j]) {
        best[j] = cost;
        from[j] = static_cast<std::uint32_t>(i);
      }
    }
  }
  bins.clear();
  for (std::size_t j = g; j > 0; j = from[j]) {
    const std::size_t i = from[j];
    bins.push_back({groups[i].first, static_cast<std::uint8_t>(WidthOf(groups[i].first, groups[j - 1].last)),
                    groups[j - 1].end - (i == 0 ? 0 : groups[i - 1].end), 0});
  }
  std::ranges::reverse(bins);
}

/// Lets each bin begin where the one before ends, if that makes it no wider, and take all that its width covers: then
/// most gaps are zero and cost one bit. Counts again, and drops bins that became empty.
void Snap(std::span<const std::int64_t> sorted, std::vector<Bin>& bins) {
  std::size_t kept = 0, begin = 0;
  for (std::size_t b = 0; b < bins.size(); ++b) {
    const std::size_t end =
        b + 1 == bins.size()
            ? sorted.size()
            : static_cast<std::size_t>(std::ranges::lower_bound(sorted, bins[b + 1].lower) - sorted.begin());
    if (begin >= end) continue;
    const std::int64_t last = sorted[end - 1];
    Bin bin{sorted[begin], static_cast<std::uint8_t>(WidthOf(sorted[begin], last)), 0, 0};
    if (kept > 0) {
      const std::int64_t before = LastOf(bins[kept - 1]);
      if (bin.lower > before && WidthOf(before + 1, last) <= bin.width) bin.lower = before + 1;
    }
    // The width may reach beyond the last value: whatever lies there belongs to this bin.
    const auto reach =
        std::upper_bound(sorted.begin() + static_cast<std::ptrdiff_t>(begin), sorted.end(), LastOf(bin)) -
        sorted.begin();
    bin.count = static_cast<std::uint32_t>(static_cast<std::size_t>(reach) - begin);
    begin = static_cast<std::size_t>(reach);
    bins[kept++] = bin;
  }
  bins.resize(kept);
}

/// Shares of 2^table_log in proportion to the counts, none zero.
void ShareOut(std::vector<Bin>& bins, std::size_t n, unsigned table_log) {
  const std::uint32_t size = 1U << table_log;
  std::uint32_t used = 0;
  for (Bin& bin : bins) {
    const double exact = static_cast<double>(bin.count) * size / static_cast<double>(n);
    bin.weight = std::max(1U, static_cast<std::uint32_t>(std::lround(exact)));
    used += bin.weight;
  }
  // What rounding left over or took too much is settled where it changes the proportion least.
  while (used != size) {
    Bin* best = nullptr;
    double best_error = 0;
    for (Bin& bin : bins) {
      if (used > size && bin.weight == 1) continue;
      const double after = used > size ? bin.weight - 1.0 : bin.weight + 1.0;
      const double error = bin.count * std::fabs(std::log2(after / bin.weight)) * (used > size ? 1 : -1);
      if (best == nullptr || error < best_error) {
        best = &bin;
        best_error = error;
      }
    }
    const bool take = used > size;
    best->weight = take ? best->weight - 1 : best->weight + 1;
    used = take ? used - 1 : used + 1;
  }
}

unsigned GammaBits(std::uint64_t value) { return 2 * static_cast<unsigned>(std::bit_width(value + 1)) - 1; }

/// As bin_coder.h writes it.
double CodedBits(const std::vector<Bin>& bins, unsigned table_log, std::size_t n) {
  double bits = 32 + static_cast<double>(StatesFor(n) * table_log);
  std::uint32_t left = 1U << table_log;
  int width = 0;
  for (std::size_t b = 0; b < bins.size(); ++b) {
    const Bin& bin = bins[b];
    bits += bin.count * (table_log - std::log2(static_cast<double>(bin.weight)) + bin.width);
    bits += GammaBits(ZigZag(bin.width - width));
    width = bin.width;
    if (b > 0) bits += GammaBits(Distance(bin.lower, LastOf(bins[b - 1])) - 1);
    if (b + 1 < bins.size()) bits += std::bit_width(left - static_cast<std::uint32_t>(bins.size() - 1 - b) - 1);
    left -= bin.weight;
  }
  return bits;
}

}  // namespace

BinPlan PlanBins(std::span<const std::int64_t> sorted) {
  thread_local std::vector<Group> groups;
  MakeGroups(sorted, std::clamp<std::size_t>(sorted.size() / 16, 24, 128), groups);
  BinPlan plan;
  CutGroups(groups, plan.bins);
  Snap(sorted, plan.bins);
  // A small table is made and read faster: the smallest that costs hardly more than the best.
  constexpr double kHardlyMore = 1.0015;
  std::array<double, kMaxTableLog + 1> bits{};
  double best = std::numeric_limits<double>::max();
  for (unsigned log = kMinTableLog; log <= kMaxTableLog; ++log) {
    bits[log] = std::numeric_limits<double>::max();
    if (std::size_t{1} << log < plan.bins.size()) continue;
    ShareOut(plan.bins, sorted.size(), log);
    bits[log] = CodedBits(plan.bins, log, sorted.size());
    best = std::min(best, bits[log]);
  }
  for (plan.table_log = kMinTableLog; bits[plan.table_log] > best * kHardlyMore;) ++plan.table_log;
  ShareOut(plan.bins, sorted.size(), plan.table_log);
  best = bits[plan.table_log];
  plan.bytes = static_cast<std::size_t>(best / 8) + 1;
  return plan;
}

void SortInts(std::vector<std::int64_t>& values, std::vector<std::int64_t>& spare) {
  if (values.size() < 64) {
    std::ranges::sort(values);
    return;
  }
  const auto [low, high] = std::ranges::minmax(values);
  const std::uint64_t spread = Distance(high, low);
  spare.resize(values.size());
  for (unsigned shift = 0; shift < 64 && (spread >> shift) != 0; shift += 8) {
    std::array<std::uint32_t, 257> start{};
    for (const std::int64_t v : values) ++start[((Distance(v, low) >> shift) & 255) + 1];
    for (std::size_t i = 1; i < start.size(); ++i) start[i] += start[i - 1];
    for (const std::int64_t v : values) spare[start[(Distance(v, low) >> shift) & 255]++] = v;
    values.swap(spare);
  }
}

}  // namespace vedette::storage
