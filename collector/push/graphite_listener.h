// The TCP end of Graphite's plaintext protocol.
//
// A connection is a coroutine on a strand. What one read brought is stored before the next read, whole lines of it, so
// that nothing waits for more to come and a sender is slowed down when the store is. There are no answers in this
// protocol: what is not stored is counted. Bounded are connections, lines, and how long a connection may be silent.
#pragma once

#include <cstdint>
#include <memory>

#include "collector/push/graphite.h"
#include "core/result.h"

namespace boost::asio {
class io_context;
class thread_pool;
}  // namespace boost::asio
namespace prometheus {
class Registry;
}

namespace vedette::collector {

class GraphiteListener {
 public:
  /// Listens on PushOptions::graphite_listen_address. Everything outlives the listener. Errors: kBadData, kIo, naming
  /// the address.
  static Result<std::unique_ptr<GraphiteListener>> Listen(Intake& intake, boost::asio::io_context& io,
                                                          boost::asio::thread_pool& workers,
                                                          prometheus::Registry& registry);
  /// Stops.
  ~GraphiteListener();

  std::uint16_t port() const;

  /// Closes everything and waits until what was read is stored. Never call it on a thread of `io` or `workers`, which
  /// must still run.
  void Stop();

 private:
  struct Impl;
  explicit GraphiteListener(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace vedette::collector
