// Memory that the allocator keeps for later, given back to the system after work that needed much of it.
//
// Threads allocate from arenas of their own. What one large query freed stays in its thread's arena, the next one runs
// in another thread and needs as much again: without this the process keeps the peak of each arena.
#pragma once

#include <atomic>
#include <chrono>

#include "core/clock.h"

namespace vedette {

/// Thread-safe.
class HeapTrimmer {
 public:
  /// `clock` outlives it.
  explicit HeapTrimmer(const Clock& clock) : clock_(clock) {}

  /// A piece of work is over. Gives free memory back when this or one before needed much, at most once a second: a
  /// hundred megabytes take about 20 ms of processor time, half of it when they are wanted again. Does nothing with an
  /// allocator that is not glibc's.
  void WorkDone(bool needed_much);

 private:
  static constexpr std::chrono::nanoseconds kPause = std::chrono::seconds(1);

  const Clock& clock_;
  std::atomic<bool> wanted_ = false;
  std::atomic<std::chrono::nanoseconds> due_{};
};

}  // namespace vedette
