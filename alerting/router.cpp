#include "alerting/router.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include <atomic>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <random>

#include "alerting/notify/sender.h"
#include "alerting/router_core.h"
#include "alerting/router_metrics.h"
#include "core/log.h"

namespace vedette::alerting {
namespace {

/// How late a timer of a group or a retry may be.
constexpr Millis kStepEvery = std::chrono::milliseconds(200);
/// As long as there is nothing that could be due. What comes is looked at at once.
constexpr Millis kQuietStepEvery = std::chrono::seconds(2);
/// How long Stop() waits for receivers to answer.
constexpr Millis kStopPatience = std::chrono::seconds(3);
/// Pages of definitions that a receiver's templates may need.
constexpr std::size_t kMaxTemplateBytes = 1 << 20;

Result<std::string> ReadDefinitions(const std::vector<std::string>& files) {
  std::string out;
  for (const std::string& path : files) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return Fail(Code::kIo, "cannot read the template file {}", path);
    std::string text(kMaxTemplateBytes, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    out += text + "\n";
    if (out.size() > kMaxTemplateBytes) return Fail(Code::kLimit, "template files exceed {} bytes", kMaxTemplateBytes);
  }
  return out;
}

std::uint64_t Seed() { return std::random_device()(); }

}  // namespace

struct AlertRouter::Impl : std::enable_shared_from_this<AlertRouter::Impl> {
  Impl(const RouterServices& s, const AlertingOptions& options, boost::asio::io_context& io,
       boost::asio::thread_pool& pool)
      : services(s),
        workers(pool),
        timer(io),
        metrics(s.registry),
        core(s.state, options, s.census, Seed()),
        sender(io) {}

  /// Runs `step` on a worker, unless the router has stopped.
  template <class F>
  void Post(F step) {
    boost::asio::post(workers, [self = shared_from_this(), step = std::move(step)] { step(*self); });
  }

  /// Under the mutex.
  void Arm() {
    timer.expires_after(quiet ? kQuietStepEvery : kStepEvery);
    timer.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
      if (error) return;
      self->PostStep();
      const std::scoped_lock lock(self->mutex);
      if (self->running) self->Arm();
    });
  }

  /// One step at a time is waiting at most.
  void PostStep() {
    if (step_posted.exchange(true)) return;
    Post([](Impl& self) {
      self.step_posted = false;
      self.Step();
    });
  }

  void Step() {
    std::vector<std::pair<SendJob, Integration>> jobs;
    std::shared_ptr<const std::string> texts;
    {
      const std::scoped_lock lock(mutex);
      if (!running) return;
      const TimeMs now = services.clock.Now();
      LogWrite(core.Tick(now));
      for (SendJob& job : core.TakeDue(now)) {
        const Integration* integration = core.FindIntegration(job.outbox.target);
        jobs.emplace_back(std::move(job), *integration);
        ++in_flight;
      }
      metrics.Publish(core);
      texts = definitions;
      if (std::exchange(quiet, core.IsQuiet()) && !quiet) Arm();
    }
    for (auto& [job, integration] : jobs) Send(job, integration, *texts);
  }

  /// A disk that is full fails each step: one line for each time it begins and ends.
  void LogWrite(const Status& written) {
    if (!written && !write_failing) {
      LogError("alerting", "alert state could not be stored", {{"error", written.error()}});
    }
    if (written && write_failing) LogInfo("alerting", "alert state is stored again");
    write_failing = !written;
  }

  void Send(const SendJob& job, const Integration& integration, const std::string& texts) {
    std::vector<std::string> problems;
    sender.Send(integration, job.notification, texts, problems,
                [self = shared_from_this(), outbox = job.outbox](const Verdict& verdict) {
                  self->Post([outbox, verdict](Impl& impl) { impl.Answered(outbox, verdict); });
                });
    if (problems.empty()) return;
    metrics.TemplateFailed(integration.target.kind);
    LogWarn("alerting", "configured text could not be rendered, the built-in one goes out",
            {{"receiver", integration.target.ToString()}, {"error", problems.front()}});
  }

  void Answered(const OutboxJob& job, const Verdict& verdict) {
    {
      const std::scoped_lock lock(mutex);
      --in_flight;
      idle.notify_all();
      if (closed) return;  // the store may be gone; the message is still in it
      const TimeMs now = services.clock.Now();
      const OutboxReport report = core.Report(job, verdict, now);
      metrics.Delivery(job.target.kind, report, now);
      LogReport(job, report, verdict);
    }
    Step();
  }

  static void LogReport(const OutboxJob& job, const OutboxReport& report, const Verdict& verdict) {
    if (!report.news) return;
    const std::string receiver = job.target.ToString();
    switch (report.kind) {
      case OutboxReport::Kind::kDelivered:
        LogInfo("alerting", "receiver takes messages again", {{"receiver", receiver}});
        break;
      case OutboxReport::Kind::kRetry:
        LogWarn("alerting", "message could not be delivered, trying again",
                {{"receiver", receiver}, {"incident", job.incident_id}, {"error", verdict.detail}});
        break;
      case OutboxReport::Kind::kPermanent:
      case OutboxReport::Kind::kExpired:
        LogError("alerting", "message given up",
                 {{"receiver", receiver}, {"incident", job.incident_id}, {"error", verdict.detail}});
        break;
      case OutboxReport::Kind::kUnknown:
        break;
    }
  }

  RouterServices services;
  boost::asio::thread_pool& workers;
  boost::asio::steady_timer timer;
  RouterMetrics metrics;
  std::atomic<bool> step_posted{false};

  mutable std::mutex mutex;  // guards what follows, and serialises the steps
  RouterCore core;
  std::shared_ptr<const std::string> definitions = std::make_shared<const std::string>();
  bool running = false, closed = false;
  bool quiet = false;  // nothing can be due
  bool write_failing = false;
  std::size_t in_flight = 0;
  std::condition_variable idle;

  HttpSender sender;
};

