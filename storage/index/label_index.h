// The inverted index of the series in memory: label -> ids, over interned labels. Not thread-safe, but const methods
// may run at the same time; its owner locks.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "storage/index/label_pairs.h"
#include "storage/index/select.h"

namespace vedette::storage {

class LabelIndex final : public PostingsSource {
 public:
  /// The number of a label, new or not; it must get a series.
  PairId Intern(const LabelView& label) { return pairs_.Intern(label); }
  /// A series that is not in the index. Cheap when ids come in ascending order.
  void Add(SeriesId id, std::span<const PairId> pairs);
  void Add(SeriesId id, const Labels& labels);
  class Adder;
  /// Forgets many series at once: `ids` ascending, `touched` all their pairs, in any order, repeated or not. Cost:
  /// O(sum of the sets of `touched`).
  void Remove(std::span<const SeriesId> ids, std::vector<PairId> touched);
  void Remove(std::span<const SeriesEntry> series);

  const LabelPairs& pairs() const { return pairs_; }
  /// How many series ever came, and the ids of those that came since it was `additions`, some perhaps gone again;
  /// nothing when they are too many to be remembered.
  std::uint64_t additions() const { return additions_; }
  std::optional<std::span<const SeriesId>> AddedSince(std::uint64_t additions) const;
  std::size_t series_count() const { return all_.size(); }
  std::size_t pair_count() const { return pairs_.size(); }
  /// The four lists of StoreStats, `top` entries each.
  void FillStats(std::size_t top, StoreStats& stats) const;
  std::size_t allocated_bytes() const { return pairs_.allocated_bytes() + all_.allocated_bytes(); }

  Status All(Postings& out) const override;
  Result<std::size_t> SeriesCount(std::string_view name, std::string_view value) const override;
  Status WithLabel(std::string_view name, std::string_view value, Postings& out) const override;
  Status WithValues(std::string_view name, std::string_view prefix, const AcceptValue& accept,
                    Postings& out) const override;
  std::size_t ValueCount(std::string_view name) const override;
  Status VisitNames(const AcceptValue& visit) const override;
  Status VisitValues(std::string_view name, const AcceptValue& visit) const override;

 private:
  void NoteAdded(SeriesId id);

  LabelPairs pairs_;
  IdSet all_;
  std::uint64_t additions_ = 0;
  std::vector<SeriesId> recent_;  // the last that came
};

/// Adds many series. Neighbours by id that have a label at the same place cost one step for all of them, when they come
/// in ascending order. The index has all of them after Finish().
class LabelIndex::Adder {
 public:
  explicit Adder(LabelIndex& index) : index_(index) {}
  /// As LabelIndex::Add().
  void Add(SeriesId id, std::span<const PairId> pairs);
  void Finish();

 private:
  /// Series that follow each other and have the same pair at one place of their lists.
  struct Run {
    PairId pair;
    std::uint64_t first;
  };
  void Close(const Run& run);

  LabelIndex& index_;
  std::vector<Run> runs_;    // one for each place of the last list
  std::uint64_t first_ = 0;  // of the ids that follow each other
  std::uint64_t end_ = 0;    // behind the last
};

}  // namespace vedette::storage
