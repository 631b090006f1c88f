// Runs one discovery in a test, and waits for what it reports.
#pragma once

#include <prometheus/counter.h>
#include <prometheus/registry.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "collector/discovery/discovery.h"
#include "collector/discovery/discovery_metrics.h"
#include "core/clock.h"
#include "tests/support/catch.h"

namespace vedette::collector {

class DiscoveryFixture {
 public:
  DiscoveryFixture() : io_thread_([this] { io_.run(); }) {}
  ~DiscoveryFixture() {
    discovery_.reset();
    work_.reset();
    io_thread_.join();
    workers_.join();
  }
  DiscoveryFixture(const DiscoveryFixture&) = delete;
  DiscoveryFixture& operator=(const DiscoveryFixture&) = delete;

  DiscoveryEnvironment environment() { return {io_, workers_, SystemClock(), metrics, HttpClient::Create}; }

  void Run(std::unique_ptr<Discovery> discovery) {
    discovery_ = std::move(discovery);
    discovery_->Start([this](TargetUpdate update) {
      std::vector<TargetGroup> groups = std::move(update.groups);
      const std::lock_guard lock(mutex_);
      groups_ = std::move(groups);
      ++reports_;
      reported_.notify_all();
    });
  }
  void Stop() { discovery_.reset(); }

  /// Waits (10 s at most) until the newest report is one that `fits` likes.
  bool Wait(const std::function<bool(const std::vector<TargetGroup>&)>& fits) {
    std::unique_lock lock(mutex_);
    return reported_.wait_for(lock, std::chrono::seconds(10), [&] { return reports_ > 0 && fits(groups_); });
  }
  /// Waits (10 s at most) until the addresses of all targets are these, in this order.
  bool WaitForAddresses(const std::string& wanted) {
    return Wait([&](const std::vector<TargetGroup>& groups) { return AddressesOf(groups) == wanted; });
  }
  /// Waits (10 s at most) for something that no report tells of.
  static bool WaitUntil(const std::function<bool()>& holds) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!holds() && std::chrono::steady_clock::now() < end) std::this_thread::yield();
    return holds();
  }
  std::vector<TargetGroup> groups() const {
    const std::lock_guard lock(mutex_);
    return groups_;
  }
  std::string addresses() const { return AddressesOf(groups()); }

  static std::string AddressesOf(const std::vector<TargetGroup>& groups) {
    std::string all;
    for (const TargetGroup& group : groups) {
      for (const Labels& target : group.targets) {
        all += (all.empty() ? "" : " ") + std::string(target.Get("__address__"));
      }
    }
    return all;
  }

 private:
  prometheus::Registry registry_;

 public:
  DiscoveryMetrics metrics{registry_};

 private:
  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{io_.get_executor()};
  boost::asio::thread_pool workers_{2};
  std::unique_ptr<Discovery> discovery_;
  mutable std::mutex mutex_;
  std::condition_variable reported_;
  std::vector<TargetGroup> groups_;  // guarded by mutex_
  int reports_ = 0;                  // guarded by mutex_
  std::thread io_thread_;
};

}  // namespace vedette::collector
