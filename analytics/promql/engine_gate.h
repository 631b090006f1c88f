// Lets a limited number of queries run at once; the others wait their turn.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <stop_token>
#include <utility>

#include "core/clock.h"
#include "core/result.h"

namespace vedette::promql {

/// Thread-safe.
class QueryGate {
 public:
  explicit QueryGate(std::size_t places) : free_(places) {}

  /// Held while a query runs.
  class Place {
   public:
    explicit Place(QueryGate& gate) : gate_(&gate) {}
    Place(Place&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)) {}
    Place& operator=(Place&&) = delete;
    ~Place() {
      if (gate_) gate_->Leave();
    }

   private:
    QueryGate* gate_;
  };

  /// Waits until there is a place. Errors: kTimeout, kCanceled.
  Result<Place> Enter(const Deadline& deadline, std::stop_token stop);
  std::size_t waiting() const;

 private:
  void Leave();

  mutable std::mutex mutex_;
  std::condition_variable_any freed_;
  std::size_t free_;         // guarded by mutex_
  std::size_t waiting_ = 0;  // guarded by mutex_
};

}  // namespace vedette::promql
