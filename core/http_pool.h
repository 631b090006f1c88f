// Idle connections of one HTTP client, so that a scrape need not shake hands each time. Internal to core/http_*.cpp.
//
// Thread-safe. A connection is closed when it has been idle for too long, when its host has enough idle ones, or when
// the pool is full (the oldest goes).
#pragma once

#include <chrono>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include <boost/asio/steady_timer.hpp>

#include "core/http_connection.h"

namespace vedette::http {

class Pool : public std::enable_shared_from_this<Pool> {
 public:
  static constexpr std::size_t kMaxPerRoute = 4;
  static constexpr std::size_t kMaxIdle = 4096;
  /// Longer than the usual scrape interval.
  static constexpr std::chrono::seconds kMaxIdleTime{90};

  explicit Pool(net::io_context& io) : sweep_(io) {}

  /// The connection most recently given back for this route, or null.
  std::shared_ptr<Connection> Take(const std::string& key);
  void Give(const std::string& key, std::shared_ptr<Connection> connection);
  /// Closes everything; what is given later is closed at once.
  void Close();

 private:
  struct Idle {
    std::string key;
    std::shared_ptr<Connection> connection;
    std::chrono::steady_clock::time_point since;
  };
  using List = std::list<Idle>;

  void Remove(List::iterator idle);
  void ScheduleSweep();
  void Sweep();

  std::mutex mutex_;
  List idle_;                                                            // oldest first
  std::unordered_map<std::string, std::list<List::iterator>> by_route_;  // oldest first
  net::steady_timer sweep_;
  bool sweeping_ = false;
  bool closed_ = false;
};

}  // namespace vedette::http
