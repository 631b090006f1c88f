// What the connections of one server share. It outlives the Server until the last connection's coroutine has ended.
// Internal to dashboards/http/*.cpp.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <unordered_set>

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include "core/time.h"
#include "dashboards/http/http_metrics.h"
#include "dashboards/http/negotiation.h"
#include "dashboards/http/router.h"
#include "dashboards/http/server.h"
#include "dashboards/options.h"

namespace vedette::dashboards {

class Session;

class Hub {
 public:
  Hub(const ServerOptions& server_options, Router server_router, CorsPolicy cors_policy,
      const WorkerPools& worker_pools, prometheus::Registry& registry)
      : options(server_options),
        router(std::move(server_router)),
        cors(std::move(cors_policy)),
        workers(worker_pools),
        metrics(registry) {}

  /// False: as many connections are open as may be, or the server stops.
  bool Join(Session* session);
  void Leave(Session* session);

  /// Bracket every handler: RunningHandler.
  void HandlerStarts();
  void HandlerEnded();

  bool stopping() const;
  /// From now on nobody joins; sessions without a request are closed, the others after their answer.
  void BeginStop();
  /// Fires the stop tokens of all requests and closes their connections.
  void Abort();
  /// False when sessions are left after `patience`.
  bool WaitForSessions(Millis patience);
  void WaitForHandlers();

  const ServerOptions options;
  const Router router;
  const CorsPolicy cors;
  const WorkerPools workers;
  HttpMetrics metrics;

 private:
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

}  // namespace vedette::dashboards
