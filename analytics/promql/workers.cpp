#include "analytics/promql/workers.h"

#include <algorithm>
#include <system_error>

namespace vedette::promql {

Workers::~Workers() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wanted_.notify_all();
  for (std::thread& thread : pool_) thread.join();
}

Workers::Presence::Presence(Workers& workers) : workers_(workers) {
  const std::lock_guard lock(workers_.mutex_);
  ++workers_.busy_;
}

Workers::Presence::~Presence() {
  const std::lock_guard lock(workers_.mutex_);
  --workers_.busy_;
}

std::size_t Workers::Run(std::size_t most, const std::function<void(std::size_t)>& work) {
  Job job;
  {
    const std::lock_guard lock(mutex_);
    const std::size_t spare = threads_ > busy_ ? threads_ - busy_ : 0;
    const std::size_t wanted = std::min(most > 0 ? most - 1 : 0, spare);
    if (wanted > 0 && pool_.empty()) StartPool();
    job.end += std::min(wanted, pool_.size());
    if (job.end > 1) {
      job.work = &work;
      busy_ += job.end - 1;
      jobs_.push_back(&job);
    }
  }
  if (job.end > 1) wanted_.notify_all();
  work(0);
  if (job.end == 1) return 1;
  std::unique_lock lock(mutex_);
  // Numbers that nobody has taken yet are not worth waiting for: this thread has done the work.
  busy_ -= job.end - job.next;
  job.end = job.next;
  std::erase(jobs_, &job);
  ended_.wait(lock, [&] { return job.running == 0; });
  return job.end;
}

void Workers::StartPool() {
  try {
    for (std::size_t i = 1; i < threads_; ++i) pool_.emplace_back([this] { Serve(); });
  } catch (const std::system_error&) {
    // The machine has no thread left: it goes on with those there are, or alone.
  }
}

void Workers::Serve() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wanted_.wait(lock, [&] { return stop_ || !jobs_.empty(); });
    if (stop_) return;
    Job& job = *jobs_.back();
    const std::size_t number = job.next++;
    ++job.running;
    if (job.next == job.end) jobs_.pop_back();
    lock.unlock();
    (*job.work)(number);
    lock.lock();
    --busy_;
    if (--job.running == 0) ended_.notify_all();
  }
}

}  // namespace vedette::promql
