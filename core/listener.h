// Opens what accepts connections on an address. Shows Asio's types: for .cpp files of servers.
#pragma once

#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "core/result.h"

namespace vedette {

/// `address` as ParseListenAddress() takes it; of all interfaces on a machine without IPv6 those with IPv4. Resolves a
/// name on this thread. Errors: kBadData for the address; kIo with what the system says.
Status OpenListener(boost::asio::ip::tcp::acceptor& acceptor, boost::asio::io_context& io, const std::string& address);

}  // namespace vedette
