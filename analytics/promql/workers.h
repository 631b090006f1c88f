// Threads that a query borrows for work that splits by series, when the machine has some to spare.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace vedette::promql {

/// Thread-safe. With as many queries under way as there are threads nobody gets another one: splitting would only cost.
class Workers {
 public:
  /// `threads`: that the machine has. One less is started, with the first Run() that wants one.
  explicit Workers(std::size_t threads) : threads_(threads) {}
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  /// While it lives, its thread works for a query.
  class Presence {
   public:
    explicit Presence(Workers& workers);
    ~Presence();
    Presence(const Presence&) = delete;
    Presence& operator=(const Presence&) = delete;

   private:
    Workers& workers_;
  };

  std::size_t threads() const { return threads_; }

  /// `work(0)` on this thread, and beside it `work(1)`, ... on at most `most - 1` others; returns when all have ended.
  /// `work` must not throw. Result: how many threads worked.
  std::size_t Run(std::size_t most, const std::function<void(std::size_t)>& work);

 private:
  struct Job {
    const std::function<void(std::size_t)>* work = nullptr;
    std::size_t next = 1, end = 1;  // numbers to be given out
    std::size_t running = 0;
  };
  void StartPool();  // under mutex_
  void Serve();

  const std::size_t threads_;
  std::mutex mutex_;
  std::condition_variable wanted_, ended_;
  std::vector<Job*> jobs_;  // with numbers to give out
  std::size_t busy_ = 0;    // threads that work for a query, borrowed ones included
  bool stop_ = false;
  std::vector<std::thread> pool_;
};

}  // namespace vedette::promql
