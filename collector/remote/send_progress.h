// What one remote end has of a feed, exactly, as a text that survives restarts.
//
// Everything in the feed has a place: its commit, and its number within that. Each shard sends in that order, so what
// is done is said by one place per shard: all before it. Which shard a series belongs to follows from how many there
// are; when that changes, the old division is remembered until the feed is past it.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace vedette::collector {

struct FeedPlace {
  std::uint64_t commit = 0;
  std::uint32_t index = 0;
  auto operator<=>(const FeedPlace&) const = default;
};

/// Which of that many shards a series with this hash belongs to.
inline std::size_t ShardOf(std::uint64_t hash, std::size_t shards) { return (hash >> 16) % shards; }

/// What is done beyond the common position: of each shard everything before its place.
struct ShardPlaces {
  std::vector<FeedPlace> places;

  bool Has(std::uint64_t hash, FeedPlace place) const { return place < places[ShardOf(hash, places.size())]; }
  /// Nothing in it is behind `through`.
  bool IsOver(std::uint64_t through) const;
};

class SendProgress {
 public:
  /// Errors: kBadData.
  static Result<SendProgress> Parse(std::string_view text);

  /// Whether it was done by an earlier run or division.
  bool Has(std::uint64_t hash, FeedPlace place) const {
    for (const ShardPlaces& old : old_) {
      if (old.Has(hash, place)) return true;
    }
    return false;
  }
  bool empty() const { return old_.empty(); }

  /// Forgets what the common position covers.
  void Pass(std::uint64_t through);
  /// The text for now: what is remembered, and `current`.
  std::string Format(const ShardPlaces& current, std::uint64_t through) const;

 private:
  std::deque<ShardPlaces> old_;
};

}  // namespace vedette::collector
