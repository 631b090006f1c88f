#include "collector/discovery/discovery_task.h"

#include <prometheus/counter.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <exception>

#include "collector/scrape/async.h"
#include "core/log.h"
#include "core/utf8.h"

namespace vedette::collector {
namespace {

namespace net = boost::asio;

/// Of a reply that is no success, in a message.
constexpr std::size_t kShownReply = 200;

class TaskDiscovery final : public Discovery {
 public:
  explicit TaskDiscovery(std::shared_ptr<DiscoveryTask> task) : task_(std::move(task)) {}
  ~TaskDiscovery() override { task_->Stop(); }
  void Start(Update update) override { task_->Start(std::move(update)); }

 private:
  std::shared_ptr<DiscoveryTask> task_;
};

}  // namespace

DiscoveryTask::DiscoveryTask(const DiscoveryEnvironment& environment)
    : strand_(net::make_strand(environment.io)), timer_(strand_), workers_(environment.workers) {}

void DiscoveryTask::Start(Discovery::Update update) {
  update_ = std::move(update);
  net::co_spawn(strand_, Main(shared_from_this()), LogThrown);
}

void DiscoveryTask::Stop() {
  net::post(strand_, [self = shared_from_this()] {
    self->stopped_ = true;
    self->timer_.cancel();
    self->Abort();
  });
}

net::awaitable<void> DiscoveryTask::Main(std::shared_ptr<DiscoveryTask> self) {
  if (!self->stopped_) co_await self->Run();
}

net::awaitable<void> DiscoveryTask::SleepUntil(std::chrono::steady_clock::time_point time) {
  if (stopped_) co_return;
  timer_.expires_at(time);
  co_await timer_.async_wait(kNoThrow);
}

PolledTask::PolledTask(const DiscoveryEnvironment& environment, Plan plan)
    : DiscoveryTask(environment),
      plan_(std::move(plan)),
      interval_(plan_.interval > Millis(0) ? plan_.interval : kLeastInterval),
      known_(plan_.known.value_or(TargetGroups())),
      reported_(plan_.known.has_value()) {}

net::awaitable<void> PolledTask::Run() {
  while (!stopped()) {
    const auto begin = std::chrono::steady_clock::now();
    Answer answer = std::optional<TargetGroups>();
    if (reported_) {  // g++ 12 makes wrong code of ?: with two co_await
      answer = co_await Ask();
    } else {
      answer = co_await AskFirst();
    }
    if (stopped()) co_return;
    auto take = [&] { TakeIn(std::move(answer)); };
    co_await RunOn(workers(), take);
    co_await SleepUntil(begin + interval_);
  }
}

net::awaitable<PolledTask::Answer> PolledTask::AskFirst() {
  net::steady_timer timer(strand(), std::chrono::steady_clock::now() + kFirstReportWithin);
  std::optional<Answer> answer;
  net::co_spawn(strand(), Ask(), [&](const std::exception_ptr& thrown, Answer done) {
    answer = thrown ? Answer(Fail(Code::kInternal, "it threw")) : std::move(done);
    timer.cancel();
  });
  while (!answer) {  // after a stop it comes soon
    const auto [woken] = co_await timer.async_wait(kNoThrow);
    if (woken) continue;
    timer.expires_at(std::chrono::steady_clock::time_point::max());
    if (answer || stopped()) continue;
    auto report = [&] { Report({}); };
    co_await RunOn(workers(), report);
    reported_ = true;
  }
  co_return *std::move(answer);
}

/// On a worker.
void PolledTask::TakeIn(Answer answer) {
  if (answer && *answer) {
    if (const Status few = CheckTargetCount(**answer); !few) answer = few.error();
  }
  if (!answer) {
    if (plan_.failures != nullptr) plan_.failures->Increment();
    if (!std::exchange(failing_, true)) {
      LogError("collector", plan_.what + " not usable, keeping its targets",
               {{"place", plan_.place}, {"error", answer.error()}});
    }
    if (!std::exchange(reported_, true)) Report({});
    return;
  }
  if (std::exchange(failing_, false)) LogInfo("collector", plan_.what + " is usable again", {{"place", plan_.place}});
  const bool changed = *answer && **answer != known_;
  if (changed) known_ = *std::move(*answer);
  if (!std::exchange(reported_, true) || changed) Report(known_);
}

void LogThrown(const std::exception_ptr& thrown) {
  if (!thrown) return;
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& error) {  // Asio and the allocator throw
    LogError("collector", "a discovery has ended, its targets stay as they are", {{"error", error.what()}});
  } catch (...) {
    LogError("collector", "a discovery has ended, its targets stay as they are", {});
  }
}

std::unique_ptr<Discovery> RunTask(std::shared_ptr<DiscoveryTask> task) {
  return std::make_unique<TaskDiscovery>(std::move(task));
}

net::awaitable<Result<HttpResponse>> Fetch(HttpClient& client, HttpRequest request) {
  std::optional<Result<HttpResponse>> response;
  auto start = [&](auto resume) {
    client.Start(std::move(request), [&response, resume](Result<HttpResponse> reply) mutable {
      response = std::move(reply);
      resume();
    });
  };
  co_await WaitFor(start);
  co_return *std::move(response);
}

Result<std::string> BodyOf(Result<HttpResponse> response) {
  if (!response) return std::move(response).error();
  if (response->status == 200) return std::move(response->body);
  return Fail(Code::kUnavailable, "server returned HTTP status {}: {}", response->status,
              Quote(std::string_view(response->body).substr(0, kShownReply)));
}

Status CheckTargetCount(const TargetGroups& groups) {
  std::size_t count = 0;
  for (const TargetGroup& group : groups) count += group.targets.size();
  if (count <= kMaxDiscoveredTargets) return Ok();
  return Fail(Code::kLimit, "{} targets, {} are accepted", count, kMaxDiscoveredTargets);
}

std::string ShownPlace(std::string_view server) {
  if (server.starts_with("unix://")) return std::string(server);
  if (server.find("://") != std::string_view::npos) return Redacted(server);
  return std::string(server.substr(server.find('@') + 1));
}

std::string JoinHostPort(std::string_view host, std::int64_t port) {
  return host.find(':') == std::string_view::npos ? fmt::format("{}:{}", host, port)
                                                  : fmt::format("[{}]:{}", host, port);
}

std::string SanitizedLabel(std::string_view prefix, std::string_view name) {
  std::string out(prefix);
  while (!name.empty()) {
    const std::size_t size = DecodeUtf8(name).size;
    const char c = name.front();
    const bool fits = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    out += fits ? c : '_';  // one "_" for a character, however many bytes it has
    name.remove_prefix(size);
  }
  return out;
}

}  // namespace vedette::collector
