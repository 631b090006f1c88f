// Interned labels: every (name, value) pair that some series has, once, under a 32-bit number, with the set of series
// that have it. A label set is then a list of numbers.
//
// A pair lives while its set is not empty; its number and its text are used again afterwards. The order of the values
// of a name is made when somebody asks and kept until it changes, so that new series do not pay for it. Not
// thread-safe, but const methods may run at the same time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <vector>

#include "core/labels.h"
#include "storage/index/byte_arena.h"
#include "storage/index/hash_index.h"
#include "storage/index/id_set.h"

namespace vedette::storage {

enum class PairId : std::uint32_t { kNone = 0xffffffff };

class LabelPairs {
 public:
  /// Whether the texts of one more label set have room.
  bool Fits(std::span<const LabelView> labels) const;

  /// The number of the label, new or not. The caller adds an id to its set, else it stays for ever.
  PairId Intern(LabelView label);
  PairId Find(std::string_view name, std::string_view value) const;
  LabelView View(PairId pair) const {
    const Pair& p = At(pair);
    return {texts_.Get(names_[p.name].text), texts_.Get(p.value)};
  }
  /// The name of the pair as a number, which stays while a series has the name.
  std::uint32_t NameNumber(PairId pair) const { return At(pair).name; }
  /// UINT32_MAX: no series has it.
  std::uint32_t NameNumber(std::string_view name) const { return FindName(name); }
  IdSet& ids(PairId pair) { return At(pair).ids; }
  const IdSet& ids(PairId pair) const { return At(pair).ids; }

  /// Forgets those of `touched` whose sets are empty. Views of other pairs may move.
  void Sweep(std::span<const PairId> touched);

  /// Number of different pairs, and of values of one name.
  std::size_t size() const { return by_label_.size(); }
  std::size_t ValueCount(std::string_view name) const;
  /// Ascending.
  std::vector<std::string_view> Names() const;
  using Sorted = std::shared_ptr<const std::vector<PairId>>;
  /// The pairs of a name, ascending by value; null for an unknown name.
  Sorted Values(std::string_view name) const;

  /// Bytes held, for own metrics and benchmarks; about.
  std::size_t allocated_bytes() const;

 private:
  struct Pair {
    std::uint32_t name = 0;  // in names_
    ByteArena::Ref value = 0;
    IdSet ids;
  };
  struct Name {
    ByteArena::Ref text = 0;
    std::uint32_t pairs = 0;  // 0: free
    mutable Sorted sorted;    // with `fresh`, all pairs
    mutable std::vector<PairId> fresh;
  };

  Pair& At(PairId pair) { return pairs_[static_cast<std::uint32_t>(pair)]; }
  const Pair& At(PairId pair) const { return pairs_[static_cast<std::uint32_t>(pair)]; }
  std::uint32_t FindName(std::string_view name) const;
  std::uint32_t InternName(std::string_view name);
  std::uint32_t HashOf(std::uint32_t name, std::string_view value) const;
  void Unlist(std::span<const PairId> dead);
  void Compact();

  ByteArena texts_;
  // Chunks, not one array: growing must not need twice the memory.
  std::deque<Pair> pairs_;
  std::vector<PairId> free_pairs_;
  std::deque<Name> names_;
  std::vector<std::uint32_t> free_names_;
  HashIndex by_name_;
  HashIndex by_label_;
  mutable std::mutex sorting_;  // guards `sorted` and `fresh` between const methods
};

}  // namespace vedette::storage
