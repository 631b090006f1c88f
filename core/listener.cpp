#include "core/listener.h"

#include <boost/asio/ip/v6_only.hpp>

#include "core/listen_address.h"

namespace vedette {
namespace {

namespace net = boost::asio;
using boost::system::error_code;
using net::ip::tcp;

Result<tcp::endpoint> Resolve(net::io_context& io, const ListenAddress& address) {
  if (address.host.empty()) return tcp::endpoint(tcp::v6(), address.port);
  tcp::resolver resolver(io);
  error_code error;
  const auto found = resolver.resolve(address.host, std::to_string(address.port), tcp::resolver::passive, error);
  if (error || found.empty()) return Fail(Code::kIo, "host '{}' cannot be resolved: {}", address.host, error.message());
  return found.begin()->endpoint();
}

Status Bind(tcp::acceptor& acceptor, const tcp::endpoint& endpoint, bool dual_stack) {
  error_code error, ignored;
  acceptor.open(endpoint.protocol(), error);
  if (error) return Fail(Code::kIo, "{}", error.message());
  acceptor.set_option(tcp::acceptor::reuse_address(true), ignored);
  if (dual_stack) acceptor.set_option(net::ip::v6_only(false), ignored);
  acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(tcp::acceptor::max_listen_connections, error);
  if (!error) return Ok();
  acceptor.close(ignored);
  return Fail(Code::kIo, "{}", error.message());
}

}  // namespace

Status OpenListener(tcp::acceptor& acceptor, net::io_context& io, const std::string& text) {
  VEDETTE_TRY(const ListenAddress address, ParseListenAddress(text));
  VEDETTE_TRY(const tcp::endpoint endpoint, Resolve(io, address));
  Status status = Bind(acceptor, endpoint, address.host.empty());
  // A machine without IPv6 has no address that stands for both.
  if (!status && address.host.empty()) status = Bind(acceptor, tcp::endpoint(tcp::v4(), address.port), false);
  if (!status) return Annotate("listening on " + text, status.error());
  return Ok();
}

}  // namespace vedette
