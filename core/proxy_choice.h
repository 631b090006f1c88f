// Which proxy the requests of an HTTP client take: by URL, by host, or as the environment says.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/ip/address.hpp>

#include "core/http_client.h"
#include "core/result.h"
#include "core/url.h"

namespace vedette {

/// Hosts that are asked directly: a list with commas, in the reading of Go's programs.
///
///   10.1.2.3, 2001:db8::1    that address; 10.1.2.3:8080 and [2001:db8::1]:8080 at that port only
///   10.0.0.0/8, fd00::/8     the addresses of a network
///   example.com              that host and all below it; *.example.com and .example.com only those below
///   example.com:8080         the same at that port
///   *                        everything
///
/// What else there is in the list is passed over. localhost and loopback addresses always match. Names are compared as
/// they are written: an international one does not match its xn-- form.
class NoProxyList {
 public:
  explicit NoProxyList(std::string_view text);

  bool Matches(const Url& target) const;

 private:
  struct Network {
    boost::asio::ip::address address;
    unsigned prefix = 0;
    std::uint16_t port = 0;  // 0: any
  };
  struct Domain {
    std::string suffix;  // with its leading dot
    bool itself = false;
    std::uint16_t port = 0;  // 0: any
  };
  void Add(std::string_view entry);

  bool everything_ = false;
  std::vector<Network> networks_;
  std::vector<Domain> domains_;
};

class ProxyChoice {
 public:
  using Variable = std::string (*)(const char* name);  // empty: not set

  /// Reads the environment, if it is asked for, once. Errors: kBadData for a proxy that is no http:// or https:// URL.
  static Result<ProxyChoice> Create(const ProxyOptions& options, Variable environment = FromEnvironment);
  static std::string FromEnvironment(const char* name);

  /// Nothing: directly. Equal targets (scheme, host and port) have equal proxies.
  std::optional<Url> For(const Url& target) const;

 private:
  std::optional<Url> plain_, tls_;     // for http and https targets
  std::optional<NoProxyList> except_;  // nothing: no exceptions, not even localhost
};

}  // namespace vedette