Result<std::unique_ptr<AlertRouter>> AlertRouter::Open(const RouterServices& services, const AlertingOptions& options,
                                                       boost::asio::io_context& io, boost::asio::thread_pool& workers) {
  VEDETTE_CHECK(options.Validate());
  VEDETTE_TRY(std::string definitions, ReadDefinitions(options.templates));
  auto impl = std::make_shared<Impl>(services, options, io, workers);
  impl->definitions = std::make_shared<const std::string>(std::move(definitions));
  VEDETTE_CHECK(impl->core.Load(services.clock.Now()));
  return std::unique_ptr<AlertRouter>(new AlertRouter(std::move(impl)));
}

AlertRouter::AlertRouter(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

AlertRouter::~AlertRouter() { Stop(); }

void AlertRouter::Start() {
  {
    const std::scoped_lock lock(impl_->mutex);
    if (impl_->running || impl_->closed) return;
    impl_->running = true;
    impl_->Arm();
  }
  impl_->PostStep();
}

void AlertRouter::Stop() {
  std::unique_lock lock(impl_->mutex);
  if (impl_->closed) return;
  impl_->running = false;
  impl_->timer.cancel();
  impl_->idle.wait_for(lock, kStopPatience, [&] { return impl_->in_flight == 0; });
  impl_->closed = true;
  lock.unlock();
  impl_->sender.Close();
}

Status AlertRouter::Reload(const AlertingOptions& options) {
  VEDETTE_CHECK(options.Validate());
  VEDETTE_TRY(std::string definitions, ReadDefinitions(options.templates));
  {
    const std::scoped_lock lock(impl_->mutex);
    if (impl_->closed) return Fail(Code::kUnavailable, "the alert router has stopped");
    impl_->core.Configure(options, impl_->services.clock.Now());
    impl_->definitions = std::make_shared<const std::string>(std::move(definitions));
  }
  impl_->sender.Reset();
  impl_->PostStep();
  return Ok();
}

Status AlertRouter::Accept(std::span<const ActiveAlert> alerts) {
  {
    const std::scoped_lock lock(impl_->mutex);
    if (impl_->closed) return Fail(Code::kUnavailable, "the alert router has stopped");
    VEDETTE_CHECK(impl_->core.Accept(alerts, impl_->services.clock.Now()));
  }
  impl_->PostStep();
  return Ok();
}

Status AlertRouter::Settle(const RuleRef& rule, std::span<const ActiveAlert> active) {
  const std::scoped_lock lock(impl_->mutex);
  if (impl_->closed) return Fail(Code::kUnavailable, "the alert router has stopped");
  return impl_->core.Settle(rule, active, impl_->services.clock.Now());
}

Status AlertRouter::RetainRules(std::span<const RuleRef> rules) {
  const std::scoped_lock lock(impl_->mutex);
  if (impl_->closed) return Fail(Code::kUnavailable, "the alert router has stopped");
  return impl_->core.RetainRules(rules, impl_->services.clock.Now());
}

Status AlertRouter::Acknowledge(std::uint64_t number, const std::string& who) {
  const std::scoped_lock lock(impl_->mutex);
  if (impl_->closed) return Fail(Code::kUnavailable, "the alert router has stopped");
  return impl_->core.Acknowledge(number, who, impl_->services.clock.Now());
}

std::vector<IncidentView> AlertRouter::Incidents(const IncidentFilter& filter) const {
  const std::scoped_lock lock(impl_->mutex);
  return impl_->core.Incidents(filter);
}

std::optional<IncidentView> AlertRouter::FindIncident(std::uint64_t number) const {
  const std::scoped_lock lock(impl_->mutex);
  return impl_->core.FindIncident(number);
}

std::vector<TargetView> AlertRouter::Targets() const {
  const std::scoped_lock lock(impl_->mutex);
  return impl_->core.Targets();
}

}  // namespace vedette::alerting
