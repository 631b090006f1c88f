#include "collector/scrape/target_loop.h"

#include <prometheus/counter.h>
#include <prometheus/histogram.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <optional>

#include "collector/scrape/async.h"
#include "collector/scrape/fetch.h"
#include "collector/scrape/target_appender.h"
#include "core/log.h"

namespace vedette::collector {
namespace {

namespace net = boost::asio;

/// A scrape that starts this much later than it was due still gets the time at which it was due: evenly spaced times
/// cost the store nothing. At most a hundredth of the interval.
constexpr Millis kTimeTolerance{50};

/// A longer body is read on the worker pool, so that the other targets of the loop do not wait for it. For any other
/// the way to a thread and back would cost more than the reading.
constexpr std::size_t kMaxBodyHere = 1 << 20;

using Fetched = Result<HttpResponse>;

double SecondsBetween(std::chrono::nanoseconds begin, std::chrono::nanoseconds end) {
  return std::chrono::duration<double>(end - begin).count();
}

/// An in-process source in the shape of a reply. What it throws is its error.
Fetched CallSource(const InProcessSource& source, ExpositionFormat format) {
  constexpr const char* kText = "text/plain; version=0.0.4";
  constexpr const char* kProtobuf =
      "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";
  try {
    HttpResponse response;
    response.status = 200;
    response.headers = {{"Content-Type", format == ExpositionFormat::kProtobuf ? kProtobuf : kText}};
    response.body = source();
    return response;
  } catch (const std::exception& problem) {
    return Fail(Code::kInternal, "in-process source: {}", problem.what());
  }
}

Result<ScrapeBody> BodyOf(const Fetched& fetched, const ScrapeConfig& job) {
  if (!fetched) {
    if (fetched.error().code == Code::kLimit) return Fail(Code::kLimit, "body size limit exceeded");
    return fetched.error();
  }
  const Result<ExpositionFormat> format = CheckResponse(*fetched, job);
  if (!format && format.error().code != Code::kBadData) return format.error();
  const std::size_t limit = job.body_size_limit.value_or(0);
  if (limit > 0 && fetched->body.size() > limit) return Fail(Code::kLimit, "body size limit exceeded");
  if (!format) return ScrapeBody{.text = fetched->body, .readable = format.error()};
  return ScrapeBody{fetched->body, *format};
}

class Loop final : public TargetLoop, public std::enable_shared_from_this<Loop> {
 public:
  Loop(ScrapeRuntime& runtime, std::string pool, Target target, std::shared_ptr<const JobSettings> settings)
      : runtime_(runtime),
        io_(*runtime.ios[ScrapeMoment(target.Key()) % runtime.ios.size()]),
        strand_(net::make_strand(io_)),
        timer_(strand_),
        appender_(runtime.storage, runtime.metrics, runtime.metadata),
        target_(std::move(target)),
        settings_(std::move(settings)) {
    view_.scrape_pool = std::move(pool);
    ShowTarget(target_);
  }

  void Begin() {
    runtime_.loops.Begin();
    net::co_spawn(strand_, Run(shared_from_this()), [&loops = runtime_.loops](const std::exception_ptr& thrown) {
      if (thrown) LogError("collector", "a scrape loop died: its target is not scraped until the next restart");
      loops.End();
    });
  }

  void Update(Target target, std::shared_ptr<const JobSettings> settings, bool reset) override {
    ShowTarget(target);
    net::post(strand_, [self = shared_from_this(), target = std::move(target), settings = std::move(settings), reset] {
      // Other histograms are other series of the same text.
      self->reset_ = self->reset_ || reset || self->target_.histograms != target.histograms;
      self->target_ = target;
      self->settings_ = settings;
      self->request_.reset();
      self->Plan();
      self->timer_.cancel();
    });
  }

  void Stop(bool mark) override {
    net::post(strand_, [self = shared_from_this(), mark] {
      self->stopping_ = true;
      self->mark_ = mark;
      self->timer_.cancel();
      self->settings_.reset();
      self->request_.reset();
    });
  }

