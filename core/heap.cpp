#include "core/heap.h"

#include <cstdlib>

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace vedette {

void HeapTrimmer::WorkDone(bool needed_much) {
  if (needed_much) wanted_.store(true, std::memory_order_relaxed);
  if (!wanted_.load(std::memory_order_relaxed)) return;
  const std::chrono::nanoseconds now = clock_.Monotonic();
  std::chrono::nanoseconds due = due_.load(std::memory_order_relaxed);
  if (now < due || !due_.compare_exchange_strong(due, now + kPause, std::memory_order_relaxed)) return;
  wanted_.store(false, std::memory_order_relaxed);
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

}  // namespace vedette
