#include "core/http_transfer.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace vedette::http {
namespace {

using std::chrono::steady_clock;

constexpr int kMaxRedirects = 10;
constexpr std::size_t kDefaultMaxBody = 256 << 20;
/// Of an answer that is no success where a body without limit was asked for.
constexpr std::size_t kMaxRefusal = 1 << 20;

/// A request that may reach the server twice without harm.
bool IsRepeatable(std::string_view method) { return method == "GET" || method == "HEAD" || method == "OPTIONS"; }

/// A connection's strand is of one io_context, and so are the requests it can carry. `io` null: the client's.
std::string PoolKeyOf(const Route& route, const net::io_context* io) {
  std::string key = route.PoolKey();
  if (io != nullptr) key += fmt::format(" {}", static_cast<const void*>(io));
  return key;
}

Result<std::string> HeadTo(const Route& route, const Hop& hop, const HttpRequest& request, const HttpConfig& config,
                           const std::string& token) {
  return BuildHead(hop, request, config, token, route.proxy ? ProxyCredentials(*route.proxy) : std::string(),
                   route.IsForwarded());
}

}  // namespace

ClientState::ClientState(net::io_context& io_context, const HttpConfig& http_config, ProxyChoice proxy_choice,
                         std::shared_ptr<TokenSource> token_source, bool any)
    : io(io_context),
      config(http_config),
      proxies(std::move(proxy_choice)),
      tokens(std::move(token_source)),
      any_address(any),
      tls(http_config.tls),
      pool(std::make_shared<Pool>(io_context)) {}

Route RouteTo(const ClientState& state, const HttpRequest& request, const Url& url) {
  return {url, state.proxies.For(url), request.unix_socket, state.any_address};
}

Result<HttpClient::Prepared> Prepare(const ClientState& state, HttpRequest request) {
  VEDETTE_TRY(Url url, ParseUrl(request.url));
  PreparedRequest prepared{.request = std::move(request), .url = std::move(url)};
  const Route route = RouteTo(state, prepared.request, prepared.url);
  prepared.pool_key = PoolKeyOf(route, prepared.request.io);
  if (!state.tokens && IsHeadConstant(state.config)) {
    const Hop hop{.url = prepared.url, .method = prepared.request.method};
    // What is wrong with it is said when it is made.
    if (auto head = HeadTo(route, hop, prepared.request, state.config, {})) prepared.head = *std::move(head);
  }
  return std::make_shared<const PreparedRequest>(std::move(prepared));
}

Transfer::Transfer(std::shared_ptr<ClientState> state, HttpClient::Prepared request, HttpClient::Callback done)
    : state_(std::move(state)),
      prepared_(std::move(request)),
      request_(prepared_->request),
      url_(prepared_->url),
      done_(std::move(done)),
      io_(request_.io ? *request_.io : state_->io),
      connection_(state_->pool->Take(prepared_->pool_key)),
      reused_(connection_ != nullptr),
      strand_(connection_ ? connection_->strand() : net::make_strand(io_)),
      timer_(strand_),
      start_(steady_clock::now()),
      allowed_(request_.head_timeout > Millis(0) ? std::min(request_.head_timeout, request_.timeout)
                                                 : request_.timeout) {}

void Transfer::Start() {
  if (request_.stop.stop_possible()) {
    on_stop_.emplace(request_.stop, [weak = weak_from_this()] {
      if (const auto transfer = weak.lock()) transfer->Cancel();
    });
  }
  net::co_spawn(strand_, Run(shared_from_this()), net::detached);
}

void Transfer::Cancel() {
  net::post(strand_, [self = shared_from_this()] { self->Abort(Stopped::kCanceled); });
}

std::string Transfer::PoolKey(const Url& url) const {
  return url == url_ ? prepared_->pool_key : PoolKeyOf(RouteTo(url), request_.io);
}

Result<std::string> Transfer::Head(const Hop& hop, const std::string& token) const {
  if (!hop.redirected && !prepared_->head.empty()) return prepared_->head;
  return HeadTo(RouteTo(hop.url), hop, request_, state_->config, token);
}

