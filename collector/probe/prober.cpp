#include "collector/probe/prober.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <stop_token>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

#include "collector/probe/probe_run.h"
#include "core/log.h"
#include "core/numbers.h"

namespace vedette::collector {
namespace {

using namespace std::string_literals;

constexpr ProbeGauge kSuccess{"probe_success", "Displays whether or not the probe was a success"};
constexpr ProbeGauge kProbeDuration{"probe_duration_seconds", "Returns how long the probe took to complete in seconds"};
constexpr ProbeGauge kTimeout{"probe_timeout_seconds", "Returns how long the probe timeout is in seconds"};
constexpr std::string_view kTextType = "text/plain; version=0.0.4; charset=utf-8";

ProbeReply Refusal(int status, std::string text) {
  return {.status = status, .content_type = "text/plain; charset=utf-8", .body = std::move(text) + "\n"};
}

/// The scrape's timeout less the offset, or the module's if that is shorter; two minutes when nobody says.
Result<Millis> TimeoutOf(const std::string& header, const ProbeModule& module, Millis offset) {
  double scrape = 0;
  if (!header.empty()) {
    const auto parsed = ParseFloat(header);
    if (!parsed || !(*parsed >= 0)) {
      return Fail(Code::kBadData, "Failed to parse timeout from Prometheus header: '{}'", header.substr(0, 64));
    }
    scrape = *parsed;
  }
  constexpr double kLongest = 120;  // also whatever anybody says: a probe holds memory and a place among others
  if (scrape == 0) scrape = kLongest;
  const double left = std::min(scrape, kLongest) - std::chrono::duration<double>(offset).count();
  const double own = std::chrono::duration<double>(module.timeout).count();
  const double seconds = std::min((own < left && own > 0) || left < 0 ? own : left, kLongest);
  return Millis(static_cast<std::int64_t>(seconds * 1000));
}

/// `hostname` becomes the Host header of HTTP and the TLS server name of TCP, where the module names none.
Status UseHostname(const std::string& hostname, ProbeModule& module) {
  if (hostname.empty()) return Ok();
  if (hostname.find_first_of("\r\n\t ") != std::string::npos) return Fail(Code::kBadData, "hostname is no host name");
  if (module.kind == ProbeKind::kTcp && module.tcp.tls_config.server_name.empty()) {
    module.tcp.tls_config.server_name = hostname;
  }
  if (module.kind != ProbeKind::kHttp) return Ok();
  for (const auto& [name, value] : module.http.headers) {
    if ((name == "Host" || name == "host") && value != hostname) {
      return Fail(Code::kBadData,
                  "host header defined both in module configuration ({}) and with URL-parameter 'hostname' ({})", value,
                  hostname);
    }
  }
  module.http.headers.emplace_back("Host", hostname);
  return Ok();
}

struct ProberMetrics {
  explicit ProberMetrics(prometheus::Registry& registry)
      : probes(prometheus::BuildCounter()
                   .Name("vedette_collector_probes_total")
                   .Help("Service checks that were run, by outcome.")
                   .Register(registry)),
        refused(prometheus::BuildCounter()
                    .Name("vedette_collector_probes_refused_total")
                    .Help("Service checks that were not run, or not to their end, by reason.")
                    .Register(registry)),
        running(prometheus::BuildGauge()
                    .Name("vedette_collector_probes_running")
                    .Help("Service checks under way.")
                    .Register(registry)
                    .Add({})),
        good(probes.Add({{"outcome", "success"}})),
        bad(probes.Add({{"outcome", "failure"}})) {}

  void Refused(const char* reason) { refused.Add({{"reason", reason}}).Increment(); }

