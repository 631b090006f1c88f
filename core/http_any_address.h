// An HTTP client that spreads its connections over all addresses of a name.
#pragma once

#include <memory>

#include "core/http_client.h"
#include "core/result.h"

namespace vedette::http {

/// As HttpClient::Create(), but each new connection tries the addresses in an order of its own.
Result<std::unique_ptr<HttpClient>> CreateForAnyAddress(boost::asio::io_context& io, const HttpConfig& config);

}  // namespace vedette::http
