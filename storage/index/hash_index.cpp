#include "storage/index/hash_index.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace vedette::storage {
namespace {

/// Fullness in percent. Sorted probing stays short up to here: two to three entries on average.
constexpr std::size_t kMostFull = 85;
constexpr std::size_t kFullAfterGrowth = 60;
constexpr std::size_t kSmallest = 16;
/// Places behind the last home, and how many more come when they are taken.
constexpr std::size_t kTail = 32;

/// Good hashes fall evenly into buckets by their first bits: one pass to count them, one to put them there, and a few
/// steps in each.
std::vector<std::uint64_t> SortedByHash(std::span<const std::uint64_t> entries) {
  const int bits = std::clamp(static_cast<int>(std::bit_width(entries.size())) - 2, 0, 16);
  const auto bucket_of = [bits](std::uint64_t entry) { return static_cast<std::size_t>((entry >> 32) >> (32 - bits)); };
  std::vector<std::uint32_t> ends(std::size_t{1} << bits);
  for (const std::uint64_t entry : entries) ++ends[bucket_of(entry)];
  std::uint32_t begin = 0;
  for (std::uint32_t& end : ends) begin += std::exchange(end, begin);
  std::vector<std::uint64_t> out(entries.size());
  for (const std::uint64_t entry : entries) out[ends[bucket_of(entry)]++] = entry;
  begin = 0;
  for (const std::uint32_t end : ends) {
    std::sort(out.begin() + begin, out.begin() + end);
    begin = end;
  }
  return out;
}

}  // namespace

void HashIndex::Rebuild(std::size_t homes) {
  std::vector<Entry> old = std::move(entries_);
  std::erase(old, kFree);
  Fill(homes, old);
}

/// `sorted`: all entries there will be.
void HashIndex::Fill(std::size_t homes, std::span<const Entry> sorted) {
  homes_ = homes;
  entries_.assign(homes + kTail, kFree);
  std::size_t next = 0;
  for (const Entry entry : sorted) {
    next = std::max(next, Home(HashOf(entry)));
    if (next == entries_.size()) entries_.resize(next + kTail, kFree);
    entries_[next++] = entry;
  }
  size_ = sorted.size();
}

void HashIndex::InsertAll(std::vector<std::uint64_t> entries) {
  if (entries.empty()) return;
  for (const Entry entry : entries_) {
    if (entry != kFree) entries.push_back(entry);
  }
  entries_ = std::vector<Entry>();
  const std::vector<Entry> all = SortedByHash(entries);
  Fill(std::max(homes_, std::max(kSmallest, all.size() * 100 / kMostFull + 1)), all);
}

void HashIndex::Insert(std::uint32_t hash, std::uint32_t number) {
  if (homes_ == 0 || (size_ + 1) * 100 > homes_ * kMostFull) {
    Rebuild(std::max(kSmallest, (size_ + 1) * 100 / kFullAfterGrowth));
  }
  const Entry entry = (static_cast<Entry>(hash) << 32) | number;
  std::size_t at = Home(hash);
  while (at < entries_.size() && entries_[at] < entry) ++at;
  std::size_t gap = at;
  while (gap < entries_.size() && entries_[gap] != kFree) ++gap;
  if (gap == entries_.size()) entries_.resize(gap + kTail, kFree);
  std::copy_backward(entries_.begin() + static_cast<std::ptrdiff_t>(at),
                     entries_.begin() + static_cast<std::ptrdiff_t>(gap),
                     entries_.begin() + static_cast<std::ptrdiff_t>(gap) + 1);
  entries_[at] = entry;
  ++size_;
}

void HashIndex::Erase(std::uint32_t hash, std::uint32_t number) {
  const Entry entry = (static_cast<Entry>(hash) << 32) | number;
  std::size_t at = Home(hash);
  while (entries_[at] != entry) ++at;
  // What follows without a gap and is not at home moves up, so that no search ends too early.
  for (; at + 1 < entries_.size(); ++at) {
    const Entry next = entries_[at + 1];
    if (next == kFree || Home(HashOf(next)) == at + 1) break;
    entries_[at] = next;
  }
  entries_[at] = kFree;
  if (--size_ == 0) {
    entries_ = std::vector<Entry>();
    homes_ = 0;
  } else if (size_ * 4 < homes_ && homes_ > 16 * kSmallest) {
    Rebuild(size_ * 100 / kFullAfterGrowth);
  }
}

}  // namespace vedette::storage