  prometheus::Family<prometheus::Counter>&probes, &refused;
  prometheus::Gauge& running;
  prometheus::Counter &good, &bad;
};

/// Bytes that the targets of all probes have sent and that are kept.
constexpr std::size_t kMaxProbeMemory = 256 << 20;

/// Outlives the prober while probes run.
struct ProberState {
  explicit ProberState(prometheus::Registry& registry) : metrics(registry) {}
  std::mutex mutex;
  std::set<std::shared_ptr<ProbeRun>> running;  // guarded by mutex
  bool stopped = false;                         // guarded by mutex
  ProberMetrics metrics;
};

void ExpireSoon(const std::shared_ptr<ProbeRun>& run) {
  net::post(run->strand(), [run] { run->Expire(); });
}

using HangUp = std::stop_callback<std::function<void()>>;

struct Job {
  std::shared_ptr<ProberState> state;
  std::shared_ptr<ProbeRun> run;
  ProbeModule module;  // a copy: a reload must not pull it away
  ProbeRequest request;
  Millis timeout;
  Prober::Done done;
  std::unique_ptr<HangUp> hung_up;
};

net::awaitable<bool> RunKind(Job& job) {
  switch (job.module.kind) {
    case ProbeKind::kHttp:
      co_return co_await RunHttpProbe(job.run, job.module.http, job.request.target);
    case ProbeKind::kTcp:
      co_return co_await RunTcpProbe(job.run, job.module.tcp, job.request.target);
    case ProbeKind::kDns:
      co_return co_await RunDnsProbe(job.run, job.module.dns, job.request.target);
    case ProbeKind::kIcmp:
      co_return co_await RunIcmpProbe(job.run, job.module.icmp, job.request.target);
  }
  co_return false;
}

void Report(Job& job, bool success, double seconds) {
  ProbeRun& run = *job.run;
  run.metrics.Set(kSuccess, success ? 1 : 0);
  run.metrics.Set(kProbeDuration, seconds);
  run.metrics.Set(kTimeout, std::chrono::duration<double>(job.timeout).count());
  if (success) {
    run.log.Info("Probe succeeded");
  } else {
    const std::string reason = run.log.last_error();
    run.log.Error("Probe failed");
    LogDebug("collector", "probe failed",
             {{"module", job.request.module}, {"target", WithoutCredentials(job.request.target)}, {"reason", reason}});
  }
  (success ? job.state->metrics.good : job.state->metrics.bad).Increment();
  if (run.memory->refused()) job.state->metrics.Refused("memory");
  ProbeReply reply{.status = 200, .content_type = std::string(kTextType), .body = run.metrics.Text()};
  if (job.request.debug) {
    reply.content_type = "text/plain; charset=utf-8";
    reply.body = fmt::format(
        "Logs for the probe:\n{}\n\n\nMetrics that would have been returned:\n{}\n\n\nModule configuration:\n{}",
        run.log.text(), reply.body, job.module.text);
  }
  job.done(std::move(reply));
}

net::awaitable<void> RunJob(std::shared_ptr<Job> job) {
  const auto start = std::chrono::steady_clock::now();
  job->run->Begin(job->timeout);
  job->run->log.Info("Beginning probe", {{"timeout", FormatDuration(job->timeout)}});
  bool success = false;
  try {
    success = co_await RunKind(*job);
  } catch (const std::exception& e) {  // Beast, Asio and the allocator throw
    job->run->log.Error("Probe failed by an exception", {{"err", e.what()}});
  }
  // What came after the time was up came too late.
  success = success && !job->run->expired();
  job->run->Finish();
  job->hung_up.reset();
  {
    const std::lock_guard lock(job->state->mutex);
    job->state->running.erase(job->run);
    job->state->metrics.running.Set(static_cast<double>(job->state->running.size()));
  }
  Report(*job, success, SecondsBetween(start, std::chrono::steady_clock::now()));
}

/// By module. Reading the system's certificates takes milliseconds: once for all probes of a module.
using TlsContexts = std::map<std::string, std::shared_ptr<TlsClientContext>, std::less<>>;

/// Without the server name, which differs between probes.
std::shared_ptr<TlsClientContext> TlsContextOf(const ProbeModule& module) {
  TlsOptions options = module.kind == ProbeKind::kHttp  ? module.http.client.tls
                       : module.kind == ProbeKind::kTcp ? module.tcp.tls_config
                                                        : module.dns.tls_config;
  options.server_name.clear();
  return std::make_shared<TlsClientContext>(std::move(options));
}

class ProberImpl final : public Prober {
 public:
  ProberImpl(net::io_context& io, net::thread_pool& workers, prometheus::Registry& registry)
      : services_{.io = io,
                  .workers = workers,
                  .lookups = ProbeLookups::Create(),
                  .budget = std::make_shared<ProbeBudget>(kMaxProbeMemory)},
        state_(std::make_shared<ProberState>(registry)) {}
  ~ProberImpl() override {
    ProberImpl::Stop();
    services_.lookups->Close();  // its threads may outlive the io_context
  }

