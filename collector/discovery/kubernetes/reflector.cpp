#include "collector/discovery/kubernetes/reflector.h"

#include <prometheus/counter.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <exception>
#include <functional>
#include <optional>

#include "collector/discovery/kubernetes/intake.h"
#include "collector/scrape/async.h"
#include "core/log.h"
#include "core/url.h"
#include "core/version.h"

namespace vedette::collector::kube {
namespace {

namespace net = boost::asio;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr std::size_t kPageSize = 500;  // as client-go
constexpr Millis kListTimeout = std::chrono::minutes(5);
constexpr Millis kHeadTimeout = seconds(30);
/// The server ends a watch after this and up to twice as long; it is given up so much later.
constexpr seconds kWatchTime = std::chrono::minutes(5);
constexpr Millis kWatchGrace = seconds(15);
constexpr Millis kMaxRetryAfter = seconds(60);
/// A watch that lasted this long after the head of its answer has worked.
constexpr seconds kWorked{2};
/// One that brought something, but did not last, is opened again after this at the latest.
constexpr Millis kSoon{500};
/// After a list that failed.
constexpr Millis kFirstWait{500};
constexpr int kGone = 410, kTimedOut = 504;

/// What became of a request.
struct Outcome {
  Status status = Ok();
  int http_status = 0;    // 0: no answer
  Millis retry_after{0};  // what the server wished
  bool worked = false;    // of a watch: it was answered, and that lasted
  bool lost = false;      // the server does not have the version that was asked for: any more, or yet
};

Millis RetryAfter(const HttpResponse& response) {
  const std::string_view text = response.Header("Retry-After");
  std::uint32_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return std::min<Millis>(seconds(value), kMaxRetryAfter);
}

/// With what the server says about it.
Outcome OutcomeOf(const Result<HttpResponse>& response) {
  Outcome out;
  if (!response) {
    out.status = response.error();
    return out;
  }
  out.http_status = response->status;
  if (response->status / 100 == 2) return out;
  out.retry_after = RetryAfter(*response);
  // It has not got there when it was restored from a backup, or is another server behind the same address.
  const bool too_large =
      response->status == kTimedOut && (response->body.find("ResourceVersionTooLarge") != std::string::npos ||
                                        response->body.find("Too large resource version") != std::string::npos);
  out.lost = response->status == kGone || too_large;
  const auto said = ReadServerStatus(response->body);
  out.status = Fail(Code::kUnavailable, "server returned HTTP status {}{}{}", response->status,
                    said && !said->message.empty() ? ": " : "", said ? said->message.substr(0, 300) : "");
  return out;
}

/// A piece of a body that there is no memory for ends the request, not the process.
Status Taken(const std::function<Status(std::string_view piece)>& take, std::string_view piece) {
  try {
    return take(piece);
  } catch (const std::exception& error) {
    return Fail(Code::kInternal, "reading an answer: {}", error.what());
  }
}

class Reflector {
 public:
  Reflector(std::shared_ptr<Engine> engine, Watched watched)
      : engine_(std::move(engine)), watched_(std::move(watched)), info_(InfoOf(watched_.resource)) {}

  net::awaitable<void> Run();

 private:
  using Take = std::function<Status(std::string_view piece)>;

  net::awaitable<Outcome> List();
  net::awaitable<Outcome> ListPages(std::string version, std::size_t page_size);
  net::awaitable<void> WatchOn();
  net::awaitable<Outcome> WatchOnce(Intake& intake);
  net::awaitable<Result<HttpResponse>> Ask(std::string query, Millis timeout, const Take& take);
  net::awaitable<void> Note(const Outcome& outcome);
  void Recovered();
  std::string Url(const std::string& query) const;
  bool IsSameServer() const { return server_ && *server_ == engine_->url(); }

