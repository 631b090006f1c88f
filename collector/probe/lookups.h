// Looks names up for probes, as the system does (hosts file, DNS and whatever else nsswitch.conf names), on threads of
// its own: the system's resolver cannot be interrupted, and Asio's has one thread for the whole agent, which a few
// probes of dead names would keep from scrapes and alerts.
//
// A name that is being looked up is not asked for twice at the same time, so that a dead one holds one thread however
// often it is probed. Threads begin when there is work and end when there is none.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <boost/asio/ip/address.hpp>

namespace vedette::collector {

struct LookupReply {
  std::vector<boost::asio::ip::address> addresses;
  std::string problem;  // why there are none
};

/// Thread-safe. The threads keep it alive; after Close() they touch nothing of the agent.
class ProbeLookups : public std::enable_shared_from_this<ProbeLookups> {
 public:
  using Ask = std::function<LookupReply(const std::string& host)>;
  struct Limits {
    std::size_t threads = 32, names = 1000;
  };
  explicit ProbeLookups(Ask ask, Limits limits) : ask_(std::move(ask)), limits_(limits) {}
  /// Asks the system.
  static std::shared_ptr<ProbeLookups> Create();

  /// Called once, on a thread of the lookups and under their mutex: it may post something, no more.
  using Done = std::function<void(const LookupReply&)>;
  /// For Cancel(). 0: too many names are waiting, `done` will not be called.
  std::uint64_t Start(const std::string& host, Done done);
  /// When it returns, `done` has been called or will not be.
  void Cancel(const std::string& host, std::uint64_t ticket);
  /// Cancels everything and takes nothing any more.
  void Close();

 private:
  struct Lookup {
    bool started = false;
    std::map<std::uint64_t, Done> waiters;
  };
  void Work();
  bool NeedThread();

  const Ask ask_;
  const Limits limits_;
  std::mutex mutex_;
  std::map<std::string, Lookup> lookups_;  // guarded by mutex_, as what follows
  std::deque<std::string> waiting_;        // names in lookups_ that nobody has begun with
  std::size_t threads_ = 0;
  std::uint64_t last_ticket_ = 0;
  bool closed_ = false;
};

}  // namespace vedette::collector
