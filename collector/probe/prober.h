// Service checks: probes a target over HTTP, TCP, DNS or ICMP when asked, as blackbox_exporter does, with its modules
// and metric names. Coroutines on the io_context, which nothing blocks.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "collector/probe/options.h"

namespace boost::asio {
class io_context;
class thread_pool;
}  // namespace boost::asio
namespace prometheus {
class Registry;
}

namespace vedette::collector {

/// The parameters of /probe and its header.
struct ProbeRequest {
  std::string module = "http_2xx";
  std::string target;
  std::string hostname;        // empty: none
  std::string scrape_timeout;  // X-Prometheus-Scrape-Timeout-Seconds, empty: none
  bool debug = false;
  std::stop_token stop{};  // ends the probe, which then fails: who asked has gone
};

struct ProbeReply {
  int status = 200;
  std::string content_type;
  std::string body;
};

class Prober {
 public:
  virtual ~Prober() = default;
  /// All outlive the prober; probes that run when it goes end at once. `workers`: what takes CPU time or reads files,
  /// which may block.
  static std::unique_ptr<Prober> Create(boost::asio::io_context& io, boost::asio::thread_pool& workers,
                                        prometheus::Registry& registry);

  /// What the next probes go by. Thread-safe.
  virtual void Use(std::shared_ptr<const ProbeOptions> options) = 0;

  using Done = std::function<void(ProbeReply)>;
  /// Thread-safe. `done` is called once, on this thread when the request makes no sense, else on one of the io_context,
  /// no later than the probe's timeout.
  virtual void Start(ProbeRequest request, Done done) = 0;
  /// Ends all probes, which fail. Later ones are refused.
  virtual void Stop() = 0;
};

}  // namespace vedette::collector
