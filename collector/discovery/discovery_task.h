// What a discovery that works in the background is made of: a coroutine on a strand of its own, which ends when the
// discovery is destroyed. Most kinds ask a place at each interval: PolledTask is that, and a kind says how to ask.
// Includes Asio: for .cpp files only.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "collector/discovery/discovery.h"
#include "core/http_client.h"
#include "core/result.h"
#include "core/time.h"

namespace prometheus {
class Counter;
}

namespace vedette::collector {

using TargetGroups = std::vector<TargetGroup>;
using DiscoveryStrand = boost::asio::strand<boost::asio::io_context::executor_type>;

/// Before the first report of a discovery the others of its job wait: not for long.
inline constexpr Millis kFirstReportWithin = std::chrono::seconds(10);
/// For an interval of 0, which Prometheus cannot run with either.
inline constexpr Millis kLeastInterval = std::chrono::seconds(1);
/// Of one reply of a discovery's server, decompressed.
inline constexpr std::size_t kMaxDiscoveryReply = 64 << 20;
/// Of one discovery. More is a mistake of the place, or of whom it believes.
inline constexpr std::size_t kMaxDiscoveredTargets = 1'000'000;

/// Shared by the discovery and its coroutine, which may outlive it by a moment.
class DiscoveryTask : public std::enable_shared_from_this<DiscoveryTask> {
 public:
  explicit DiscoveryTask(const DiscoveryEnvironment& environment);
  virtual ~DiscoveryTask() = default;

  void Start(Discovery::Update update);
  /// From any thread.
  void Stop();

 protected:
  /// On the strand, once; returns soon after the task is stopped.
  virtual boost::asio::awaitable<void> Run() = 0;
  /// On the strand, once: ends what Run() waits for other than a Sleep.
  virtual void Abort() = 0;

  bool stopped() const { return stopped_; }
  const DiscoveryStrand& strand() const { return strand_; }
  boost::asio::thread_pool& workers() const { return workers_; }
  /// Returns early when the task is stopped, or woken.
  boost::asio::awaitable<void> SleepUntil(std::chrono::steady_clock::time_point time);
  void Wake() { timer_.cancel(); }
  /// On a worker: hands all groups on.
  void Report(TargetGroups groups) const { update_(std::move(groups)); }

 private:
  static boost::asio::awaitable<void> Main(std::shared_ptr<DiscoveryTask> self);

  const DiscoveryStrand strand_;
  boost::asio::steady_timer timer_;
  boost::asio::thread_pool& workers_;
  Discovery::Update update_;
  bool stopped_ = false;  // on the strand
};

/// Asks once in an interval. An answer that is an error keeps the last good targets, is logged when it begins and
/// counted. The other discoveries of the job wait for the first report: when there are no targets by then, or when the
/// answer takes longer than kFirstReportWithin, it says that there are none.
class PolledTask : public DiscoveryTask {
 public:
  struct Plan {
    std::string what;   // begins the log line: "target endpoint"
    std::string place;  // for the log, without secrets
    Millis interval{0};
    prometheus::Counter* failures = nullptr;  // null: the task counts by itself
    /// What an earlier discovery of the same place reported last.
    std::optional<TargetGroups> known{};
  };
  PolledTask(const DiscoveryEnvironment& environment, Plan plan);

 protected:
  /// Nothing: as before. Errors: see above; kCanceled after Abort().
  using Answer = Result<std::optional<TargetGroups>>;
  virtual boost::asio::awaitable<Answer> Ask() = 0;

  /// How long one request of Ask() may take.
  Millis Patience() const { return reported_ ? interval_ : std::min(interval_, kFirstReportWithin); }

 private:
  boost::asio::awaitable<void> Run() final;
  boost::asio::awaitable<Answer> AskFirst();
  void TakeIn(Answer answer);

  const Plan plan_;
  const Millis interval_;
  TargetGroups known_;
  bool reported_, failing_ = false;
};

/// Ends a coroutine of a discovery that nobody waits for: what it throws is logged. For co_spawn().
void LogThrown(const std::exception_ptr& thrown);

/// Runs `task`, and stops it when it is destroyed.
std::unique_ptr<Discovery> RunTask(std::shared_ptr<DiscoveryTask> task);

/// One request. The client may be destroyed meanwhile: kCanceled.
boost::asio::awaitable<Result<HttpResponse>> Fetch(HttpClient& client, HttpRequest request);
/// The body of a 200. Errors: of the request, or kUnavailable with the status and how the body begins.
Result<std::string> BodyOf(Result<HttpResponse> response);

/// kLimit when there are more than kMaxDiscoveredTargets.
Status CheckTargetCount(const TargetGroups& groups);

/// The address of a server for logs: without user, password and what follows a host. Paths of Unix sockets stay.
std::string ShownPlace(std::string_view server);

/// "host:port", an IPv6 host in brackets.
std::string JoinHostPort(std::string_view host, std::int64_t port);
/// `prefix` and `name` with everything that a label name of old cannot hold as "_".
std::string SanitizedLabel(std::string_view prefix, std::string_view name);

}  // namespace vedette::collector
