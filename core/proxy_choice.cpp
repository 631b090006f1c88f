#include "core/proxy_choice.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <utility>

namespace vedette {
namespace {

namespace ip = boost::asio::ip;

std::string_view WithoutBlanks(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const auto begin = std::min(text.find_first_not_of(kBlanks), text.size());
  const auto end = text.find_last_not_of(kBlanks);
  return end == std::string_view::npos ? std::string_view() : text.substr(begin, end + 1 - begin);
}

std::string InLowerCase(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

/// IPv4 in the clothes of IPv6 is IPv4.
std::optional<ip::address> AddressOf(std::string_view text) {
  boost::system::error_code error;
  const auto address = ip::make_address(std::string(text), error);
  if (error) return std::nullopt;
  if (address.is_v6() && address.to_v6().is_v4_mapped()) return ip::make_address_v4(ip::v4_mapped, address.to_v6());
  return address;
}

template <class Bytes>
bool SharePrefix(const Bytes& a, const Bytes& b, unsigned bits) {
  const std::size_t whole = bits / 8;
  if (!std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(whole), b.begin())) return false;
  if (bits % 8 == 0) return true;
  const unsigned shift = 8 - bits % 8;
  return a[whole] >> shift == b[whole] >> shift;
}

bool IsWithin(const ip::address& address, const ip::address& network, unsigned prefix) {
  if (address.is_v4() != network.is_v4()) return false;
  return address.is_v4() ? SharePrefix(address.to_v4().to_bytes(), network.to_v4().to_bytes(), prefix)
                         : SharePrefix(address.to_v6().to_bytes(), network.to_v6().to_bytes(), prefix);
}

unsigned BitsOf(const ip::address& address) { return address.is_v4() ? 32 : 128; }

std::optional<unsigned> NumberOf(std::string_view text) {
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// "host:port" or "[address]:port" taken apart; anything else is a host.
std::pair<std::string_view, std::string_view> SplitPort(std::string_view entry) {
  const auto colon = entry.rfind(':');
  if (colon == std::string_view::npos) return {entry, {}};
  const std::string_view host = entry.substr(0, colon), port = entry.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) return {host.substr(1, host.size() - 2), port};
  if (host.find(':') != std::string_view::npos) return {entry, {}};  // an IPv6 address
  return {host, port};
}

/// The URL in a variable; "host:port" is one of http. Nothing when the variable is not set.
Result<std::optional<Url>> ProxyNamed(ProxyChoice::Variable environment, const char* upper, const char* lower) {
  std::string text = environment(upper);
  if (text.empty()) text = environment(lower);
  if (text.empty()) return std::optional<Url>();
  if (text.find("://") == std::string::npos) text.insert(0, "http://");
  auto url = ParseUrl(text);
  if (!url) return Fail(Code::kBadData, "the proxy in the environment variable {}: {}", upper, url.error().message);
  return std::optional(*std::move(url));
}

}  // namespace

NoProxyList::NoProxyList(std::string_view text) {
  while (!text.empty() && !everything_) {
    const auto comma = std::min(text.find(','), text.size());
    Add(InLowerCase(WithoutBlanks(text.substr(0, comma))));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
}

void NoProxyList::Add(std::string_view entry) {
  if (entry == "*") {
    everything_ = true;
    return;
  }
  if (const auto slash = entry.find('/'); slash != std::string_view::npos) {
    const auto network = AddressOf(entry.substr(0, slash));
    auto prefix = NumberOf(entry.substr(slash + 1));
    const bool mapped = network && network->is_v4() && entry.find(':') != std::string_view::npos;
    if (prefix && mapped) *prefix = *prefix < 96 ? 129 : *prefix - 96;
    if (network && prefix && *prefix <= BitsOf(*network)) networks_.push_back({*network, *prefix, 0});
    return;
  }
  auto [host, port_text] = SplitPort(entry);
  const auto port = port_text.empty() ? 0 : NumberOf(port_text);
  if (host.empty() || !port || *port > 65'535) return;
  const auto number = static_cast<std::uint16_t>(*port);
  if (const auto address = AddressOf(host)) {
    networks_.push_back({*address, BitsOf(*address), number});
    return;
  }
  if (host.starts_with("*.")) host.remove_prefix(1);
  const bool itself = host.front() != '.';
  domains_.push_back({(itself ? "." : "") + std::string(host), itself, number});
}

bool NoProxyList::Matches(const Url& target) const {
  if (everything_ || target.host == "localhost") return true;
  const auto at_port = [&](std::uint16_t port) { return port == 0 || port == target.port; };
  if (const auto address = AddressOf(target.host)) {
    if (address->is_loopback()) return true;
    for (const Network& network : networks_) {
      if (at_port(network.port) && IsWithin(*address, network.address, network.prefix)) return true;
    }
  }
  const std::string_view host = target.host;
  return std::ranges::any_of(domains_, [&](const Domain& domain) {
    const std::string_view suffix = domain.suffix;
    return at_port(domain.port) && (host.ends_with(suffix) || (domain.itself && host == suffix.substr(1)));
  });
}

std::string ProxyChoice::FromEnvironment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

Result<ProxyChoice> ProxyChoice::Create(const ProxyOptions& options, Variable environment) {
  ProxyChoice choice;
  if (options.proxy_from_environment) {
    VEDETTE_TRY(choice.plain_, ProxyNamed(environment, "HTTP_PROXY", "http_proxy"));
    VEDETTE_TRY(choice.tls_, ProxyNamed(environment, "HTTPS_PROXY", "https_proxy"));
    std::string except = environment("NO_PROXY");
    if (except.empty()) except = environment("no_proxy");
    choice.except_.emplace(except);
  } else if (!options.proxy_url.empty()) {
    auto url = ParseUrl(options.proxy_url);
    if (!url) return Annotate("proxy_url", url.error());
    choice.plain_ = choice.tls_ = *std::move(url);
    // As in Prometheus: without exceptions even localhost is reached through the proxy.
    if (!options.no_proxy.empty()) choice.except_.emplace(options.no_proxy);
  }
  return choice;
}

std::optional<Url> ProxyChoice::For(const Url& target) const {
  const std::optional<Url>& proxy = target.IsTls() ? tls_ : plain_;
  if (!proxy || (except_ && except_->Matches(target))) return std::nullopt;
  return proxy;
}

}  // namespace vedette
