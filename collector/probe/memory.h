// What all probes together may keep of what their targets send. Each may be sent 64 MiB: hundreds at once must not take
// the memory of the agent.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

namespace vedette::collector {

/// Bytes in use. Thread-safe.
class ProbeBudget {
 public:
  explicit ProbeBudget(std::size_t limit) : limit_(limit) {}
  /// False, and nothing taken, when it would be too much.
  bool Take(std::size_t bytes) {
    if (used_.fetch_add(bytes) + bytes <= limit_) return true;
    used_.fetch_sub(bytes);
    return false;
  }
  void Give(std::size_t bytes) { used_.fetch_sub(bytes); }
  std::size_t used() const { return used_; }

 private:
  const std::size_t limit_;
  std::atomic<std::size_t> used_{0};
};

/// One probe's part, given back with it. Thread-safe: a worker may keep it longer than the probe runs.
class ProbeShare {
 public:
  explicit ProbeShare(std::shared_ptr<ProbeBudget> budget) : budget_(std::move(budget)) {}
  ~ProbeShare() { GiveBack(); }
  ProbeShare(const ProbeShare&) = delete;
  ProbeShare& operator=(const ProbeShare&) = delete;

  bool Take(std::size_t bytes) {
    if (!budget_->Take(bytes)) {
      refused_ = true;
      return false;
    }
    taken_ += bytes;
    return true;
  }
  void GiveBack() { budget_->Give(taken_.exchange(0)); }
  /// Whether there was not enough once.
  bool refused() const { return refused_; }

 private:
  const std::shared_ptr<ProbeBudget> budget_;
  std::atomic<std::size_t> taken_{0};
  std::atomic<bool> refused_{false};
};

}  // namespace vedette::collector
