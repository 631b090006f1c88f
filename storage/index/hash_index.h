// A flat table from hashes to 32-bit numbers, 8 bytes per entry: the look-up side of tables that hold their things in
// arrays and know how to compare them.
//
// Entries lie in the order of their hashes, as near to hash / 2^32 of the array as there is room (linear probing,
// sorted). So a search ends at the first larger hash whether it finds something or not, equal hashes are neighbours,
// and growing copies the array from front to back. Hashes may repeat; the caller's `is_same` tells. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace vedette::storage {

class HashIndex {
 public:
  static constexpr std::uint32_t kNothing = 0xffffffff;

  /// 32 of the 64 bits of a good hash.
  static std::uint32_t Fold(std::uint64_t hash) { return static_cast<std::uint32_t>(hash ^ (hash >> 32)); }

  /// The number with this hash for which `is_same(number)` holds; kNothing when there is none.
  template <class IsSame>
  std::uint32_t Find(std::uint32_t hash, IsSame&& is_same) const {
    if (size_ == 0) return kNothing;
    for (std::size_t at = Home(hash); at < entries_.size(); ++at) {
      const Entry entry = entries_[at];
      if (entry == kFree || HashOf(entry) > hash) return kNothing;
      if (HashOf(entry) == hash && is_same(NumberOf(entry))) return NumberOf(entry);
    }
    return kNothing;
  }

  /// `number` is below kNothing.
  void Insert(std::uint32_t hash, std::uint32_t number);
  /// Many at once, in the order of the array instead of that of the caller: a tenth of the time.
  void InsertAll(std::vector<std::uint64_t> entries);
  static constexpr std::uint64_t EntryOf(std::uint32_t hash, std::uint32_t number) {
    return static_cast<std::uint64_t>(hash) << 32 | number;
  }
  /// The entry must be there.
  void Erase(std::uint32_t hash, std::uint32_t number);

  std::size_t size() const { return size_; }
  std::size_t allocated_bytes() const { return entries_.capacity() * sizeof(Entry); }

 private:
  using Entry = std::uint64_t;  // hash, number
  static constexpr Entry kFree = ~Entry{0};
  static std::uint32_t HashOf(Entry entry) { return static_cast<std::uint32_t>(entry >> 32); }
  static std::uint32_t NumberOf(Entry entry) { return static_cast<std::uint32_t>(entry); }

  std::size_t Home(std::uint32_t hash) const {
    return static_cast<std::size_t>((static_cast<std::uint64_t>(hash) * homes_) >> 32);
  }
  void Rebuild(std::size_t homes);
  void Fill(std::size_t homes, std::span<const Entry> sorted);

  std::vector<Entry> entries_;  // homes_, and a tail for what the last homes have no room for
  std::size_t homes_ = 0;
  std::size_t size_ = 0;
};

}  // namespace vedette::storage