void Transfer::StopAt(steady_clock::time_point deadline) {
  timer_.expires_at(deadline);
  timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    if (error) return;
    if (const auto transfer = weak.lock()) transfer->Abort(Stopped::kTimeout);
  });
}

void Transfer::Abort(Stopped why) {
  if (stopped_ != Stopped::kNo) return;
  stopped_ = why;
  if (connection_) connection_->Close();
  if (token_wait_) token_wait_->cancel();
}

net::awaitable<void> Transfer::Run(std::shared_ptr<Transfer> self) {
  self->StopAt(self->start_ + self->allowed_);
  Result<HttpResponse> result = Fail(Code::kInternal, "the request was not run");
  try {
    result = co_await self->Hops();
  } catch (const std::exception& e) {  // Asio and the allocator throw
    result = Fail(Code::kInternal, "{}: {}", self->url_.Authority(), e.what());
  }
  self->timer_.cancel();
  self->on_stop_.reset();
  {
    const std::scoped_lock lock(self->state_->mutex);
    self->state_->running.erase(self);
  }
  const auto done = std::move(self->done_);
  done(std::move(result));
}

net::awaitable<Result<HttpResponse>> Transfer::Hops() {
  Hop hop{.url = url_, .method = request_.method};
  for (int redirects = 0;; ++redirects) {
    auto response = co_await Exchange(hop);
    if (!response || !state_->config.follow_redirects || !IsRedirect(*response)) {
      Release(hop, true);
      co_return response;
    }
    if (redirects == kMaxRedirects) {
      co_return Fail(Code::kBadData, "{}: more than {} redirects", url_.Authority(), kMaxRedirects);
    }
    auto next = FollowRedirect(hop, *response);
    if (!next) co_return next.error();
    if (connection_ && PoolKey(hop.url) != PoolKey(next->url)) Release(hop, true);
    hop = *std::move(next);
  }
}

net::awaitable<Result<HttpResponse>> Transfer::Exchange(const Hop& hop) {
  const auto token = co_await Token(hop);
  if (!token) co_return Explained(token.error(), hop);
  const auto head = Head(hop, *token);
  if (!head) co_return head.error();
  if (connection_ && connection_->IsStale()) Release(hop, false);
  for (;;) {
    Status status = Ok();
    if (!connection_) status = co_await Connect(hop);
    const bool default_limit = request_.max_body_bytes == 0 && !request_.body_reader;
    ReplyReader reply(default_limit ? kDefaultMaxBody : request_.max_body_bytes, hop.method == "HEAD");
    if (status) status = co_await RoundTrip(hop, *head, reply);
    if (status && stopped_ == Stopped::kNo) {
      if (reply.KeepAlive()) {
        reused_ = true;
      } else {
        Release(hop, false);
      }
      co_return reply.Take();
    }
    // The server may have closed an idle connection just as it was used again.
    const bool stale = reused_ && !reply.Started() && stopped_ == Stopped::kNo && IsRepeatable(hop.method);
    Release(hop, false);
    if (!stale) co_return Explained(status ? Error{} : status.error(), hop);
  }
}

/// Empty where there is none to be sent.
net::awaitable<Result<std::string>> Transfer::Token(const Hop& hop) {
  const auto is_authorization = [](const auto& header) { return EqualsIgnoreCase(header.first, "Authorization"); };
  if (!state_->tokens || !hop.trusted || std::ranges::any_of(request_.headers, is_authorization)) {
    co_return std::string();
  }
  step_ = "waiting for the OAuth 2.0 token for";
  if (stopped_ != Stopped::kNo) co_return Fail(Code::kCanceled, "stopped");
  if (!token_wait_) token_wait_ = std::make_shared<net::steady_timer>(strand_);
  co_return co_await state_->tokens->Get(token_wait_);
}

