// Which days' index rows changed since somebody looked, so that what was found in them may be kept while they did not.
//
// Whoever writes rows of `index` announces the days before the write and holds the announcement until after it. A
// reader takes the versions before and after its snapshot: a day whose version is the same in both and which nobody is
// writing to is, in the snapshot, exactly what every other such reader of that version sees. What sealing adds to a day
// is remembered for a while, so that findings of an earlier version are brought up to date instead of made anew.
// Nothing is stored: a new process starts with an empty cache.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "storage/index/postings.h"

namespace vedette::storage {

class DayVersions {
 public:
  struct State {
    std::uint64_t version = 0;
    std::uint32_t writers = 0;
  };
  using Map = std::map<std::int32_t, State>;

  /// The series that a change adds to each of its days.
  using Added = std::map<std::int32_t, Postings>;

  /// An announcement; its end makes the new version.
  class [[nodiscard]] Change {
   public:
    /// A change that only adds.
    Change(DayVersions& owner, Added added) : owner_(&owner), only_adds_(true), added_(std::move(added)) {
      owner_->Begin(added_);
    }
    /// Any other.
    Change(DayVersions& owner, const std::vector<std::int32_t>& days) : owner_(&owner) {
      for (const std::int32_t day : days) added_[day];
      owner_->Begin(added_);
    }
    Change(Change&& other) noexcept
        : owner_(std::exchange(other.owner_, nullptr)), only_adds_(other.only_adds_), added_(std::move(other.added_)) {}
    Change& operator=(Change&&) = delete;
    ~Change() {
      if (owner_ != nullptr) owner_->End(added_, only_adds_);
    }

   private:
    DayVersions* owner_;
    bool only_adds_ = false;
    Added added_;
  };

  /// The versions at this moment; a day that is not there has version 0.
  std::shared_ptr<const Map> Now() const {
    const std::lock_guard lock(mutex_);
    return map_;
  }

  /// What came to a day after version `from`, up to `to`; nothing when that is not known any more.
  std::optional<Postings> AddedBetween(std::int32_t day, std::uint64_t from, std::uint64_t to) const {
    const std::lock_guard lock(mutex_);
    const auto log = logs_.find(day);
    if (log == logs_.end() || from < log->second.since) return std::nullopt;
    Postings out;
    for (const Part& part : log->second.parts) {
      if (part.version > from && part.version <= to) out.insert(out.end(), part.ids.begin(), part.ids.end());
    }
    Normalize(out);
    return out;
  }

  /// Of a day whose rows did not change between the two; nothing when they may have.
  static std::optional<std::uint64_t> Stable(const Map& before, const Map& after, std::int32_t day) {
    const auto state = [&](const Map& map) {
      const auto found = map.find(day);
      return found == map.end() ? State() : found->second;
    };
    const State a = state(before), b = state(after);
    if (a.writers != 0 || b.writers != 0 || a.version != b.version) return std::nullopt;
    return a.version;
  }

 private:
  static constexpr std::size_t kLoggedIds = 65'536;  // of a day
  static constexpr std::size_t kLoggedDays = 4;

  struct Part {
    std::uint64_t version = 0;  // the one it made
    Postings ids;
  };
  /// Complete behind version `since`.
  struct Log {
    std::uint64_t since = 0;
    std::size_t ids = 0;
    std::deque<Part> parts;
  };

  void Begin(const Added& added) {
    Update(added, [](State& state, std::int32_t, const Postings&) { ++state.writers; });
  }
  void End(const Added& added, bool only_adds) {
    Update(added, [&](State& state, std::int32_t day, const Postings& ids) {
      --state.writers;
      ++state.version;
      Record(day, state.version, only_adds ? &ids : nullptr);
    });
  }

  template <class F>
  void Update(const Added& added, F change) {
    if (added.empty()) return;
    const std::lock_guard lock(mutex_);
    auto next = std::make_shared<Map>(*map_);
    for (const auto& [day, ids] : added) change((*next)[day], day, ids);
    map_ = std::move(next);
  }

  /// `ids` null: whatever is known of earlier versions is of no use.
  void Record(std::int32_t day, std::uint64_t version, const Postings* ids) {
    Log& log = logs_.try_emplace(day, Log{version - 1, 0, {}}).first->second;
    if (ids == nullptr) {
      log = Log{version, 0, {}};
    } else {
      log.parts.push_back({version, *ids});
      log.ids += ids->size();
    }
    while (log.ids > kLoggedIds) {
      log.since = log.parts.front().version;
      log.ids -= log.parts.front().ids.size();
      log.parts.pop_front();
    }
    // The oldest day goes, unless it is this one.
    if (logs_.size() > kLoggedDays) logs_.erase(logs_.begin()->first == day ? std::next(logs_.begin()) : logs_.begin());
  }

  mutable std::mutex mutex_;
  std::shared_ptr<const Map> map_ = std::make_shared<const Map>();
  std::map<std::int32_t, Log> logs_;
};

}  // namespace vedette::storage