  TargetView View() const override {
    const std::lock_guard lock(mutex_);
    return view_;
  }
  std::vector<SharedMetadata> Metadata(std::string_view metric) const override {
    return appender_.metadata().Get(metric);
  }
  Labels labels() const override {
    const std::lock_guard lock(mutex_);
    return view_.labels;
  }

 private:
  static net::awaitable<void> Run(std::shared_ptr<Loop> self);
  net::awaitable<void> ScrapeOnce();
  net::awaitable<void> Fetch(std::optional<Fetched>& result);

  void Plan();
  void Store(const Fetched& fetched, const JobSettings& settings, const Target& target, TimeMs time, double seconds);
  void ShowTarget(const Target& target);
  void ShowScrape(const Target& target, const ScrapeOutcome& outcome, TimeMs time, double seconds);

  ScrapeRuntime& runtime_;
  net::io_context& io_;
  net::strand<net::io_context::executor_type> strand_;
  net::steady_timer timer_;
  TargetAppender appender_;  // of one thread at a time: the coroutine waits while it is on the worker pool

  // On the strand.
  Target target_;
  std::shared_ptr<const JobSettings> settings_;
  HttpClient::Prepared request_;  // null: to be made of the two
  bool reset_ = false;
  bool stopping_ = false;
  bool mark_ = false;
  TimeMs next_due_;
  std::optional<TimeMs> last_due_;

