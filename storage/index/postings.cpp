#include "storage/index/postings.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <iterator>

namespace vedette::storage {
namespace {

/// Past this ratio of sizes, looking the few up in the many beats walking both.
constexpr std::size_t kSearchRatio = 16;
/// A bitmap is cleared and read at a word per 64 ids of range, a sort costs some dozen steps per id: up to this many
/// ids of range per member the bitmap wins.
constexpr std::uint64_t kBitmapSparsity = 256;
constexpr std::size_t kSmallSort = 64;

void SortByBitmap(Postings& ids, std::uint64_t low, std::uint64_t high) {
  std::vector<std::uint64_t> words((high - low) / 64 + 1);
  for (const SeriesId id : ids) words[(Raw(id) - low) / 64] |= std::uint64_t{1} << (Raw(id) - low) % 64;
  std::size_t n = 0;
  for (std::size_t i = 0; i < words.size(); ++i) {
    for (std::uint64_t word = words[i]; word != 0; word &= word - 1) {
      ids[n++] = SeriesId(low + i * 64 + static_cast<unsigned>(std::countr_zero(word)));
    }
  }
  ids.resize(n);
}

/// The first element of `ids` that is not below `id`: doubling steps, then a search between the last two.
const SeriesId* Gallop(const SeriesId* begin, const SeriesId* end, SeriesId id) {
  std::ptrdiff_t step = 1;
  const SeriesId* low = begin;
  while (end - low > step && low[step] < id) {
    low += step;
    step *= 2;
  }
  return std::lower_bound(low, end - low > step ? low + step + 1 : end, id);
}

/// Calls `found` for what of `few` is in `many`, until it returns false.
template <class Found>
void LookUp(std::span<const SeriesId> few, std::span<const SeriesId> many, Found found) {
  const SeriesId* at = many.data();
  const SeriesId* const end = at + many.size();
  for (const SeriesId id : few) {
    at = Gallop(at, end, id);
    if (at == end) return;
    if (*at == id && !found(id)) return;
  }
}

bool Apart(std::span<const SeriesId> a, std::span<const SeriesId> b) {
  return a.empty() || b.empty() || a.back() < b.front() || b.back() < a.front();
}

}  // namespace

void Normalize(Postings& ids) {
  if (std::ranges::adjacent_find(ids, std::ranges::greater_equal{}) == ids.end()) return;
  if (ids.size() > kSmallSort) {
    const auto [low, high] = std::ranges::minmax(ids);
    if ((Raw(high) - Raw(low)) / kBitmapSparsity <= ids.size()) return SortByBitmap(ids, Raw(low), Raw(high));
  }
  std::ranges::sort(ids);
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
}

Postings Intersect(std::span<const SeriesId> a, std::span<const SeriesId> b) {
  if (Apart(a, b)) return {};
  if (a.size() > b.size()) std::swap(a, b);
  Postings out(a.size());
  std::size_t n = 0;
  if (a.size() * kSearchRatio < b.size()) {
    LookUp(a, b, [&](SeriesId id) {
      out[n++] = id;
      return true;
    });
  } else {
    for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
      const SeriesId x = a[i], y = b[j];
      out[n] = x;
      n += x == y;
      i += x <= y;
      j += y <= x;
    }
  }
  out.resize(n);
  return out;
}

bool Intersects(std::span<const SeriesId> a, std::span<const SeriesId> b) {
  if (Apart(a, b)) return false;
  if (a.size() > b.size()) std::swap(a, b);
  bool any = false;
  LookUp(a, b, [&](SeriesId) {
    any = true;
    return false;
  });
  return any;
}

Postings Unite(std::span<const SeriesId> a, std::span<const SeriesId> b) {
  Postings out;
  out.reserve(a.size() + b.size());
  if (Apart(a, b)) {
    if (!a.empty() && !b.empty() && b.front() < a.front()) std::swap(a, b);
    out.insert(out.end(), a.begin(), a.end());
    out.insert(out.end(), b.begin(), b.end());
    return out;
  }
  std::ranges::set_union(a, b, std::back_inserter(out));
  return out;
}

Postings Subtract(std::span<const SeriesId> a, std::span<const SeriesId> b) {
  if (Apart(a, b)) return {a.begin(), a.end()};
  Postings out(a.size());
  std::size_t n = 0;
  if (b.size() * kSearchRatio < a.size()) {
    const SeriesId* at = a.data();
    const SeriesId* const end = at + a.size();
    const auto keep = [&](const SeriesId* until) {
      n = static_cast<std::size_t>(std::copy(at, until, out.begin() + static_cast<std::ptrdiff_t>(n)) - out.begin());
      at = until;
    };
    for (const SeriesId id : b) {
      keep(Gallop(at, end, id));
      if (at == end) break;
      if (*at == id) ++at;
    }
    keep(end);
  } else {
    std::size_t i = 0;
    for (std::size_t j = 0; i < a.size() && j < b.size();) {
      const SeriesId x = a[i], y = b[j];
      out[n] = x;
      n += x < y;
      i += x <= y;
      j += y <= x;
    }
    n = static_cast<std::size_t>(
        std::copy(a.begin() + static_cast<std::ptrdiff_t>(i), a.end(), out.begin() + static_cast<std::ptrdiff_t>(n)) -
        out.begin());
  }
  out.resize(n);
  return out;
}

}  // namespace vedette::storage
