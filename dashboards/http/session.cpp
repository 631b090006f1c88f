#include "dashboards/http/session.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "core/clock.h"
#include "core/log.h"
#include "core/url.h"
#include "dashboards/http/response_head.h"

namespace vedette::dashboards {
namespace {

using boost::system::error_code;
using net::ip::tcp;
using std::chrono::steady_clock;

constexpr auto kTuple = net::as_tuple(net::use_awaitable);
/// A client must take this much of an answer within the write timeout.
constexpr std::size_t kWritePiece = 256 << 10;
/// How long a client may go on sending after the last answer, and how much; then the connection is cut.
constexpr Millis kLinger = std::chrono::seconds(1);
constexpr std::size_t kLingerBytes = 1 << 20;
constexpr Millis kMaxTick = std::chrono::seconds(1);
/// How much of a body is reserved at once: some reads.
constexpr std::size_t kBodyStep = 64 << 10;
constexpr const char* kRetryAfter = "5";
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

std::string RemoteOf(const tcp::socket& socket) {
  error_code error;
  const auto endpoint = socket.remote_endpoint(error);
  if (error) return "unknown";
  const std::string address = endpoint.address().to_string();
  return endpoint.address().is_v6() ? fmt::format("[{}]:{}", address, endpoint.port())
                                    : fmt::format("{}:{}", address, endpoint.port());
}

/// How often limits are looked at: often enough to keep the shortest of them.
Millis TickOf(const ServerOptions& options) {
  const Millis shortest = std::min({options.read_timeout, options.header_timeout, options.write_timeout, kLinger * 8});
  return std::clamp(shortest / 8, Millis(5), kMaxTick);
}

const char* ReasonOf(int status) {
  switch (status) {
    case 405:
      return "method";
    case 408:
      return "timeout";
    case 413:
    case 431:
      return "too_large";
    case 503:
      return "busy";
    default:
      return "malformed";
  }
}

/// "GET http://host/path" is for proxies, but allowed: only the path counts here.
std::string_view OriginForm(std::string_view target) {
  const auto scheme = target.find("://");
  if (target.starts_with('/') || scheme == std::string_view::npos) return target;
  const auto path = target.find('/', scheme + 3);
  return path == std::string_view::npos ? std::string_view("/") : target.substr(path);
}

/// Runs `work` on the pool, then resumes the awaiting coroutine on its own strand.
template <class Work>
net::awaitable<void> RunOn(net::thread_pool& pool, Work work) {
  auto start = [&pool, work](auto handler) mutable {
    net::post(pool, [handler = std::move(handler), work]() mutable {
      work();
      auto executor = net::get_associated_executor(handler);
      net::post(executor, std::move(handler));
    });
  };
  return net::async_initiate<const net::use_awaitable_t<>, void()>(start, net::use_awaitable);
}

}  // namespace

Session::Session(std::shared_ptr<Hub> hub, tcp::socket socket)
    : hub_(std::move(hub)),
      socket_(std::move(socket)),
      tick_(socket_.get_executor()),
      reader_(hub_->options.max_body_bytes),
      remote_(RemoteOf(socket_)) {}

Session::~Session() {
  GiveBody();
  if (joined_) hub_->Leave(this);
}

bool Session::Start() {
  joined_ = hub_->Join(this);
  if (!joined_) return false;
  net::co_spawn(socket_.get_executor(), Run(shared_from_this()), net::detached);
  return true;
}

void Session::TurnAway(std::function<void()> done) {
  net::co_spawn(socket_.get_executor(), SayFull(shared_from_this(), std::move(done)), net::detached);
}

void Session::Stop() {
  net::post(socket_.get_executor(), [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    self->stopping_ = true;
    if (self->idle_) self->Close();
  });
}

void Session::Abort() {
  {
    const std::lock_guard lock(stop_mutex_);
    aborted_ = true;
    stop_.request_stop();  // the strand may be busy with the handler itself
  }
  net::post(socket_.get_executor(), [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    self->stopping_ = true;
    self->Close();
  });
}

void Session::Close() {
  error_code ignored;
  socket_.close(ignored);
  tick_.cancel();
}

void Session::Tick() {
  tick_.expires_after(TickOf(hub_->options));
  tick_.async_wait([weak = weak_from_this()](const error_code& error) {
    const auto self = weak.lock();
    if (error || !self || !self->socket_.is_open()) return;
    if (steady_clock::now() >= self->deadline_) {
      // Not closed: a client that was too slow to ask is still told so.
      self->deadline_ = steady_clock::time_point::max();
      self->timed_out_ = true;
      error_code ignored;
      self->socket_.cancel(ignored);
    }
    self->Tick();
  });
}

net::awaitable<void> Session::Run(std::shared_ptr<Session> self) {
  error_code ignored;
  self->socket_.set_option(tcp::no_delay(true), ignored);
  self->Tick();
  try {
    co_await self->Serve();
  } catch (const std::exception& e) {  // Beast and the allocator throw
    LogError("dashboards", "connection failed", {{"remote", self->remote_}, {"error", std::string(e.what())}});
    self->stop_.request_stop();  // what is left of a handler is of no use to anybody
  }
  self->Close();
}

net::awaitable<void> Session::SayFull(std::shared_ptr<Session> self, std::function<void()> done) {
  self->Tick();
  Refusal full{503, "too many connections\n"};
  co_await self->Refuse(std::move(full));
  self->Close();
  done();
}

net::awaitable<void> Session::Serve() {
  for (;;) {
    Refusal refusal;
    const Read read = co_await ReadRequest(refusal);
    if (read == Read::kClosed) co_return;
    if (read == Read::kRefused) {
      hub_->metrics.Refused(ReasonOf(refusal.status));
      co_await Refuse(std::move(refusal));
      co_return;
    }
    const bool keep = co_await Answer();
    if (!keep) co_return;
  }
}

net::awaitable<Session::Read> Session::ReadRequest(Refusal& refusal) {
  idle_ = reader_.Empty();
  SetDeadline(idle_ ? hub_->options.read_timeout : hub_->options.header_timeout);
  refusal = reader_.Parse();
  while (refusal.status == 0 && !reader_.Done()) {
    if (stopping_ && idle_) co_return Read::kClosed;
    const bool more = co_await ReadMore(refusal);
    if (!more) co_return refusal.status == 0 ? Read::kClosed : Read::kRefused;
  }
  if (refusal.status != 0) co_return Read::kRefused;
  request_ = {};
  refusal = reader_.Take(request_, target_);
  co_return refusal.status == 0 ? Read::kRequest : Read::kRefused;
}

/// One read and what follows from it. False: closed, or `refusal` says what is wrong.
net::awaitable<bool> Session::ReadMore(Refusal& refusal) {
  const auto [space, size] = reader_.Space();
  const auto [error, received] = co_await socket_.async_read_some(net::buffer(space, size), kTuple);
  if (timed_out_) {
    timed_out_ = false;
    if (!idle_) refusal = {408, "the request took too long to arrive\n"};
    co_return false;
  }
  if (error) co_return false;
  reader_.Received(received);
  const bool had_head = reader_.HeadDone();
  refusal = reader_.Parse();
  if (idle_ && !reader_.Done()) SetDeadline(hub_->options.header_timeout);
  idle_ = false;
  if (refusal.status == 0 && reader_.HeadDone() && !reader_.Done()) refusal = AdmitBody();
  if (refusal.status != 0) co_return false;
  if (!had_head && reader_.HeadDone() && !reader_.Done()) SetDeadline(hub_->options.read_timeout);
  if (reader_.WantsContinue()) co_return co_await Write(std::string(kContinue), {});
  co_return true;
}

/// Before more of the body is read: whether there is room for it.
Refusal Session::AdmitBody() {
  const Refusal busy{503, "too much is being pushed, try again later\n", true};
  if (!std::exchange(head_seen_, true)) {
    const std::string_view target = OriginForm(reader_.target());
    const auto method = reader_.method();
    if (method) body_limits_ = hub_->router.Find(*method, target.substr(0, target.find('?'))).body;
    if (body_limits_ != nullptr && body_limits_->max_bytes != 0) {
      if (Refusal refusal = reader_.LimitBody(body_limits_->max_bytes); refusal.status != 0) return refusal;
    }
    const std::size_t declared = reader_.DeclaredBytes();
    if (body_limits_ != nullptr && declared > 0) {
      if (!body_limits_->take(declared)) return busy;
      body_limits_->give(declared);  // whoever declares much and sends little takes little from others
    }
  }
  const std::size_t arrived = reader_.ArrivedBytes();
  if (body_limits_ == nullptr || arrived <= body_taken_) return {};
  std::size_t more = std::max(arrived - body_taken_, body_taken_ == 0 ? 0 : kBodyStep);
  if (const std::size_t declared = reader_.DeclaredBytes(); declared > 0) {
    more = std::min(more, declared - body_taken_);
  }
  if (!body_limits_->take(more)) return busy;
  body_taken_ += more;
  return {};
}

void Session::GiveBody() {
  if (body_taken_ > 0) body_limits_->give(body_taken_);
  body_taken_ = 0;
  body_limits_ = nullptr;
  head_seen_ = false;
}

net::awaitable<bool> Session::Answer() {
  const auto start = steady_clock::now();
  deadline_ = steady_clock::time_point::max();  // the handler has its own limits
  {
    const std::lock_guard lock(stop_mutex_);
    stop_ = std::stop_source();
    if (aborted_) stop_.request_stop();
  }
  request_.stop = stop_.get_token();
  request_.remote = remote_;
  std::optional<ClientWatch> watch;
  watch.emplace(*hub_, socket_.native_handle(), stop_);
  handler_.emplace(*hub_);
  const bool pushes = body_limits_ != nullptr;
  if (!pushes && hub_->TryInline()) {
    RunHandler();
    hub_->InlineEnded();
  } else {
    co_await RunOn(pushes ? hub_->workers.pushes : hub_->workers.requests, [this] { RunHandler(); });
  }
  if (response_.later) co_await WaitForLater();
  request_.body = std::string();
  GiveBody();
  const bool streamed = response_.more != nullptr;
  // What Stop() posts waits behind a handler that ran here.
  const bool close = !reader_.KeepAlive() || stopping_ || hub_->stopping() || (streamed && !reader_.TakesChunks());
  std::size_t sent = 0;
  bool written = streamed && co_await Stream(close, sent);
  watch.reset();
  if (!streamed) {
    const std::string_view body = request_.method == kHead ? std::string_view() : response_.Body();
    sent = body.size();
    SetDeadline(hub_->options.write_timeout);
    written = co_await Write(ResponseHead(response_, SystemClock().Now(), close), body);
  }
  const std::chrono::duration<double> took = steady_clock::now() - start;
  hub_->metrics.Answered(pattern_, response_.status, took.count(), sent);
  if (!written) hub_->metrics.HungUp();
  response_ = {};
  if (written && close) co_await Linger();
  co_return written && !close;
}

/// Sends head and pieces; the client is watched meanwhile. False: the connection is of no use any more.
net::awaitable<bool> Session::Stream(bool close, std::size_t& sent) {
  const bool chunks = reader_.TakesChunks();
  piece_ = std::move(response_.body);
  piece_kind_ = Piece::kMore;
  std::string head = ResponseHead(response_, SystemClock().Now(), close, chunks);
  bool good = true;
  while (good) {
    if (!piece_.empty() || piece_kind_ == Piece::kLast) {
      SetDeadline(hub_->options.write_timeout);
      if (chunks && !piece_.empty()) {
        fmt::format_to(std::back_inserter(head), "{:x}\r\n", piece_.size());
        piece_ += "\r\n";
      }
      if (chunks && piece_kind_ == Piece::kLast) piece_ += "0\r\n\r\n";
      sent += piece_.size();
      good = co_await Write(std::exchange(head, {}), piece_);
      deadline_ = steady_clock::time_point::max();
    }
    if (piece_kind_ != Piece::kMore) break;
    if (good) co_await RunOn(hub_->workers.requests, [this] { NextPiece(); });
    if (stop_.stop_requested() || piece_kind_ == Piece::kBroken) good = false;
  }
  piece_ = std::string();
  // Also when it was too slow: what makes the pieces is to know that nobody has them.
  if (!good) stop_.request_stop();
  co_await RunOn(hub_->workers.requests, [this] {
    response_.more = nullptr;
    handler_.reset();
  });
  co_return good;
}

/// On a worker thread.
void Session::NextPiece() {
  piece_.clear();
  if (stop_.stop_requested()) {
    piece_kind_ = Piece::kBroken;
    return;
  }
  try {
    piece_kind_ = response_.more(piece_);
  } catch (const std::exception& e) {
    LogError("dashboards", "handler failed", {{"handler", pattern_}, {"error", std::string(e.what())}});
    piece_kind_ = Piece::kBroken;
  }
}

/// The handler has begun something whose end brings the answer.
net::awaitable<void> Session::WaitForLater() {
  auto begin = std::exchange(response_.later, nullptr);
  auto initiate = [this, &begin](auto handler) {
    auto shared = std::make_shared<decltype(handler)>(std::move(handler));
    begin([self = shared_from_this(), shared](Response answer) {
      auto executor = net::get_associated_executor(*shared);
      net::post(executor, [self, shared, answer = std::move(answer)]() mutable {
        self->response_ = std::move(answer);
        (*shared)();
      });
    });
  };
  co_await net::async_initiate<const net::use_awaitable_t<>, void()>(initiate, net::use_awaitable);
  begin = nullptr;
  CompressFor(request_, response_);
  FitBody();
}

/// On a worker thread: everything between the request and the bytes of its answer.
void Session::RunHandler() {
  const std::string_view target = OriginForm(target_);
  const auto question = std::min(target.find('?'), target.size());
  const std::string_view raw_path = target.substr(0, question);
  try {
    Router::Match match = hub_->router.Find(request_.method, raw_path);
    pattern_ = match.pattern;
    request_.path = PercentDecode(raw_path);
    request_.path_parameter = std::move(match.path_parameter);
    auto query = ParseForm(target.substr(std::min(question + 1, target.size())));
    if (!query) {
      response_ = TextResponse(400, query.error().message + "\n");
    } else {
      request_.query = Parameters(*std::move(query));
      response_ = match.handler != nullptr ? (*match.handler)(request_) : std::move(match.refusal);
    }
    if (raw_path.starts_with("/api/")) hub_->cors.Apply(request_, response_);
    CompressFor(request_, response_);
  } catch (const std::exception& e) {
    LogError("dashboards", "handler failed", {{"handler", pattern_}, {"error", std::string(e.what())}});
    response_ = TextResponse(500, "internal error\n");
  }
  FitBody();
}

/// What status and method allow of it. The handler is over unless it left something behind.
void Session::FitBody() {
  if (!MayHaveBody(response_.status)) {
    response_.body.clear();
    response_.shared_body.reset();
  }
  if (!MayHaveBody(response_.status) || request_.method == kHead) response_.more = nullptr;
  if (!response_.more && !response_.later) handler_.reset();
}

net::awaitable<void> Session::Refuse(Refusal refusal) {
  GiveBody();
  Response response = TextResponse(refusal.status, std::move(refusal.text));
  if (refusal.later) response.headers.Set("Retry-After", kRetryAfter);
  std::string answer = ResponseHead(response, SystemClock().Now(), true);
  SetDeadline(hub_->options.write_timeout);
  const bool written = co_await Write(std::move(answer), response.Body());
  if (written) co_await Linger();
}

net::awaitable<bool> Session::Write(std::string head, std::string_view body) {
  std::size_t sent = std::min(kWritePiece, body.size());
  const std::array<net::const_buffer, 2> first{net::buffer(head), net::buffer(body.data(), sent)};
  const auto [head_error, head_bytes] = co_await net::async_write(socket_, first, kTuple);
  if (head_error) co_return false;
  while (sent < body.size()) {
    SetDeadline(hub_->options.write_timeout);
    const std::string_view piece = body.substr(sent, kWritePiece);
    const auto [error, bytes] = co_await net::async_write(socket_, net::buffer(piece), kTuple);
    if (error) co_return false;
    sent += piece.size();
  }
  co_return true;
}

/// Closing a socket with unread bytes resets the connection, and the answer may be lost with it: so the client is told
/// that nothing follows, and given a moment to read and to close.
net::awaitable<void> Session::Linger() {
  error_code ignored;
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
  SetDeadline(kLinger);
  std::array<char, 4096> waste;
  for (std::size_t total = 0; total < kLingerBytes;) {
    const auto [error, bytes] = co_await socket_.async_read_some(net::buffer(waste), kTuple);
    if (error) co_return;
    total += bytes;
  }
}

}  // namespace vedette::dashboards
