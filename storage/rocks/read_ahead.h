// Work that is done ahead of who takes it in, in a thread of its own, into slots that are used again.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <semaphore>
#include <thread>
#include <utility>
#include <vector>

#include "core/result.h"

namespace vedette::storage {

template <class Slot>
class ReadAhead {
 public:
  /// Fills the slot; false when there was nothing left to put into it. Not called again after that, nor after an error.
  using Fill = std::function<Result<bool>(Slot&)>;

  /// What `fill` refers to outlives it. Starts at once.
  ReadAhead(std::vector<Slot> slots, Fill fill)
      : fill_(std::move(fill)), free_(static_cast<std::ptrdiff_t>(slots.size())) {
    for (Slot& slot : slots) places_.emplace_back(std::move(slot));
    thread_ = std::thread([this] { Run(); });
  }
  ~ReadAhead() {
    stop_ = true;
    free_.release();
    thread_.join();
  }
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;

  /// The next slot, good until the next call; null behind the last. Errors: those of `fill`.
  Result<const Slot*> Next() {
    if (holds_) free_.release();
    holds_ = false;
    full_.acquire();
    const Place& place = places_[next_];
    if (place.end || !place.status) {
      full_.release();  // the next call finds it again
      if (place.end) return nullptr;
      return place.status.error();
    }
    next_ = (next_ + 1) % places_.size();
    holds_ = true;
    return &place.slot;
  }

 private:
  struct Place {
    explicit Place(Slot from) : slot(std::move(from)) {}
    Slot slot;
    Status status = Ok();
    bool end = false;
  };

  void Run() {
    for (std::size_t i = 0;; i = (i + 1) % places_.size()) {
      free_.acquire();
      if (stop_) return;
      Place& place = places_[i];
      const Result<bool> filled = fill_(place.slot);
      if (!filled) place.status = filled.error();
      place.end = filled && !*filled;
      const bool last = place.end || !place.status;
      full_.release();
      if (last) return;
    }
  }

  const Fill fill_;
  std::vector<Place> places_;
  std::counting_semaphore<> free_, full_{0};
  std::size_t next_ = 0;  // place of the next Next()
  bool holds_ = false;    // the place before it is the caller's
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace vedette::storage
