#include <prometheus/counter.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <optional>
#include <utility>

#include "collector/discovery/discovery.h"
#include "collector/discovery/http_targets.h"
#include "collector/media_type.h"
#include "collector/scrape/async.h"
#include "core/log.h"
#include "core/version.h"

namespace vedette::collector {
namespace {

namespace net = boost::asio;

/// Shared by the discovery and its coroutine, which may outlive it by a moment.
struct Poll {
  Poll(net::io_context& io, net::thread_pool& pool, const HttpSdConfig& sd, std::shared_ptr<HttpClient> http,
       prometheus::Counter& counter, std::optional<std::vector<TargetGroup>> before)
      : strand(net::make_strand(io)),
        timer(strand),
        workers(pool),
        config(sd),
        client(std::move(http)),
        failures(counter),
        known(before ? *std::move(before) : std::vector<TargetGroup>()),
        reported(before.has_value()) {}

  net::strand<net::io_context::executor_type> strand;
  net::steady_timer timer;
  net::thread_pool& workers;
  const HttpSdConfig config;
  std::shared_ptr<HttpClient> client;
  prometheus::Counter& failures;
  Discovery::Update update;
  std::vector<TargetGroup> known;
  bool reported, failing = false;
  bool stopped = false;  // on the strand
};

/// Before the first report the other discoveries of the job wait: not for long.
constexpr Millis kFirstTimeout = std::chrono::seconds(10);

HttpRequest RequestOf(const HttpSdConfig& config, bool reported) {
  HttpRequest request;
  request.url = config.url;
  request.timeout = reported ? config.refresh_interval : std::min(config.refresh_interval, kFirstTimeout);
  const double seconds = static_cast<double>(config.refresh_interval.count()) / 1000;
  request.headers = {{"Accept", "application/json"},
                     {"User-Agent", fmt::format("Vedette/{}", kVersion)},
                     {"X-Prometheus-Refresh-Interval-Seconds", fmt::format("{}", seconds)}};
  return request;
}

Result<std::vector<TargetGroup>> GroupsOf(const Result<HttpResponse>& response, const std::string& url) {
  if (!response) return response.error();
  if (response->status != 200) return Fail(Code::kUnavailable, "server returned HTTP status {}", response->status);
  const std::string_view type = response->Header("Content-Type");
  if (MediaType(type) != "application/json") {
    return Fail(Code::kBadData, "unsupported content type {}", Quote(type));
  }
  return ParseHttpTargets(response->body, url);
}

/// On a worker.
void TakeIn(Poll& poll, const Result<HttpResponse>& response) {
  auto groups = GroupsOf(response, poll.config.url);
  if (!groups) {
    poll.failures.Increment();
    if (!std::exchange(poll.failing, true)) {
      LogError("collector", "target endpoint not usable, keeping its targets",
               {{"url", Redacted(poll.config.url)}, {"error", groups.error()}});
    }
    // The other discoveries of the job must not wait for this one.
    if (!std::exchange(poll.reported, true)) poll.update({});
    return;
  }
  poll.failing = false;
  const bool changed = *groups != poll.known;
  poll.known = *std::move(groups);
  if (!std::exchange(poll.reported, true) || changed) poll.update(poll.known);
}

net::awaitable<void> Run(std::shared_ptr<Poll> poll) {
  while (!poll->stopped) {
    const auto begin = std::chrono::steady_clock::now();
    std::optional<Result<HttpResponse>> response;
    auto fetch = [&](auto resume) {
      poll->client->Start(RequestOf(poll->config, poll->reported),
                          [&response, resume](Result<HttpResponse> reply) mutable {
                            response = std::move(reply);
                            resume();
                          });
    };
    co_await WaitFor(fetch);
    if (poll->stopped) co_return;
    auto take = [&] { TakeIn(*poll, *response); };
    co_await RunOn(poll->workers, take);
    if (poll->stopped) co_return;
    poll->timer.expires_at(begin + poll->config.refresh_interval);
    co_await poll->timer.async_wait(kNoThrow);
  }
}

class HttpDiscovery final : public Discovery {
 public:
  explicit HttpDiscovery(std::shared_ptr<Poll> poll) : poll_(std::move(poll)) {}
  ~HttpDiscovery() override {
    net::post(poll_->strand, [poll = poll_] {
      poll->stopped = true;
      poll->timer.cancel();
      poll->client.reset();  // ends a request under way
    });
  }
  void Start(Update update) override {
    poll_->update = std::move(update);
    net::co_spawn(poll_->strand, Run(poll_), net::detached);
  }

 private:
  std::shared_ptr<Poll> poll_;
};

}  // namespace

std::unique_ptr<Discovery> NewHttpDiscovery(net::io_context& io, net::thread_pool& workers, const HttpSdConfig& config,
                                            std::shared_ptr<HttpClient> client, prometheus::Counter& failures,
                                            std::optional<std::vector<TargetGroup>> known) {
  return std::make_unique<HttpDiscovery>(
      std::make_shared<Poll>(io, workers, config, std::move(client), failures, std::move(known)));
}

}  // namespace vedette::collector
