// The series in memory: by id, by labels, and their inverted index. One lock for the three; see head.h for the samples.
//
// Per series: 48 bytes of state, 4 from its id to the state, 9 to 13 in the table of hashes, its labels as a list of
// interned pairs (2 to 3 bytes per label), and 1 or 2 bytes per label in the index. docs/storage.md has the figures.
#pragma once

#include <array>
#include <atomic>
#include <bitset>
#include <cstdint>
#include <memory>
#include <set>
#include <shared_mutex>
#include <utility>
#include <vector>

#include "storage/head/head_series.h"
#include "storage/index/label_index.h"

namespace vedette::storage {

/// All methods expect the lock to be held as said; pointers stay valid until Remove().
class SeriesTable {
 public:
  std::shared_mutex& mutex() const { return mutex_; }

  // Shared lock.
  HeadSeries* Find(SeriesId id) const;
  HeadSeries* Find(const Labels& labels) const;
  /// The series with the lowest id above `id`; null at the end.
  HeadSeries* After(SeriesId id) const;
  const LabelIndex& index() const { return index_; }

  /// The labels of a series that has them. LabelsOf() makes a set that stands alone; the views of ViewLabels(), which
  /// clears `out`, and of ValueOf() (empty: absent) end with the lock.
  Labels LabelsOf(const HeadSeries& series) const;
  void ViewLabels(const HeadSeries& series, std::vector<LabelView>& out) const;
  std::string_view ValueOf(const HeadSeries& series, std::string_view name) const;
  /// Appends the labels as numbers, by name.
  void PairsOf(const HeadSeries& series, std::vector<PairId>& out) const;

  std::size_t size() const { return size_.load(std::memory_order_relaxed); }  // no lock
  /// Bytes held for labels, index, hashes and state; what OpenData holds is not in it.
  std::size_t allocated_bytes() const;

  // Exclusive lock.
  /// Whether there is room for one more label set: 4 GiB of different label texts, and of lists.
  bool Fits(const Labels& labels) const;
  HeadSeries& Insert(SeriesId id, const Labels& labels);
  /// A series whose labels are not known yet: while the journal is replayed.
  HeadSeries& InsertBare(SeriesId id);
  void SetLabels(HeadSeries& series, std::span<const LabelView> labels);
  /// The same for many series with the same labels, which the caller interns once: `pairs` are those of `labels`.
  PairId Intern(const LabelView& label) { return index_.Intern(label); }
  void SetLabels(HeadSeries& series, std::span<const LabelView> labels, std::span<const PairId> pairs);
  class BulkLabels;
  void Remove(std::span<const SeriesId> ids);

 private:
  static constexpr std::size_t kIdsPerPage = 2048;
  static constexpr std::size_t kSlotsPerPage = 512;
  static constexpr std::uint32_t kNoSlot = UINT32_MAX;

  /// Where the series of a stretch of ids lie.
  struct IdPage {
    std::array<std::uint32_t, kIdsPerPage> slots;
    std::size_t used = 0;
  };
  struct SlotPage {
    std::array<HeadSeries, kSlotsPerPage> series;
    std::bitset<kSlotsPerPage> used;
  };

  HeadSeries& At(std::uint32_t slot) const { return slots_[slot / kSlotsPerPage]->series[slot % kSlotsPerPage]; }
  std::uint32_t SlotOf(SeriesId id) const;
  std::uint32_t TakeSlot();
  void FreeSlot(std::uint32_t slot);
  bool HasLabels(const HeadSeries& series, const Labels& labels) const;
  void CompactLists();
  void SetList(HeadSeries& series, std::span<const PairId> pairs);

  mutable std::shared_mutex mutex_;
  // Ids are dense and given in order, but never again: the state lies apart from them, in places that are used again,
  // so that one series that stays does not hold the room of the thousands around it that went.
  std::vector<std::unique_ptr<IdPage>> ids_;
  std::vector<std::unique_ptr<SlotPage>> slots_;
  std::set<std::uint32_t> pages_with_room_;  // of slots_; the first is filled first, so that the last become empty
  HashIndex by_hash_;                        // to slots
  ByteArena lists_;                          // of pair numbers, as varints
  LabelIndex index_;
  std::atomic<std::size_t> size_{0};
  std::vector<PairId> scratch_;  // of Insert
};

/// SetLabels() for all series of a start, which come in ascending order of their ids. Until Finish() they are found
/// neither by their labels nor by the index.
class SeriesTable::BulkLabels {
 public:
  BulkLabels(SeriesTable& table, std::size_t expected) : table_(table), index_(table.index_) {
    entries_.reserve(expected);
  }
  /// `hash`: HashLabels() of the labels.
  void Set(HeadSeries& series, std::span<const PairId> pairs, std::uint64_t hash);
  void Finish();

 private:
  SeriesTable& table_;
  LabelIndex::Adder index_;
  std::vector<std::uint64_t> entries_;  // of by_hash_
};

}  // namespace vedette::storage
