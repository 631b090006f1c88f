// "host:port" as --web.listen-address and other addresses to listen on have it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.h"

namespace vedette {

struct ListenAddress {
  std::string host;  // empty: all interfaces, IPv4 and IPv6; IPv6 without brackets
  std::uint16_t port = 0;
};

/// Errors: kBadData for a missing or wrong port and unbalanced brackets.
Result<ListenAddress> ParseListenAddress(std::string_view text);

}  // namespace vedette