net::awaitable<Status> Transfer::Connect(const Hop& hop) {
  reused_ = false;
  if (stopped_ != Stopped::kNo) co_return Fail(Code::kCanceled, "stopped");
  connection_ = std::make_shared<Connection>(strand_);
  Status status =
      co_await connection_->Open(RouteTo(hop.url), state_->config.proxy_connect_header, state_->tls, start_ + allowed_);
  step_ = connection_->step();
  co_return status;
}

net::awaitable<Status> Transfer::RoundTrip(const Hop& hop, const std::string& head, ReplyReader& reply) {
  step_ = "sending to";
  const std::array<net::const_buffer, 2> buffers{net::buffer(head),
                                                 hop.send_body ? net::buffer(request_.body) : net::const_buffer()};
  const auto [write_error, written] = co_await connection_->Write(buffers);
  // A server may refuse a body by answering early and closing: its answer, if it got through, says more.
  Status status = co_await ReadReply(hop, reply);
  if (!status && write_error && !reply.Started()) {
    co_return Fail(Code::kUnavailable, "sending to {}: {}", hop.url.Authority(), write_error.message());
  }
  if (write_error) connection_->Close();
  co_return status;
}

net::awaitable<Status> Transfer::ReadReply(const Hop& hop, ReplyReader& reply) {
  step_ = "waiting for an answer of";
  bool has_head = false;
  while (!reply.Done()) {
    const auto [space, size] = reply.Space();
    const auto [error, received] = co_await connection_->ReadSome(net::mutable_buffer(space, size));
    Status status = Ok();
    if (error == net::error::eof) {
      status = reply.Closed();
    } else if (error) {
      status = Fail(Code::kUnavailable, "{}", error.message());
    } else {
      status = reply.Received(received);
      step_ = "reading the answer of";
    }
    if (status && reply.IsSuccess()) {
      if (allowed_ != request_.timeout) StopAt(start_ + (allowed_ = request_.timeout));
      if (request_.body_reader) {
        const bool first = !std::exchange(has_head, true);
        if (Status taken = co_await HandOver(reply, first); !taken) co_return taken;
      }
    } else if (status && request_.body_reader && reply.BodySize() > kMaxRefusal) {
      status = Fail(Code::kLimit, "body exceeds {} bytes", kMaxRefusal);
    }
    if (!status) co_return Annotate(hop.url.Authority(), std::move(status).error());
    if (error) break;
  }
  co_return Ok();
}

/// Lets the reader have what has arrived, and waits for it. `first`: the head is news, too.
net::awaitable<Status> Transfer::HandOver(ReplyReader& reply, bool first) {
  const std::string piece = reply.TakeBody();
  if (piece.empty() && !first) co_return Ok();
  if (first && request_.head_reader) request_.head_reader(reply.Head());
  Status taken = Ok();
  auto initiate = [&](auto handler) {
    auto resume = std::make_shared<decltype(handler)>(std::move(handler));
    request_.body_reader(piece, [this, &taken, resume](Status status) {
      net::post(strand_, [&taken, resume, status = std::move(status)]() mutable {
        taken = std::move(status);
        (*resume)();
      });
    });
  };
  co_await net::async_initiate<decltype(net::use_awaitable), void()>(initiate, net::use_awaitable);
  if (taken && stopped_ != Stopped::kNo) co_return Fail(Code::kCanceled, "stopped");
  co_return taken;
}

void Transfer::Release(const Hop& hop, bool reusable) {
  if (!connection_) return;
  if (reusable) {
    state_->pool->Give(PoolKey(hop.url), std::move(connection_));
  } else {
    connection_->Close();
  }
  connection_.reset();
}

Error Transfer::Explained(Error error, const Hop& hop) const {
  switch (stopped_) {
    case Stopped::kTimeout:
      return Fail(Code::kTimeout, "timeout after {} while {} {}", FormatDuration(allowed_), step_, hop.url.Authority());
    case Stopped::kCanceled:
      return Fail(Code::kCanceled, "request to {} was canceled", hop.url.Authority());
    case Stopped::kNo:
      break;
  }
  return error;
}

}  // namespace vedette::http
