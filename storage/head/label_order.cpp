#include "storage/head/label_order.h"

#include <algorithm>
#include <array>
#include <bit>
#include <numeric>

namespace vedette::storage {
namespace {

/// Pairs of the table per series to be ordered, up to which looking at all pairs is cheaper than comparing texts.
constexpr std::size_t kPairsPerSeries = 8;
constexpr std::size_t kSmallOrder = 512;
/// Digits of 11 bits: a table of counters that fits the first-level cache.
constexpr unsigned kDigitBits = 11;
constexpr std::size_t kDigits = std::size_t{1} << kDigitBits;

/// One stable pass: `order` by a digit of the keys of its elements.
void Pass(std::span<const std::uint32_t> keys, unsigned shift, std::vector<std::uint32_t>& order,
          std::vector<std::uint32_t>& scratch) {
  std::array<std::uint32_t, kDigits + 1> starts{};
  const auto digit = [&](std::uint32_t i) { return (keys[i] >> shift) & (kDigits - 1); };
  for (const std::uint32_t i : order) ++starts[digit(i) + 1];
  std::partial_sum(starts.begin(), starts.end(), starts.begin());
  for (const std::uint32_t i : order) scratch[starts[digit(i)]++] = i;
  order.swap(scratch);
}

/// The place of each pair that is used, from 1 on, by name and value; 0 for the others.
std::vector<std::uint32_t> RankPairs(const LabelPairs& all, std::span<const PairId> used, std::uint32_t& last) {
  const auto raw = [](PairId pair) { return static_cast<std::uint32_t>(pair); };
  std::vector<std::uint32_t> ranks(used.empty() ? 0 : raw(std::ranges::max(used)) + 1);
  for (const PairId pair : used) ranks[raw(pair)] = 1;
  last = 0;
  for (const std::string_view name : all.Names()) {
    const LabelPairs::Sorted values = all.Values(name);
    for (const PairId pair : *values) {
      if (raw(pair) < ranks.size() && ranks[raw(pair)] != 0) ranks[raw(pair)] = ++last;
    }
  }
  return ranks;
}

}  // namespace

bool IsOrderedCheaply(const SeriesTable& table, std::size_t count) {
  return count >= kSmallOrder && count >= table.index().pair_count() / kPairsPerSeries;
}

std::vector<const HeadSeries*> OrderByLabels(const SeriesTable& table, std::span<const HeadSeries* const> series) {
  std::vector<PairId> pairs;
  std::vector<std::uint32_t> begins = {0};
  std::size_t longest = 0;
  for (const HeadSeries* each : series) {
    table.PairsOf(*each, pairs);
    longest = std::max(longest, pairs.size() - begins.back());
    begins.push_back(static_cast<std::uint32_t>(pairs.size()));
  }
  std::uint32_t last = 0;
  const std::vector<std::uint32_t> ranks = RankPairs(table.index().pairs(), pairs, last);

  std::vector<std::uint32_t> order(series.size()), scratch(series.size()), keys(series.size());
  std::iota(order.begin(), order.end(), 0U);
  // From the last label to the first; a set that has ended comes before those that go on.
  for (std::size_t at = longest; at-- > 0;) {
    std::uint32_t same = UINT32_MAX, differ = 0;
    for (std::size_t i = 0; i < series.size(); ++i) {
      const std::uint32_t begin = begins[i];
      keys[i] = begin + at < begins[i + 1] ? ranks[static_cast<std::uint32_t>(pairs[begin + at])] : 0;
      same &= keys[i];
      differ |= keys[i];
    }
    if (same == differ) continue;  // all the same
    for (unsigned shift = 0; shift < static_cast<unsigned>(std::bit_width(last)); shift += kDigitBits) {
      Pass(keys, shift, order, scratch);
    }
  }
  std::vector<const HeadSeries*> out;
  out.reserve(series.size());
  for (const std::uint32_t i : order) out.push_back(series[i]);
  return out;
}

}  // namespace vedette::storage