  mutable std::mutex mutex_;
  TargetView view_;  // GUARDED_BY(mutex_)
};

net::awaitable<void> Loop::Run(std::shared_ptr<Loop> self) {
  self->Plan();
  while (!self->stopping_) {
    const TimeMs now = self->runtime_.clock.Now();
    if (now >= self->next_due_) {
      co_await self->ScrapeOnce();
      if (!self->stopping_) self->Plan();
      continue;
    }
    if (self->next_due_ - now > self->target_.interval) self->Plan();  // the clock was set back
    self->timer_.expires_after(self->next_due_ - now);
    co_await self->timer_.async_wait(kNoThrow);  // ends early for a change
  }
  if (!self->mark_) co_return;
  const TimeMs end = self->runtime_.clock.Now();
  auto mark_series = [&self, end] {
    if (const Status status = self->appender_.End(self->target_, end); !status) {
      LogWarn("collector", "staleness markers not written", {{"error", status.error()}});
    }
  };
  co_await RunOn(self->runtime_.workers, mark_series);
}

/// Decides when the next scrape is due: never twice at the same time, and without catching up on what was missed.
void Loop::Plan() {
  TimeMs earliest = runtime_.clock.Now();
  const bool last_is_near = last_due_ && *last_due_ >= earliest && *last_due_ - earliest < target_.interval;
  if (last_is_near) earliest = *last_due_ + Millis(1);
  next_due_ = NextScrape(earliest, target_.interval, ScrapeOffset(target_.Key(), target_.interval));
}

net::awaitable<void> Loop::ScrapeOnce() {
  const TimeMs due = next_due_;
  const auto skipped = last_due_ ? (due - *last_due_) / target_.interval - 1 : 0;
  if (skipped > 0) runtime_.metrics.scrapes_late->Increment(static_cast<double>(skipped));
  last_due_ = due;
  const TimeMs started = runtime_.clock.Now();
  const bool punctual = started - due <= std::min(kTimeTolerance, target_.interval / 100 + Millis(2));
  const TimeMs time = punctual ? due : started;
  const auto begin = runtime_.clock.Monotonic();

  std::optional<Fetched> fetched;
  co_await Fetch(fetched);
  const double seconds = SecondsBetween(begin, runtime_.clock.Monotonic());
  runtime_.metrics.fetch_seconds->Observe(seconds);
  const bool canceled = !*fetched && fetched->error().code == Code::kCanceled;  // a reload replaced the client
  if (stopping_ || canceled) co_return;

  // Snapshots: an update may come while the worker reads.
  const std::shared_ptr<const JobSettings> settings = settings_;
  const Target target = target_;
  if (std::exchange(reset_, false)) appender_.Reset();
  auto store = [&, this] { Store(*fetched, *settings, target, time, seconds); };
  if (*fetched && (*fetched)->body.size() > kMaxBodyHere) {
    co_await RunOn(runtime_.workers, store);
  } else {
    store();
  }
  if (*fetched) RecycleBody(std::move((*fetched)->body));
}

/// Waits for the reply without holding on to the settings, so that stopping the job can destroy its client.
net::awaitable<void> Loop::Fetch(std::optional<Fetched>& result) {
  if (!settings_->refusal.empty()) {
    result = Fetched(Fail(Code::kBadData, "{}", settings_->refusal));
    runtime_.metrics.exceeded_targets->Increment();
    co_return;
  }
  if (settings_->source) {
    const InProcessSource source = settings_->source;
    const ExpositionFormat format = settings_->source_format;
    auto call = [&] { result = CallSource(source, format); };
    co_await RunOn(runtime_.workers, call);
    co_return;
  }
  HttpClient* const client = settings_->client.get();
  if (!request_) {
    HttpRequest request = ScrapeRequest(settings_->config, target_, settings_->accept);
    request.io = &io_;
    auto prepared = client->Prepare(std::move(request));
    if (!prepared) {
      result = Fetched(prepared.error());
      co_return;
    }
    request_ = *std::move(prepared);
  }
  auto start = [&](auto resume) {
    client->Start(request_, [&result, resume](Fetched fetched) {
      result = std::move(fetched);
      resume();
    });
  };
  co_await WaitFor(start);
}

void Loop::Store(const Fetched& fetched, const JobSettings& settings, const Target& target, TimeMs time,
                 double seconds) {
  const auto begin = runtime_.clock.Monotonic();
  ScrapeMetrics& metrics = runtime_.metrics;
  const Result<ScrapeBody> body = BodyOf(fetched, settings.config);
  if (!body && body.error().code == Code::kLimit) metrics.exceeded_body_size->Increment();
  const ScrapeOutcome outcome = appender_.Store(settings.config, target, time, seconds, body);
  metrics.append_seconds->Observe(SecondsBetween(begin, runtime_.clock.Monotonic()));
  (outcome.status ? metrics.scrapes_ok : metrics.scrapes_failed)->Increment();
  if (!body) runtime_.failures.Write(settings.config, target.url, body.error());
  ShowScrape(target, outcome, time, seconds);
}

void Loop::ShowTarget(const Target& target) {
  const std::lock_guard lock(mutex_);
  view_.discovered_labels = target.discovered;
  view_.labels = target.labels;
  view_.scrape_url = target.url;
  view_.scrape_interval = target.interval;
  view_.scrape_timeout = target.timeout;
}

void Loop::ShowScrape(const Target& target, const ScrapeOutcome& outcome, TimeMs time, double seconds) {
  TargetHealth before = TargetHealth::kUnknown;
  {
    const std::lock_guard lock(mutex_);
    before = std::exchange(view_.health, outcome.status ? TargetHealth::kUp : TargetHealth::kDown);
    view_.last_error = outcome.status ? "" : outcome.status.error().message;
    view_.last_scrape = time;
    view_.last_scrape_seconds = seconds;
    view_.samples_scraped = outcome.scraped;
  }
  const bool up = outcome.status.has_value();
  if (!up && before != TargetHealth::kDown) {
    LogWarn("collector", "target down", {{"url", Redacted(target.url)}, {"error", outcome.status.error()}});
  } else if (up && before == TargetHealth::kDown) {
    LogInfo("collector", "target up again", {{"url", Redacted(target.url)}});
  }
}

}  // namespace

void LoopCount::Begin() {
  const std::lock_guard lock(mutex_);
  ++running_;
}

void LoopCount::End() {
  const std::lock_guard lock(mutex_);
  if (--running_ == 0) none_.notify_all();
}

void LoopCount::WaitForNone() {
  std::unique_lock lock(mutex_);
  none_.wait(lock, [this] { return running_ == 0; });
}

std::shared_ptr<TargetLoop> TargetLoop::Start(ScrapeRuntime& runtime, std::string pool, Target target,
                                              std::shared_ptr<const JobSettings> settings) {
  auto loop = std::make_shared<Loop>(runtime, std::move(pool), std::move(target), std::move(settings));
  loop->Begin();
  return loop;
}

}  // namespace vedette::collector