  void Use(std::shared_ptr<const ProbeOptions> options) override {
    TlsContexts contexts;
    for (const auto& [name, module] : options->modules) contexts[name] = TlsContextOf(module);
    const std::lock_guard lock(options_mutex_);
    options_ = std::move(options);
    contexts_ = std::make_shared<const TlsContexts>(std::move(contexts));
  }

  void Start(ProbeRequest request, Done done) override {
    std::shared_ptr<const ProbeOptions> options;
    std::shared_ptr<const TlsContexts> contexts;
    {
      const std::lock_guard lock(options_mutex_);
      options = options_;
      contexts = contexts_;
    }
    const auto refuse = [&](int status, const char* reason, std::string text) {
      state_->metrics.Refused(reason);
      done(Refusal(status, std::move(text)));
    };
    if (!options || !options->enabled) {
      return refuse(404, "off", "Service checks are off: `probes:` in the configuration switches them on");
    }
    const auto found = options->modules.find(request.module);
    if (found == options->modules.end()) {
      return refuse(400, "unknown_module", fmt::format("Unknown module {}", Quote(request.module)));
    }
    if (!found->second.unsupported.empty()) {
      return refuse(400, "unsupported_module",
                    fmt::format("Module {} cannot be run: {}", Quote(request.module), found->second.unsupported));
    }
    const auto timeout = TimeoutOf(request.scrape_timeout, found->second, options->timeout_offset);
    if (!timeout) return refuse(500, "bad_timeout", timeout.error().message);
    if (request.target.empty()) return refuse(400, "no_target", "Target parameter is missing");
    constexpr std::size_t kMaxTarget = 4096;
    if (request.target.size() > kMaxTarget || request.target.find_first_of("\r\n\0"s) != std::string::npos) {
      return refuse(400, "bad_target", "Target parameter is no target");
    }
    const auto job = std::make_shared<Job>(Job{.state = state_,
                                               .run = {},
                                               .module = found->second,
                                               .request = std::move(request),
                                               .timeout = *timeout,
                                               .done = {},
                                               .hung_up = {}});
    if (const Status named = UseHostname(job->request.hostname, job->module); !named) {
      return refuse(400, "bad_hostname", named.error().message);
    }
    job->run =
        std::make_shared<ProbeRun>(services_, ProbeLog(job->request.module, WithoutCredentials(job->request.target)));
    job->run->tls = contexts->find(found->first)->second;
    if (!Enter(job->run, options->max_concurrent)) {
      return refuse(503, "too_many", "Too many probes at once");
    }
    job->done = std::move(done);
    job->hung_up = std::make_unique<HangUp>(job->request.stop, [run = job->run] { ExpireSoon(run); });
    net::co_spawn(job->run->strand(), RunJob(job), net::detached);
  }

  void Stop() override {
    const std::lock_guard lock(state_->mutex);
    state_->stopped = true;
    for (const auto& run : state_->running) ExpireSoon(run);
  }

 private:
  bool Enter(const std::shared_ptr<ProbeRun>& run, std::size_t limit) {
    const std::lock_guard lock(state_->mutex);
    if (state_->stopped || state_->running.size() >= limit) return false;
    state_->running.insert(run);
    state_->metrics.running.Set(static_cast<double>(state_->running.size()));
    return true;
  }

  const ProbeServices services_;
  std::shared_ptr<ProberState> state_;
  std::mutex options_mutex_;
  std::shared_ptr<const ProbeOptions> options_;  // guarded by options_mutex_
  std::shared_ptr<const TlsContexts> contexts_;  // guarded by options_mutex_
};

}  // namespace

std::unique_ptr<Prober> Prober::Create(net::io_context& io, net::thread_pool& workers, prometheus::Registry& registry) {
  return std::make_unique<ProberImpl>(io, workers, registry);
}

}  // namespace vedette::collector
