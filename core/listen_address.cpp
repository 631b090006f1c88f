#include "core/listen_address.h"

#include <charconv>

namespace vedette {

Result<ListenAddress> ParseListenAddress(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return Fail(Code::kBadData, "listen address '{}' lacks a port", text);
  std::string_view host = text.substr(0, colon);
  const std::string_view port_text = text.substr(colon + 1);
  ListenAddress out;
  const auto [end, error] = std::from_chars(port_text.data(), port_text.data() + port_text.size(), out.port);
  if (error != std::errc() || end != port_text.data() + port_text.size()) {
    return Fail(Code::kBadData, "port '{}' of listen address '{}' is not a number up to 65535", port_text, text);
  }
  if (host.starts_with('[') != host.ends_with(']')) {
    return Fail(Code::kBadData, "listen address '{}' has unbalanced brackets", text);
  }
  if (host.starts_with('[')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return Fail(Code::kBadData, "the IPv6 address in '{}' must stand in brackets", text);
  }
  out.host = host;
  return out;
}

}  // namespace vedette
