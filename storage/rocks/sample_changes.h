// Which series lost or got samples on disk since somebody read them, so that what was read may be kept while nothing
// changed. day_versions.h does the same for the index.
//
// Whoever writes or removes chunks announces it before the write and holds the announcement until after it. Time is
// counted in ends of announcements. A reader takes that count before its snapshot: what changed up to then is in the
// snapshot, and what has not changed since is in every later one. Nothing is stored.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "storage/storage.h"

namespace vedette::storage {

class SampleChanges {
 public:
  /// Series that are neighbours, on one day.
  using Stripe = std::uint16_t;
  static constexpr std::size_t kStripes = 4096;

  static Stripe StripeOf(std::int32_t day, SeriesId series) {
    const std::uint64_t mixed =
        ((Raw(series) >> 6) + (std::uint64_t{static_cast<std::uint32_t>(day)} << 40)) * 0x9e3779b97f4a7c15;
    return static_cast<Stripe>(mixed >> 52);
  }

  /// An announcement.
  class [[nodiscard]] Change {
   public:
    Change(SampleChanges& owner, std::vector<Stripe> stripes) : owner_(&owner), stripes_(std::move(stripes)) {
      for (const Stripe stripe : stripes_) owner_->stripes_[stripe].Begin();
    }
    /// Of any series.
    explicit Change(SampleChanges& owner) : owner_(&owner), all_(true) { owner_->all_.Begin(); }
    Change(const Change&) = delete;
    Change& operator=(const Change&) = delete;
    ~Change() {
      const std::uint64_t now = owner_->time_.fetch_add(1) + 1;
      for (const Stripe stripe : stripes_) owner_->stripes_[stripe].End(now);
      if (all_) owner_->all_.End(now);
    }

   private:
    SampleChanges* owner_;
    std::vector<Stripe> stripes_;
    bool all_ = false;
  };

  /// To be taken before a snapshot; never 0.
  std::uint64_t Now() const { return time_.load(); }

  /// Whether every change of the stripe had ended at `time`.
  bool UnchangedSince(std::uint64_t time, Stripe stripe) const {
    return stripes_[stripe].QuietSince(time) && all_.QuietSince(time);
  }

 private:
  struct State {
    std::atomic<std::uint32_t> writers{0};
    std::atomic<std::uint64_t> changed{0};

    void Begin() { writers.fetch_add(1); }
    /// In this order: whoever sees no writer sees when the last one ended.
    void End(std::uint64_t now) {
      std::uint64_t known = changed.load();
      while (known < now && !changed.compare_exchange_weak(known, now)) {
      }
      writers.fetch_sub(1);
    }
    bool QuietSince(std::uint64_t time) const { return writers.load() == 0 && changed.load() <= time; }
  };

  std::atomic<std::uint64_t> time_{1};
  State all_;
  std::array<State, kStripes> stripes_;
};

}  // namespace vedette::storage
