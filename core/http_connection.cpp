#include "core/http_connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <random>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "core/http_head.h"
#include "core/labels.h"

namespace vedette::http {
namespace {

using boost::system::error_code;
using net::ip::tcp;
using std::chrono::steady_clock;

constexpr auto kTuple = net::as_tuple(net::use_awaitable);
/// Addresses of one name that are tried.
constexpr std::size_t kMaxAddresses = 8;
/// A proxy's answer to CONNECT: head only.
constexpr std::size_t kMaxTunnelReply = 8 << 10;

/// A peer that went without a word is noticed within two minutes, also while nothing is to be sent.
void KeepAlive(int socket) {
  constexpr std::array<std::array<int, 3>, 4> kOptions = {{{SOL_SOCKET, SO_KEEPALIVE, 1},
                                                           {IPPROTO_TCP, TCP_KEEPIDLE, 30},
                                                           {IPPROTO_TCP, TCP_KEEPINTVL, 15},
                                                           {IPPROTO_TCP, TCP_KEEPCNT, 5}}};
  for (const auto& [level, name, value] : kOptions) {
    ::setsockopt(socket, level, name, &value, sizeof(value));
  }
}

Error Unavailable(std::string_view step, const Url& hop, std::string_view reason) {
  return Fail(Code::kUnavailable, "{} {}: {}", step, hop.Authority(), reason);
}

}  // namespace

std::string Route::PoolKey() const {
  if (!unix_socket.empty()) return "unix:" + unix_socket + ":" + target.scheme + "://" + target.Authority();
  if (IsForwarded()) return "proxy";
  return target.scheme + "://" + target.Authority();
}

std::string ProxyCredentials(const Url& proxy) {
  if (proxy.username.empty()) return {};
  return "Proxy-Authorization: Basic " + Base64Encode(proxy.username + ":" + proxy.password) + "\r\n";
}

Connection::Connection(Strand strand) : strand_(strand), socket_(strand), wait_(strand) {}

net::awaitable<Status> Connection::Open(Route route, const std::vector<std::pair<std::string, Secret>>& connect_header,
                                        TlsClientContext& tls, steady_clock::time_point deadline) {
  Status status = Ok();
  if (route.unix_socket.empty()) {
    status = co_await Resolve(route.FirstHop());
    if (route.any_address) std::ranges::shuffle(endpoints_, std::minstd_rand(std::random_device()()));
  } else {
    status = ResolveUnix(route.unix_socket);
  }
  if (status) status = co_await Connect(route.FirstHop(), deadline);
  if (status && route.IsProxied() && route.proxy->IsTls()) status = co_await Handshake(*route.proxy, tls);
  if (status && route.IsTunnelled()) status = co_await Tunnel(route, connect_header);
  if (status && route.target.IsTls()) status = co_await Handshake(route.target, tls);
  if (!status && !route.unix_socket.empty()) co_return Annotate(route.unix_socket, status.error());
  co_return status;
}

Status Connection::ResolveUnix(const std::string& path) {
  if (path.size() >= sizeof(sockaddr_un::sun_path)) {
    return Fail(Code::kBadData, "the path {} is too long for a Unix socket", Quote(path));
  }
  endpoints_ = {net::local::stream_protocol::endpoint(path)};
  return Ok();
}

net::awaitable<Status> Connection::Resolve(const Url& hop) {
  step_ = "resolving";
  error_code not_an_address;
  const auto address = net::ip::make_address(hop.host, not_an_address);
  if (!not_an_address) {
    endpoints_ = {tcp::endpoint(address, hop.port)};
    co_return Ok();
  }
  // The resolver's thread cannot be interrupted, so this waits for a timer that the resolver or Close() cancels.
  struct Lookup {
    explicit Lookup(const Strand& strand) : resolver(strand) {}
    tcp::resolver resolver;
    bool done = false;
    error_code error;
    tcp::resolver::results_type results;
  };
  const auto lookup = std::make_shared<Lookup>(strand_);
  wait_.expires_at(steady_clock::time_point::max());
  lookup->resolver.async_resolve(hop.host, std::to_string(hop.port), tcp::resolver::numeric_service,
                                 [lookup, self = shared_from_this()](error_code error, auto results) {
                                   lookup->done = true;
                                   lookup->error = error;
                                   lookup->results = std::move(results);
                                   self->wait_.cancel();
                                 });
  co_await wait_.async_wait(kTuple);
  if (!lookup->done) co_return Unavailable(step_, hop, "stopped");
  if (lookup->error) co_return Unavailable(step_, hop, lookup->error.message());
  for (const auto& entry : lookup->results) {
    if (endpoints_.size() < kMaxAddresses) endpoints_.emplace_back(entry.endpoint());
  }
  co_return Ok();
}

void Connection::LimitAttempt(steady_clock::time_point deadline, std::size_t attempts_left) {
  if (attempts_left < 2) return;  // the last one may use all the time there is
  const auto now = steady_clock::now();
  wait_.expires_at(now + (deadline - now) / static_cast<int>(attempts_left));
  wait_.async_wait([weak = weak_from_this(), attempt = attempt_](error_code error) {
    const auto self = weak.lock();
    error_code ignored;
    if (!error && self && self->attempt_ == attempt) self->socket_.close(ignored);
  });
}

net::awaitable<Status> Connection::Connect(const Url& hop, steady_clock::time_point deadline) {
  step_ = "connecting to";
  error_code last = net::error::host_not_found;
  for (std::size_t i = 0; i < endpoints_.size() && !closed_; ++i) {
    LimitAttempt(deadline, endpoints_.size() - i);
    const auto [error] = co_await socket_.async_connect(endpoints_[i], kTuple);
    ++attempt_;
    wait_.cancel();
    error_code ignored;
    if (!error && !closed_) {
      socket_.set_option(tcp::no_delay(true), ignored);  // not of a Unix socket
      KeepAlive(socket_.native_handle());
      co_return Ok();
    }
    last = error == net::error::operation_aborted ? error_code(net::error::timed_out) : error;
    socket_.close(ignored);
  }
  co_return Unavailable(step_, hop, last.message());
}

net::awaitable<Status> Connection::Tunnel(const Route& route,
                                          const std::vector<std::pair<std::string, Secret>>& connect_header) {
  step_ = "asking the proxy at";
  const std::string target = route.target.Authority();
  const std::string credentials = ProxyCredentials(*route.proxy);
  auto headers = connect_header;
  if (!credentials.empty()) {  // those of the proxy's URL are the ones that count
    std::erase_if(headers, [](const auto& header) { return EqualsIgnoreCase(header.first, "Proxy-Authorization"); });
  }
  const auto lines = HeaderLines(headers);
  if (!lines) co_return Annotate("proxy_connect_header", lines.error());
  const std::string ask = "CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\n" + *lines + credentials + "\r\n";
  const auto [write_error, written] = co_await Write({net::buffer(ask), net::const_buffer()});
  if (write_error) co_return Unavailable(step_, *route.proxy, write_error.message());
  std::string reply;
  while (reply.find("\r\n\r\n") == std::string::npos) {
    // Byte by byte would be exact, too: nothing may follow the head before the client speaks TLS.
    std::array<char, 1024> piece;
    const auto [error, size] = co_await ReadSome(net::buffer(piece));
    if (error) co_return Unavailable(step_, *route.proxy, error.message());
    reply.append(piece.data(), size);
    if (reply.size() > kMaxTunnelReply) co_return Unavailable(step_, *route.proxy, "its answer is too long");
  }
  const std::string_view status_line = std::string_view(reply).substr(0, reply.find("\r\n"));
  if (!status_line.starts_with("HTTP/1.") || status_line.size() < 12 || status_line.substr(8, 2) != " 2") {
    co_return Unavailable(step_, *route.proxy, fmt::format("no tunnel: {}", Quote(status_line.substr(0, 80))));
  }
  co_return Ok();
}

net::awaitable<Status> Connection::Handshake(const Url& peer, TlsClientContext& tls) {
  step_ = "TLS handshake with";
  auto context = tls.Get();
  if (!context) co_return Annotate(fmt::format("TLS settings for {}", peer.Authority()), context.error());
  tls_context_ = *context;
  const bool inner = tls_ != nullptr;
  if (inner) {
    inner_tls_ = std::make_unique<net::ssl::stream<Tls&>>(*tls_, *tls_context_);
  } else {
    tls_ = std::make_unique<Tls>(socket_, *tls_context_);
  }
  SSL* const native = inner ? inner_tls_->native_handle() : tls_->native_handle();
  Status prepared = tls.Prepare(native, peer.host);
  if (!prepared) co_return prepared;
  error_code error;
  if (inner) {
    std::tie(error) = co_await inner_tls_->async_handshake(net::ssl::stream_base::client, kTuple);
  } else {
    std::tie(error) = co_await tls_->async_handshake(net::ssl::stream_base::client, kTuple);
  }
  if (error) co_return Unavailable(step_, peer, TlsFailure(native, error.message()));
  co_return Ok();
}

net::awaitable<Connection::Transferred> Connection::ReadSome(net::mutable_buffer buffer) {
  if (inner_tls_) co_return co_await inner_tls_->async_read_some(buffer, kTuple);
  if (tls_) co_return co_await tls_->async_read_some(buffer, kTuple);
  co_return co_await socket_.async_read_some(buffer, kTuple);
}

net::awaitable<Connection::Transferred> Connection::Write(std::array<net::const_buffer, 2> buffers) {
  if (inner_tls_) co_return co_await net::async_write(*inner_tls_, buffers, kTuple);
  if (tls_) co_return co_await net::async_write(*tls_, buffers, kTuple);
  co_return co_await net::async_write(socket_, buffers, kTuple);
}

void Connection::Close() {
  closed_ = true;
  error_code ignored;
  socket_.close(ignored);
  wait_.cancel();
}

bool Connection::IsStale() {
  if (closed_) return true;
  char byte = 0;
  const auto got = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return !(got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK));
}

}  // namespace vedette::http
