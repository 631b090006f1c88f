// The layouts of the native histograms of one target: equal ones are one object, from scrape to scrape.
//
// Nearly all histograms of a target have the layout they had last time, and many have the same: then a histogram costs
// its counts and no more. Used by one TargetAppender, one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>

#include "core/histogram.h"

namespace vedette::collector {

class LayoutCache {
 public:
  /// The kept layout that equals `layout`, or a copy of it that is kept from now on.
  std::shared_ptr<const HistogramLayout> Share(const HistogramLayout& layout);

  /// An empty layout to fill, always the same one: what Share() is given next.
  HistogramLayout& Blank();

  // One of them at the end of each scrape:
  /// It was good: forgets what nobody asked for since the good one before.
  void DropUnused();
  /// It failed: forgets what it added.
  void DropAdded();
  void Clear() { entries_.clear(); }

  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::shared_ptr<const HistogramLayout> layout;
    bool used = true;
    bool added = true;  // since the last call of either
  };
  std::unordered_multimap<std::uint64_t, Entry> entries_;
  HistogramLayout blank_;
};

}  // namespace vedette::collector
