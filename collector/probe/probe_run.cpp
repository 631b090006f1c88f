#include "collector/probe/probe_run.h"

#include <array>
#include <charconv>
#include <utility>

#include <boost/asio/ssl/context.hpp>
#include <boost/asio/write.hpp>

namespace vedette::collector {
namespace {

using boost::system::error_code;
using net::ip::tcp;

constexpr auto kProbeTuple = net::as_tuple(net::use_awaitable);
constexpr ProbeGauge kLookupTime{"probe_dns_lookup_time_seconds",
                                 "Returns the time taken for probe dns lookup in seconds"};
constexpr ProbeGauge kIpProtocol{"probe_ip_protocol", "Specifies whether probe ip protocol is IP4 or IP6"};
constexpr ProbeGauge kIpHash{"probe_ip_addr_hash",
                             "Specifies the hash of IP address. It's useful to detect if the IP address changes."};

/// Shared with whoever answers, who may come after nobody waits any more.
struct ProbeLookup {
  bool done = false;
  LookupReply reply;
};

/// The first address of the preferred family, else the last of the other one, as blackbox_exporter chooses.
std::optional<net::ip::address> ChooseAddress(const std::vector<net::ip::address>& addresses, const IpChoice& choice) {
  std::optional<net::ip::address> other;
  for (const net::ip::address& address : addresses) {
    if (address.is_v4() == choice.prefer_ip4) return address;
    other = address;
  }
  return choice.fallback ? other : std::nullopt;
}

net::ip::address WithoutMapping(const net::ip::address& address) {
  if (!address.is_v6() || !address.to_v6().is_v4_mapped()) return address;
  return net::ip::make_address_v4(net::ip::v4_mapped, address.to_v6());
}

}  // namespace

void ProbeRun::Begin(Millis timeout) {
  timer_.expires_after(timeout);
  timer_.async_wait([weak = weak_from_this()](error_code error) {
    const auto self = weak.lock();
    if (!error && self) self->Expire();
  });
}

void ProbeRun::Expire() {
  if (expired_) return;
  expired_ = true;
  wait_.cancel();
  for (const auto& stop : stops_) stop();
}

void ProbeRun::OnExpiry(std::function<void()> stop) {
  if (expired_) return stop();
  stops_.push_back(std::move(stop));
}

net::awaitable<Result<net::ip::address>> ProbeRun::Resolve(const std::string& host, const IpChoice& choice,
                                                           double& seconds) {
  const bool first = !std::exchange(resolved_, true);
  if (first) {
    for (const ProbeGauge& gauge : {kIpProtocol, kIpHash, kLookupTime}) metrics.Set(gauge, 0);
  }
  log.Info("Resolving target address", {{"target", host}, {"ip_protocol", choice.prefer_ip4 ? "ip4" : "ip6"}});
  const auto start = std::chrono::steady_clock::now();
  const auto lookup = std::make_shared<ProbeLookup>();
  error_code not_an_address;
  const net::ip::address literal = net::ip::make_address(host, not_an_address);
  if (!not_an_address) {
    lookup->done = true;
    lookup->reply.addresses = {literal};
  } else if (!expired_) {
    const auto answer = [lookup, self = shared_from_this()](const LookupReply& reply) {
      net::post(self->strand_, [lookup, self, reply] {
        lookup->done = true;
        lookup->reply = reply;
        self->wait_.cancel();
      });
    };
    wait_.expires_at(SteadyTime::max());
    const std::uint64_t ticket = lookups_->Start(host, answer);
    if (ticket != 0) {
      co_await wait_.async_wait(kProbeTuple);
      if (!lookup->done) lookups_->Cancel(host, ticket);
    } else {
      lookup->done = true;
      lookup->reply.problem = "too many names are being looked up";
    }
  }
  for (net::ip::address& address : lookup->reply.addresses) address = WithoutMapping(address);
  seconds = SecondsBetween(start, std::chrono::steady_clock::now());
  if (first) metrics.Set(kLookupTime, seconds);
  const auto address = ChooseAddress(lookup->reply.addresses, choice);
  if (!address) {
    const std::string reason = !lookup->done                    ? "timed out"
                               : !lookup->reply.problem.empty() ? lookup->reply.problem
                                                                : "unable to find ip; no fallback";
    log.Error("Error resolving address", {{"err", fmt::format("lookup {}: {}", host, reason)}});
    co_return Fail(Code::kUnavailable, "lookup {}: {}", host, reason);
  }
  if (first) {
    metrics.Set(kIpProtocol, address->is_v4() ? 4 : 6);
    metrics.Set(kIpHash, AddressHash(*address));
  }
  log.Info("Resolved target address", {{"target", host}, {"ip", address->to_string()}});
  co_return *address;
}

std::shared_ptr<ProbeStream> ProbeStream::Create(ProbeRun& run) {
  auto stream = std::make_shared<ProbeStream>(run.strand());
  run.OnExpiry([weak = std::weak_ptr(stream)] {
    if (const auto self = weak.lock()) self->Close();
  });
  return stream;
}

net::awaitable<Status> ProbeStream::Connect(tcp::endpoint endpoint, std::string source) {
  if (closed_) {
    co_return Fail(Code::kUnavailable, "dial tcp {}:{}: i/o timeout", endpoint.address().to_string(), endpoint.port());
  }
  error_code error;
  socket_.open(endpoint.protocol(), error);
  if (error) co_return Fail(Code::kIo, "cannot make a socket: {}", error.message());
  if (!source.empty()) {
    const net::ip::address local = net::ip::make_address(source, error);
    if (error) co_return Fail(Code::kBadData, "error parsing source ip address: {}", source);
    socket_.bind(tcp::endpoint(local, 0), error);
    if (error) co_return Fail(Code::kUnavailable, "cannot bind to {}: {}", source, error.message());
  }
  const auto [connect_error] = co_await socket_.async_connect(endpoint, kProbeTuple);
  if (connect_error || !socket_.is_open()) {
    const bool late = connect_error == net::error::operation_aborted || !connect_error;
    co_return Fail(Code::kUnavailable, "dial tcp {}:{}: {}", endpoint.address().to_string(), endpoint.port(),
                   late ? "i/o timeout" : connect_error.message());
  }
  socket_.set_option(tcp::no_delay(true), error);
  co_return Ok();
}

net::awaitable<Status> ProbeStream::Handshake(ProbeRun& run, std::string host) {
  using Context = Result<std::shared_ptr<net::ssl::context>>;
  const std::shared_ptr<TlsClientContext> settings = run.tls;
  if (!settings) co_return Fail(Code::kBadData, "TLS handshake: no settings");
  const std::function<Context()> get = [settings] { return settings->Get(); };  // may read files
  auto context = co_await run.Offload(get);
  if (!context || closed_) co_return Fail(Code::kUnavailable, "TLS handshake: i/o timeout");
  if (!*context) co_return context->error();
  context_ = **std::move(context);
  tls_ = std::make_unique<net::ssl::stream<tcp::socket&>>(socket_, *context_);
  const Status prepared = settings->Prepare(tls_->native_handle(), host);
  if (!prepared) co_return prepared.error();
  const auto [error] = co_await tls_->async_handshake(net::ssl::stream_base::client, kProbeTuple);
  if (error) {
    const bool late = error == net::error::operation_aborted || error == net::error::bad_descriptor;
    co_return Fail(Code::kUnavailable, "TLS handshake: {}",
                   late ? "i/o timeout" : TlsFailure(tls_->native_handle(), error.message()));
  }
  co_return Ok();
}

net::awaitable<ProbeStream::Transferred> ProbeStream::Read(net::mutable_buffer buffer) {
  if (tls_) co_return co_await tls_->async_read_some(buffer, kProbeTuple);
  co_return co_await socket_.async_read_some(buffer, kProbeTuple);
}

net::awaitable<ProbeStream::Transferred> ProbeStream::WriteAll(net::const_buffer buffer) {
  if (tls_) co_return co_await net::async_write(*tls_, buffer, kProbeTuple);
  co_return co_await net::async_write(socket_, buffer, kProbeTuple);
}

void ProbeStream::Close() {
  closed_ = true;
  error_code ignored;
  socket_.close(ignored);
}

Result<std::pair<std::string, std::string>> SplitHostPort(std::string_view target) {
  if (target.starts_with('[')) {
    const std::size_t end = target.find(']');
    if (end == std::string_view::npos) return Fail(Code::kBadData, "address {}: missing ']' in address", target);
    const std::string_view rest = target.substr(end + 1);
    if (!rest.starts_with(':')) return Fail(Code::kBadData, "address {}: missing port in address", target);
    return std::pair(std::string(target.substr(1, end - 1)), std::string(rest.substr(1)));
  }
  const std::size_t colon = target.rfind(':');
  if (colon == std::string_view::npos) return Fail(Code::kBadData, "address {}: missing port in address", target);
  if (target.find(':') != colon) return Fail(Code::kBadData, "address {}: too many colons in address", target);
  return std::pair(std::string(target.substr(0, colon)), std::string(target.substr(colon + 1)));
}

Result<std::uint16_t> ParsePort(std::string_view text) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port > 65535) {
    return Fail(Code::kBadData, "'{}' is no port", text.substr(0, 64));
  }
  return static_cast<std::uint16_t>(port);
}

std::string WithoutCredentials(std::string_view target) {
  const std::size_t scheme = target.find("//");
  const std::size_t start = scheme == std::string_view::npos ? 0 : scheme + 2;
  const std::string_view authority = target.substr(start, target.find_first_of("/?#", start) - start);
  const std::size_t at = authority.rfind('@');
  if (at == std::string_view::npos) return std::string(target);
  return std::string(target.substr(0, start)).append(target.substr(start + at + 1));
}

double AddressHash(const net::ip::address& address) {
  std::uint32_t hash = 2166136261U;
  const auto add = [&hash](const auto& bytes) {
    for (const unsigned char byte : bytes) hash = (hash ^ byte) * 16777619U;
  };
  if (address.is_v4()) {
    add(address.to_v4().to_bytes());
  } else {
    add(address.to_v6().to_bytes());
  }
  return hash;
}

}  // namespace vedette::collector
