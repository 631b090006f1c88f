// A set of series ids in memory: runs of neighbours, coded by their gaps. Ids of one target are neighbours, so most
// sets of a store are a few runs, and a single id lies in the object itself.
//
// Coded form, only in memory: per run but the last, varint (gap to the run before << 1 | more than one id), and if so
// varint (ids - 2). Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "storage/index/postings.h"

namespace vedette::storage {

class IdSet {
 public:
  /// The id must not be in the set, and lie below 2^62. O(1) when it is larger than all in the set; otherwise, when a
  /// series comes back from disk, O(1) too, and once in a while O(size).
  void Add(SeriesId id);
  /// Add() of `count` ids from `first` on; O(1) when they are larger than all in the set.
  void AddRun(SeriesId first, std::uint32_t count);
  /// `gone`: ascending, may name others as well. O(size).
  void Remove(std::span<const SeriesId> gone);

  /// Appends the ids, ascending. O(size).
  void AppendTo(Postings& out) const;

  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  std::size_t allocated_bytes() const;

 private:
  struct Coded {
    std::string bytes;
    std::uint64_t end = 0;        // behind the last coded run
    std::vector<SeriesId> early;  // came out of order: in no run yet, in any order
  };
  Coded& MustHaveCoded();
  void CloseRun();
  void Rebuild(const Postings& ids);

  std::uint64_t end_ = 0;   // behind the last run
  std::uint32_t run_ = 0;   // ids in it
  std::uint32_t size_ = 0;  // of all
  std::unique_ptr<Coded> coded_;
};

}  // namespace vedette::storage
