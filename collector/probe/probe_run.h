// One running probe: its strand, its deadline, what it found out, and the steps that every kind of probe needs: an
// address for a name, a connection, TLS. Internal to collector/probe/*.cpp: it shows Asio's types.
//
// Everything runs on the strand. When the time is up, the operations under way end with an error, and the probe goes on
// from there to its end.
#pragma once

#include <atomic>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "collector/probe/lookups.h"
#include "collector/probe/memory.h"
#include "collector/probe/options.h"
#include "collector/probe/probe_metrics.h"
#include "core/result.h"
#include "core/tls.h"

namespace vedette::collector {

namespace net = boost::asio;
using ProbeStrand = net::strand<net::io_context::executor_type>;
using SteadyTime = std::chrono::steady_clock::time_point;

inline double SecondsBetween(SteadyTime start, SteadyTime end) {
  return std::chrono::duration<double>(end - start).count();
}

/// What all probes share.
struct ProbeServices {
  net::io_context& io;
  net::thread_pool& workers;
  std::shared_ptr<ProbeLookups> lookups;
  std::shared_ptr<ProbeBudget> budget;
};

class ProbeRun : public std::enable_shared_from_this<ProbeRun> {
 public:
  ProbeRun(const ProbeServices& services, ProbeLog probe_log)
      : log(std::move(probe_log)),
        memory(std::make_shared<ProbeShare>(services.budget)),
        workers_(services.workers),
        lookups_(services.lookups),
        strand_(net::make_strand(services.io)),
        timer_(strand_),
        wait_(strand_) {}

  const ProbeStrand& strand() const { return strand_; }
  /// Starts the clock.
  void Begin(Millis timeout);
  /// Ends the operations under way. On the strand.
  void Expire();
  void Finish() { timer_.cancel(); }
  bool expired() const { return expired_; }
  /// `stop` is called when the time is up; at once when it is.
  void OnExpiry(std::function<void()> stop);

  /// The address of `host`. The first time (a redirect may lead to another host) it sets probe_dns_lookup_time_seconds,
  /// probe_ip_protocol and probe_ip_addr_hash. `seconds`: how long it took. Errors: kUnavailable, logged.
  net::awaitable<Result<net::ip::address>> Resolve(const std::string& host, const IpChoice& choice, double& seconds);

  /// Runs `work`, which takes CPU time or reads files, on a worker thread. Nothing when the time is up first: `work`
  /// must own what it uses, as it may still be at it then.
  template <class T>
  net::awaitable<std::optional<T>> Offload(std::function<T()> work);

  ProbeMetrics metrics;
  ProbeLog log;
  const std::shared_ptr<ProbeShare> memory;
  /// That of the module, without a server name; null when it has no TLS settings.
  std::shared_ptr<TlsClientContext> tls;

 private:
  net::thread_pool& workers_;
  std::shared_ptr<ProbeLookups> lookups_;
  ProbeStrand strand_;
  net::steady_timer timer_, wait_;
  bool expired_ = false, resolved_ = false;
  std::vector<std::function<void()>> stops_;
};

template <class T>
net::awaitable<std::optional<T>> ProbeRun::Offload(std::function<T()> work) {
  struct Shared {
    std::atomic<bool> abandoned{false};
    bool done = false;
    std::optional<T> value;
  };
  if (expired_) co_return std::nullopt;
  const auto shared = std::make_shared<Shared>();
  wait_.expires_at(SteadyTime::max());
  net::post(workers_, [self = shared_from_this(), shared, work = std::move(work)] {
    if (shared->abandoned) return;
    try {
      shared->value.emplace(work());
    } catch (const std::exception&) {  // the allocator's: as if it had not ended in time
    }
    net::post(self->strand_, [self, shared] {
      shared->done = true;
      self->wait_.cancel();
    });
  });
  co_await wait_.async_wait(net::as_tuple(net::use_awaitable));
  if (shared->done) co_return std::move(shared->value);
  shared->abandoned = true;
  co_return std::nullopt;
}

/// A connection over TCP, later perhaps with TLS.
class ProbeStream : public std::enable_shared_from_this<ProbeStream> {
 public:
  explicit ProbeStream(const ProbeStrand& strand) : socket_(strand) {}
  /// Ends when the run's time is up: what has been closed does not open any more.
  static std::shared_ptr<ProbeStream> Create(ProbeRun& run);

  /// `source`: the local address, empty: any. Errors: kUnavailable, kBadData for a source that is no address.
  net::awaitable<Status> Connect(net::ip::tcp::endpoint endpoint, std::string source);
  /// With the TLS settings of `run`. `host`: the name that the certificate must be for. Errors: kUnavailable; what
  /// TlsClientContext says.
  net::awaitable<Status> Handshake(ProbeRun& run, std::string host);

  using Transferred = std::tuple<boost::system::error_code, std::size_t>;
  net::awaitable<Transferred> Read(net::mutable_buffer buffer);
  net::awaitable<Transferred> WriteAll(net::const_buffer buffer);
  void Close();
  /// Null without TLS.
  SSL* ssl() const { return tls_ ? const_cast<SSL*>(tls_->native_handle()) : nullptr; }

 private:
  net::ip::tcp::socket socket_;
  bool closed_ = false;
  std::unique_ptr<net::ssl::stream<net::ip::tcp::socket&>> tls_;
  std::shared_ptr<net::ssl::context> context_;
};

/// "host:port", "[v6]:port" as Go's net.SplitHostPort takes them. Errors: kBadData.
Result<std::pair<std::string, std::string>> SplitHostPort(std::string_view target);
Result<std::uint16_t> ParsePort(std::string_view text);

/// A target or URL for logs: "http://user:password@host/" without what stands before the @.
std::string WithoutCredentials(std::string_view target);

/// FNV-1a over the bytes of an address.
double AddressHash(const net::ip::address& address);

// One function for each kind. True when the target is well; what is not is logged.
net::awaitable<bool> RunHttpProbe(std::shared_ptr<ProbeRun> run, const HttpProbe& probe, std::string target);
net::awaitable<bool> RunTcpProbe(std::shared_ptr<ProbeRun> run, const TcpProbe& probe, std::string target);
net::awaitable<bool> RunDnsProbe(std::shared_ptr<ProbeRun> run, const DnsProbe& probe, std::string target);
net::awaitable<bool> RunIcmpProbe(std::shared_ptr<ProbeRun> run, const IcmpProbe& probe, std::string target);

}  // namespace vedette::collector
