// How many shards a remote end needs: Prometheus' calculation, from the rates of what comes in and goes out.
//
// Rates are averages that forget with time, updated every ten seconds. One thread.
#pragma once

#include <chrono>
#include <cstdint>

#include "collector/remote/options.h"

namespace vedette::collector {

class ShardPlan {
 public:
  static constexpr std::chrono::seconds kUpdateEvery{10};

  explicit ShardPlan(const RemoteQueueOptions& options) : options_(options) {}

  void NoteIn(std::size_t samples) { in_.count += static_cast<double>(samples); }
  void NoteDropped(std::size_t samples) { dropped_.count += static_cast<double>(samples); }
  /// A request was done after so long, counted from its first attempt.
  void NoteOut(std::size_t samples, double seconds) {
    out_.count += static_cast<double>(samples);
    out_seconds_.count += seconds;
  }

  /// Call it every kUpdateEvery. `behind_seconds`: between the newest sample that came in and the newest that went out.
  /// The number to have from now on, `shards` when nothing should change.
  int Update(int shards, double behind_seconds);
  /// The result of the last calculation before its bounds.
  double desired() const { return desired_; }

 private:
  struct Rate {
    double count = 0, per_second = 0;
    bool started = false;
    void Tick();
  };

  const RemoteQueueOptions options_;
  Rate in_, dropped_, out_, out_seconds_;
  double desired_ = 0;
};

}  // namespace vedette::collector
