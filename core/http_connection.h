// One TCP or Unix connection of the HTTP client, with TLS and through a proxy where asked for. Internal to
// core/http_*.cpp: it shows Asio's types.
//
// Everything but the constructor runs on the connection's strand. Nothing here has a timeout of its own: whoever waits
// calls Close() when it has waited enough, and the pending operation ends with an error.
#pragma once

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>

#include "core/secret.h"
#include "core/tls.h"
#include "core/url.h"

namespace vedette::http {

namespace net = boost::asio;
using Strand = net::strand<net::io_context::executor_type>;
using Stream = net::generic::stream_protocol;  // TCP, or a Unix socket

/// Where a connection leads: connections with equal routes are interchangeable.
struct Route {
  Url target;
  std::optional<Url> proxy;
  std::string unix_socket{};  // not empty: leads there, and past every proxy
  bool any_address = false;   // whichever comes first

  /// Through a proxy plain requests of all hosts share a connection to it.
  bool IsProxied() const { return proxy && unix_socket.empty(); }
  bool IsForwarded() const { return IsProxied() && !target.IsTls(); }
  bool IsTunnelled() const { return IsProxied() && target.IsTls(); }
  const Url& FirstHop() const { return IsProxied() ? *proxy : target; }
  std::string PoolKey() const;
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  explicit Connection(Strand strand);

  const Strand& strand() const { return strand_; }

  /// Resolves, connects, asks the proxy for a tunnel, shakes hands: until `deadline` at most per attempted address,
  /// so that a dead first address leaves time for the second. `connect_header`: for a proxy that makes a tunnel.
  /// Errors: kUnavailable with the step that failed and its reason; kBadData, kIo for unusable TLS settings.
  net::awaitable<Status> Open(Route route, const std::vector<std::pair<std::string, Secret>>& connect_header,
                              TlsClientContext& tls, std::chrono::steady_clock::time_point deadline);

  using Transferred = std::tuple<boost::system::error_code, std::size_t>;
  net::awaitable<Transferred> ReadSome(net::mutable_buffer buffer);
  net::awaitable<Transferred> Write(std::array<net::const_buffer, 2> buffers);

  /// Ends the connection and every pending operation. Idempotent.
  void Close();
  /// True when the peer has closed an idle connection, or sent something nobody asked for. Does not block.
  bool IsStale();
  /// What Open() is doing, for the message of a timeout: "resolving", "connecting to" ...
  const char* step() const { return step_; }

 private:
  net::awaitable<Status> Resolve(const Url& hop);
  Status ResolveUnix(const std::string& path);
  net::awaitable<Status> Connect(const Url& hop, std::chrono::steady_clock::time_point deadline);
  net::awaitable<Status> Tunnel(const Route& route, const std::vector<std::pair<std::string, Secret>>& connect_header);
  net::awaitable<Status> Handshake(const Url& peer, TlsClientContext& tls);
  void LimitAttempt(std::chrono::steady_clock::time_point deadline, std::size_t attempts_left);

  Strand strand_;
  Stream::socket socket_;
  using Tls = net::ssl::stream<Stream::socket&>;
  std::unique_ptr<Tls> tls_;                           // with an https:// proxy, else with the target
  std::unique_ptr<net::ssl::stream<Tls&>> inner_tls_;  // with the target through an https:// proxy
  std::shared_ptr<net::ssl::context> tls_context_;
  net::steady_timer wait_;  // for the resolver, then for each attempt to connect
  std::vector<Stream::endpoint> endpoints_;
  std::size_t attempt_ = 0;
  const char* step_ = "connecting to";
  bool closed_ = false;
};

/// "Proxy-Authorization: Basic ...\r\n", or nothing when the URL of the proxy has no user.
std::string ProxyCredentials(const Url& proxy);

}  // namespace vedette::http
