// What the connections of one server share. It outlives the Server until the last connection's coroutine has ended.
// Internal to dashboards/http/*.cpp.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <stop_token>
#include <unordered_set>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include "core/time.h"
#include "dashboards/http/http_metrics.h"
#include "dashboards/http/negotiation.h"
#include "dashboards/http/router.h"
#include "dashboards/http/server.h"
#include "dashboards/options.h"

namespace vedette::dashboards {

class Session;

class Hub : public std::enable_shared_from_this<Hub> {
 public:
  Hub(boost::asio::io_context& io_context, const ServerOptions& server_options, Router server_router,
      CorsPolicy cors_policy, const WorkerPools& worker_pools, prometheus::Registry& registry)
      : io(io_context),
        options(server_options),
        router(std::move(server_router)),
        cors(std::move(cors_policy)),
        workers(worker_pools),
        metrics(registry),
        look_(io_context) {}

  /// False: as many connections are open as may be, or the server stops.
  bool Join(Session* session);
  void Leave(Session* session);

  /// Bracket every handler: RunningHandler.
  void HandlerStarts();
  void HandlerEnded();

  /// Whether the thread of `io` that read a request may run its handler: so nobody has to be woken, which takes longer
  /// than a small query. InlineEnded() follows.
  bool TryInline() {
    if (inline_.fetch_add(1) < workers.inline_handlers) return true;
    inline_.fetch_sub(1);
    return false;
  }
  void InlineEnded() { inline_.fetch_sub(1); }

  /// A handler's client, watched while the handler runs or streams.
  struct Client {
    int descriptor = -1;
    std::stop_source stop;  // fired when the client has left
  };
  using Clients = std::list<Client>;
  Clients::iterator Watch(int descriptor, std::stop_source stop);
  void Unwatch(Clients::iterator client);

  bool stopping() const;
  /// From now on nobody joins; sessions without a request are closed, the others after their answer.
  void BeginStop();
  /// Fires the stop tokens of all requests and closes their connections.
  void Abort();
  /// False when sessions are left after `patience`.
  bool WaitForSessions(Millis patience);
  void WaitForHandlers();

  boost::asio::io_context& io;
  const ServerOptions options;
  const Router router;
  const CorsPolicy cors;
  const WorkerPools workers;
  HttpMetrics metrics;

 private:
  void LookLater();
  void Look();

  std::atomic<std::size_t> inline_ = 0;
  std::mutex clients_mutex_;  // the three below
  Clients clients_;
  bool looks_ = false;  // the timer runs
  boost::asio::steady_timer look_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::unordered_set<Session*> sessions_;  // guarded by mutex_
  std::size_t handlers_ = 0;               // guarded by mutex_
  bool stopping_ = false;                  // guarded by mutex_
};

/// A handler runs, or what it left behind is still of use, while this lives.
class RunningHandler {
 public:
  explicit RunningHandler(Hub& hub) : hub_(hub) { hub_.HandlerStarts(); }
  ~RunningHandler() { hub_.HandlerEnded(); }
  RunningHandler(const RunningHandler&) = delete;
  RunningHandler& operator=(const RunningHandler&) = delete;

 private:
  Hub& hub_;
};

/// Hub::Watch() while it lives.
class ClientWatch {
 public:
  ClientWatch(Hub& hub, int descriptor, std::stop_source stop)
      : hub_(hub), client_(hub.Watch(descriptor, std::move(stop))) {}
  ~ClientWatch() { hub_.Unwatch(client_); }
  ClientWatch(const ClientWatch&) = delete;
  ClientWatch& operator=(const ClientWatch&) = delete;

 private:
  Hub& hub_;
  const Hub::Clients::iterator client_;
};

}  // namespace vedette::dashboards
