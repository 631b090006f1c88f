#include "storage/rocks/cached_chunks.h"

#include <algorithm>
#include <iterator>
#include <new>

#include "storage/chunk/merge.h"
#include "storage/rocks/keys.h"

namespace vedette::storage {
namespace {

constexpr std::int64_t kBlockMs = SampleCache::kBlockMs;
/// Whoever reads more of a series at once is served by the chunks: two weeks.
constexpr std::size_t kMostDays = 14;
/// A query that needs more than a half of the cache would drive out what it needs the next time.
constexpr std::size_t kMostOfCache = 2;
/// Samples whose room a thread keeps for the next time.
constexpr std::size_t kKeptRoom = 1 << 16;

std::int64_t FirstBlockOf(std::int32_t day) { return std::int64_t{day} * SampleCache::kBlocksPerDay; }
std::int32_t DayOfBlock(std::int64_t block) { return DayOf(TimeMs(block * kBlockMs)); }
TimeRange RangeOf(std::int64_t first, std::int64_t last) {
  return {TimeMs(first * kBlockMs), TimeMs((last + 1) * kBlockMs - 1)};
}
TimeRange Common(TimeRange a, TimeRange b) { return {std::max(a.min, b.min), std::min(a.max, b.max)}; }

void Append(std::span<const std::int64_t> times, std::span<const double> values, TimeRange range, Columns& out) {
  const auto begin = std::ranges::lower_bound(times, range.min.ms);
  const auto end = std::upper_bound(begin, times.end(), range.max.ms);
  const auto first = begin - times.begin(), last = end - times.begin();
  out.times.insert(out.times.end(), begin, end);
  out.values.insert(out.values.end(), values.begin() + first, values.begin() + last);
}

}  // namespace

Result<bool> CachedChunks::Read(SeriesId series, TimeRange range, SampleCache::Memo& memo, Columns& out,
                                HistogramColumns* histograms) const {
  const std::span<const std::int32_t> days = DaysWithin(days_, range);
  if (!cache_.enabled() || days.size() > kMostDays || deleted_.Touches(series)) {
    VEDETTE_CHECK(chunks_.Read(series, days, range, out, histograms));
    return false;
  }
  thread_local std::vector<Missing> missing;
  ReadKept(series, range, memo, out, missing);
  for (auto at = missing.begin(); at != missing.end();) {
    auto end = std::next(at);
    while (end != missing.end() && end->keep == at->keep && end->block == std::prev(end)->block + 1) ++end;
    const std::span<const Missing> run(at, end);
    VEDETTE_CHECK(at->keep ? ReadAndKeep(series, range, run, memo, out, histograms)
                           : ReadMissing(series, range, run, out, histograms));
    at = end;
  }
  return missing.empty();
}

void CachedChunks::ReadKept(SeriesId series, TimeRange range, SampleCache::Memo& memo, Columns& out,
                            std::vector<Missing>& missing) const {
  missing.clear();
  std::size_t hits = 0, bytes = 0;
  const bool room = used_.load(std::memory_order_relaxed) < cache_.max_bytes() / kMostOfCache;
  for (const std::int32_t day : DaysWithin(days_, range)) {
    const std::int64_t first = FirstBlockOf(day);
    for (std::int64_t number = first; number < first + SampleCache::kBlocksPerDay; ++number) {
      const TimeRange its = RangeOf(number, number);
      if (its.max < range.min || its.min > range.max) continue;
      if (SampleCache::Page* const page = cache_.Find(series, number, memo)) {
        const std::lock_guard lock(page->mutex());
        const SampleCache::Block& block = page->At(series);
        if (IsCurrent(block, number, series)) {
          if (block.too_much) {
            missing.push_back({number, false});
            continue;
          }
          ++hits;
          bytes += SampleCache::BytesOf(block.values.size());
          if (block.times != nullptr) Append(*block.times, block.values, range, out);
          continue;
        }
      }
      // What a reader of an old view keeps would be of use to nobody.
      const bool keep = room && changes_.UnchangedSince(as_of_, SampleChanges::StripeOf(day, series)) &&
                        cache_.Wanted(series, number);
      missing.push_back({number, keep});
    }
  }
  used_.fetch_add(bytes, std::memory_order_relaxed);
  hits_.fetch_add(hits, std::memory_order_relaxed);
  misses_.fetch_add(missing.size(), std::memory_order_relaxed);
}

bool CachedChunks::IsCurrent(const SampleCache::Block& block, std::int64_t number, SeriesId series) const {
  if (block.as_of == 0) return false;
  return changes_.UnchangedSince(std::min(block.as_of, as_of_), SampleChanges::StripeOf(DayOfBlock(number), series));
}

Status CachedChunks::ReadMissing(SeriesId series, TimeRange range, std::span<const Missing> blocks, Columns& out,
                                 HistogramColumns* histograms) const {
  range = Common(range, RangeOf(blocks.front().block, blocks.back().block));
  return chunks_.Read(series, DaysWithin(days_, range), range, out, histograms);
}

Status CachedChunks::ReadAndKeep(SeriesId series, TimeRange range, std::span<const Missing> blocks,
                                 SampleCache::Memo& memo, Columns& out, HistogramColumns* histograms) const {
  const TimeRange whole = RangeOf(blocks.front().block, blocks.back().block);
  thread_local Columns samples;
  samples.clear();
  HistogramColumns found;
  // Damage beyond what was asked for is not the reader's.
  if (!chunks_.Read(series, DaysWithin(days_, whole), whole, samples, &found)) {
    return ReadMissing(series, range, blocks, out, histograms);
  }
  SortAndResolve(samples, 0);
  if (found.size() > 0) {
    for (const Missing& missing : blocks) Keep(series, missing.block, {}, {}, true, memo);
    if (histograms != nullptr) {
      histograms->times.insert(histograms->times.end(), found.times.begin(), found.times.end());
      std::ranges::move(found.histograms, std::back_inserter(histograms->histograms));
    }
  } else {
    for (const Missing& missing : blocks) {
      const TimeRange its = RangeOf(missing.block, missing.block);
      const auto begin = std::ranges::lower_bound(samples.times, its.min.ms) - samples.times.begin();
      const auto end = std::ranges::upper_bound(samples.times, its.max.ms) - samples.times.begin();
      const auto first = static_cast<std::size_t>(begin), n = static_cast<std::size_t>(end - begin);
      Keep(series, missing.block, std::span(samples.times).subspan(first, n),
           std::span(samples.values).subspan(first, n), false, memo);
    }
  }
  Append(samples.times, samples.values, range, out);
  if (samples.times.capacity() > kKeptRoom) samples = {};
  return Ok();
}

/// A cache without memory left keeps no query from its answer.
void CachedChunks::Keep(SeriesId series, std::int64_t number, std::span<const std::int64_t> times,
                        std::span<const double> values, bool too_much, SampleCache::Memo& memo) const {
  try {
    cache_.Put(series, number, times, values, too_much, as_of_);
    used_.fetch_add(SampleCache::BytesOf(values.size()), std::memory_order_relaxed);
  } catch (const std::bad_alloc&) {
  }
  memo.Of(number) = {};  // there is a page now
}

}  // namespace vedette::storage
