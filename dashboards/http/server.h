// The HTTP/1.1 server: io_context threads move bytes, handlers run there or on the worker pool.
//
// A connection is one coroutine on one strand; its requests are answered one after another, in their order, also when
// they arrive pipelined. Bounded are the number of connections, header and body sizes, and the time that every step of
// a slow client may take. Answers are compressed by Accept-Encoding; paths below /api/ carry CORS headers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/result.h"
#include "core/time.h"
#include "dashboards/http/message.h"
#include "dashboards/http/router.h"
#include "dashboards/options.h"

namespace boost::asio {
class io_context;
class thread_pool;
}  // namespace boost::asio
namespace prometheus {
class Registry;
}

namespace vedette::dashboards {

/// Where handlers run. May be one pool.
struct WorkerPools {
  boost::asio::thread_pool& requests;
  /// Of bodies that have limits of their own (BodyLimits): few threads, whose memory stays warm.
  boost::asio::thread_pool& pushes;
  /// So many handlers at a time may run on threads of the io_context instead, which has to have more.
  std::size_t inline_handlers = 0;
};

class Server {
 public:
  /// Binds, listens and starts to accept; connections are served as soon as threads run `io`. `io`, the pools and
  /// `registry` must outlive the server; they must run, not be stopped, until it is destroyed.
  /// Errors: kBadData for the options; kIo when the address cannot be bound, naming it.
  static Result<std::unique_ptr<Server>> Listen(const ServerOptions& options, Router router,
                                                boost::asio::io_context& io, const WorkerPools& workers,
                                                prometheus::Registry& registry);
  /// Stop(0) and then waits, however long, until the last handler has returned: they refer to what the caller owns.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// The port that is listened on.
  std::uint16_t port() const;

  /// Stops accepting, closes idle connections, lets running requests finish until `grace` has passed, then fires their
  /// stop tokens and closes their connections. Waits for that; never call it on a thread of `io` or the pools.
  void Stop(Millis grace);

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace vedette::dashboards
