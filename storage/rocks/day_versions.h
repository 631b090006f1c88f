// Which days' index rows changed since somebody looked, so that what was found in them may be kept while they did not.
//
// Whoever writes rows of `index` announces the days before the write and holds the announcement until after it. A
// reader takes the versions before and after its snapshot: a day whose version is the same in both and which nobody is
// writing to is, in the snapshot, exactly what every other such reader of that version sees. Nothing is stored: a new
// process starts with an empty cache.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace vedette::storage {

class DayVersions {
 public:
  struct State {
    std::uint64_t version = 0;
    std::uint32_t writers = 0;
  };
  using Map = std::map<std::int32_t, State>;

  /// An announcement; its end makes the new version.
  class [[nodiscard]] Change {
   public:
    Change(DayVersions& owner, std::vector<std::int32_t> days) : owner_(&owner), days_(std::move(days)) {
      owner_->Update(days_, [](State& state) { ++state.writers; });
    }
    Change(Change&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)), days_(std::move(other.days_)) {}
    Change& operator=(Change&&) = delete;
    ~Change() {
      if (owner_ == nullptr) return;
      owner_->Update(days_, [](State& state) {
        --state.writers;
        ++state.version;
      });
    }

   private:
    DayVersions* owner_;
    std::vector<std::int32_t> days_;
  };

  /// The versions at this moment; a day that is not there has version 0.
  std::shared_ptr<const Map> Now() const {
    const std::lock_guard lock(mutex_);
    return map_;
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
  template <class F>
  void Update(const std::vector<std::int32_t>& days, F change) {
    if (days.empty()) return;
    const std::lock_guard lock(mutex_);
    auto next = std::make_shared<Map>(*map_);
    for (const std::int32_t day : days) change((*next)[day]);
    map_ = std::move(next);
  }

  mutable std::mutex mutex_;
  std::shared_ptr<const Map> map_ = std::make_shared<const Map>();
};

}  // namespace vedette::storage