  const std::shared_ptr<Engine> engine_;
  const Watched watched_;
  const ResourceInfo& info_;
  std::string version_;
  std::optional<std::string> server_;  // which gave the last list
  bool failing_ = false;
  Backoff relist_{kFirstWait, seconds(30)};
  Backoff reopen_{Millis(50), seconds(30)};
};

net::awaitable<void> Reflector::Run() {
  while (!engine_->stopped) {
    const Outcome listed = co_await List();
    if (engine_->stopped) co_return;
    co_await Note(listed);
    if (listed.status) {
      co_await WatchOn();
      // At once; but a server that lists and never lets watch is not asked in a circle.
      const Millis wait = std::max(Millis(0), relist_.Next() - kFirstWait);
      if (!engine_->stopped) co_await engine_->Sleep(wait);
    } else {
      co_await engine_->Sleep(std::max(relist_.Next(), listed.retry_after));
    }
  }
}

/// Counts a failure, and logs when failing begins and ends.
net::awaitable<void> Reflector::Note(const Outcome& outcome) {
  if (outcome.status) {
    Recovered();
    co_return;
  }
  if (!std::exchange(failing_, true)) {
    LogWarn("collector", "Kubernetes API not usable, keeping its targets",
            {{"url", Redacted(engine_->url())}, {"objects", info_.name}, {"error", outcome.status.error()}});
  }
  auto failed = [this] {
    engine_->Failed();
    // Files may hold other credentials, or another server, by now.
    if (const Status found = engine_->Connect(); !found) {
      LogDebug("collector", "no way to the Kubernetes API", {{"error", found.error()}});
    }
  };
  co_await RunOn(engine_->workers, failed);
}

void Reflector::Recovered() {
  if (!std::exchange(failing_, false)) return;
  LogInfo("collector", "Kubernetes API usable again", {{"url", Redacted(engine_->url())}, {"objects", info_.name}});
}

std::string Reflector::Url(const std::string& query) const {
  std::string url = engine_->url();
  url += info_.group;
  if (!watched_.ns.empty()) url += "/namespaces/" + PercentEncode(watched_.ns);
  url += "/";
  url += info_.name;
  url += "?" + query;
  for (const KubernetesSdConfig::Selector& selector : engine_->config.selectors) {
    if (selector.role != info_.role) continue;
    if (!selector.label.empty()) url += "&labelSelector=" + PercentEncode(selector.label);
    if (!selector.field.empty()) url += "&fieldSelector=" + PercentEncode(selector.field);
  }
  return url;
}

net::awaitable<Result<HttpResponse>> Reflector::Ask(std::string query, Millis timeout, const Take& take) {
  HttpRequest request;
  request.url = Url(query);
  request.timeout = timeout;
  request.head_timeout = kHeadTimeout;
  request.headers = {{"Accept", "application/json"}, {"User-Agent", fmt::format("Vedette/{}", kVersion)}};
  request.body_reader = [engine = engine_, &take](std::string_view piece, std::function<void(Status)> next) {
    net::post(engine->workers, [engine, &take, piece, next = std::move(next)] {
      next(engine->stopped ? Status(Fail(Code::kCanceled, "stopped")) : Taken(take, piece));
    });
  };
  std::optional<Result<HttpResponse>> response;
  std::shared_ptr<HttpClient> client = engine_->client();
  if (!client) co_return Fail(Code::kCanceled, "stopped");
  auto start = [&](auto resume) {
    const std::shared_ptr<HttpClient> own = std::exchange(client, nullptr);  // stopping must be able to destroy it
    own->Start(std::move(request), [&response, resume](Result<HttpResponse> reply) {
      response = std::move(reply);
      resume();
    });
  };
  co_await WaitFor(start);
  co_return *std::move(response);
}

/// From the server's cache first, which is cheap for it and takes no pages once a version is asked for; when that does
/// not have our version, from the database, page by page.
net::awaitable<Outcome> Reflector::List() {
  struct Way {
    std::string version;
    std::size_t page_size;
  };
  const bool known = IsSameServer();  // versions mean nothing to another one
  const std::array<Way, 3> ways = {{{known ? version_ : "0", known ? 0 : kPageSize}, {"", kPageSize}, {"", 0}}};
  Outcome outcome;
  for (const Way& way : ways) {
    outcome = co_await ListPages(way.version, way.page_size);
    if (!outcome.lost || engine_->stopped) break;
  }
  co_return outcome;
}

net::awaitable<Outcome> Reflector::ListPages(std::string version, std::size_t page_size) {
  Intake intake(*engine_, watched_);
  std::string next_page;
  const std::string server = engine_->url();
  do {
    std::string query = "resourceVersion=" + PercentEncode(version);
    if (page_size > 0) query += fmt::format("&limit={}", page_size);
    if (!next_page.empty()) query = fmt::format("limit={}&continue={}", page_size, PercentEncode(next_page));
    intake.BeginPage();
    const Take take = [&intake](std::string_view piece) { return intake.TakePage(piece); };
    Outcome outcome = OutcomeOf(co_await Ask(std::move(query), kListTimeout, take));
    if (!outcome.status || engine_->stopped) co_return outcome;
    Result<ListHead> head = intake.EndPage();
    if (!head) {
      outcome.status = head.error();
      co_return outcome;
    }
    version_ = head->version;
    next_page = head->next_page;
  } while (!next_page.empty());
  auto done = [&intake] { intake.EndList(); };
  co_await RunOn(engine_->workers, done);
  server_ = server;
  co_return Outcome();
}

/// Until the place from which to watch is lost.
net::awaitable<void> Reflector::WatchOn() {
  while (!engine_->stopped && IsSameServer()) {
    Intake intake(*engine_, watched_);
    const Outcome outcome = co_await WatchOnce(intake);
    if (engine_->stopped) co_return;
    if (outcome.worked) {
      reopen_.Reset();
      relist_.Reset();
    }
    if (!intake.version().empty()) version_ = intake.version();
    if (outcome.lost || intake.gone()) co_return;
    // A connection that breaks after it has worked is opened again, and that is all.
    const bool broke = !outcome.status && outcome.http_status == 0 && (outcome.worked || intake.progress()) &&
                       outcome.status.error().code != Code::kBadData;
    if (!broke) co_await Note(outcome);
    // What we cannot ask for, or cannot understand, starts from the beginning.
    const bool refused = outcome.http_status / 100 == 4 && outcome.http_status != 429;
    if (refused || (!outcome.status && outcome.status.error().code == Code::kBadData)) co_return;
    const Millis longest = intake.progress() ? kSoon : Millis::max();
    co_await engine_->Sleep(std::max(std::min(reopen_.Next(), longest), outcome.retry_after));
  }
}

net::awaitable<Outcome> Reflector::WatchOnce(Intake& intake) {
  static thread_local std::minstd_rand random{std::random_device()()};
  const auto time = kWatchTime + seconds(random() % static_cast<std::uint32_t>(kWatchTime.count()));
  const std::string query = fmt::format("watch=true&allowWatchBookmarks=true&resourceVersion={}&timeoutSeconds={}",
                                        PercentEncode(version_), time.count());
  // While this waits for the answer the worker has `failing_` and `answered` for itself.
  std::optional<steady_clock::time_point> answered;
  const Take take = [this, &intake, &answered](std::string_view piece) {
    if (!answered) answered = steady_clock::now();
    if (piece.empty()) return Ok();  // a head may be all that comes
    Recovered();
    return intake.TakeEvents(piece);
  };
  Outcome outcome = OutcomeOf(co_await Ask(query, time + kWatchGrace, take));
  outcome.worked = answered && steady_clock::now() - *answered >= kWorked;
  if (!intake.error() && !intake.gone()) outcome.status = intake.error();
  co_return outcome;
}

}  // namespace

Millis Backoff::Next() {
  const Millis whole = std::exchange(next_, std::min(next_ * 2, longest_));
  const auto half = static_cast<std::uint32_t>(whole.count() / 2);
  return Millis(half + random_() % (half + 1));
}

net::awaitable<void> Reflect(std::shared_ptr<Engine> engine, Watched watched) {
  Reflector reflector(std::move(engine), std::move(watched));
  co_await reflector.Run();
}

}  // namespace vedette::collector::kube
