#include "core/oauth2.h"

#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "core/http_head.h"
#include "core/url.h"

namespace vedette::http {
namespace {

using std::chrono::steady_clock;

HttpConfig TokenHttp(const OAuth2& config) {
  HttpConfig http;
  static_cast<ProxyOptions&>(http) = config;
  http.tls = config.tls;
  return http;
}

Result<Url> TokenUrl(const OAuth2& config) {
  auto url = ParseUrl(config.token_url);
  if (!url) return Annotate("oauth2 token_url", url.error());
  return url;
}

TimeMs WallClock() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return TimeMs(std::chrono::duration_cast<Millis>(now).count());
}

}  // namespace

/// Belongs to the strand of the alarm, but for its birth.
struct TokenSource::Waiter {
  explicit Waiter(std::shared_ptr<net::steady_timer> timer) : alarm(std::move(timer)) {}

  const std::shared_ptr<net::steady_timer> alarm;
  std::optional<Result<std::string>> token{};
};

TokenSource::TokenSource(const OAuth2& config, std::unique_ptr<HttpClient> client, std::string host)
    : config_(config), host_(std::move(host)), client_(std::move(client)) {}

Status TokenSource::Validate(const OAuth2& config) {
  VEDETTE_CHECK(TokenUrl(config));
  const Status http = HttpClient::Validate(TokenHttp(config));
  return http ? Ok() : Status(Annotate("oauth2", http.error()));
}

Result<std::shared_ptr<TokenSource>> TokenSource::Create(net::io_context& io, const OAuth2& config) {
  VEDETTE_TRY(const Url url, TokenUrl(config));
  VEDETTE_TRY(std::unique_ptr<HttpClient> client, HttpClient::Create(io, TokenHttp(config)));
  return std::shared_ptr<TokenSource>(new TokenSource(config, std::move(client), url.Authority()));
}

Result<Secret> TokenSource::Credential() const {
  const bool signs = config_.grant_type == OAuth2::kJwtBearer;
  const std::string& file = signs ? config_.client_certificate_key_file : config_.client_secret_file;
  if (file.empty()) return signs ? config_.client_certificate_key : config_.client_secret;
  VEDETTE_TRY(std::string text, ReadSecretFile("oauth2: the file of the client secret", file));
  return Secret(std::move(text));
}

net::awaitable<Result<std::string>> TokenSource::Get(std::shared_ptr<net::steady_timer> alarm) {
  auto credential = Credential();
  if (!credential) co_return credential.error();
  const auto waiter = std::make_shared<Waiter>(std::move(alarm));
  bool first = false;
  std::optional<TokenStyle> style;
  {
    const std::scoped_lock lock(mutex_);
    if (*credential != credential_) token_.reset();
    if (token_ && (!expiry_ || steady_clock::now() < *expiry_)) co_return *token_;
    first = waiting_.empty();
    style = style_;
    waiting_.push_back(waiter);
  }
  waiter->alarm->expires_at(steady_clock::time_point::max());
  if (first) Ask(*std::move(credential), style.value_or(TokenStyle::kHeader), !style);
  co_await waiter->alarm->async_wait(net::as_tuple(net::use_awaitable));
  if (!waiter->token) co_return Fail(Code::kCanceled, "stopped");
  co_return *std::move(waiter->token);
}

void TokenSource::Ask(Secret credential, TokenStyle style, bool guessing) {
  auto request = BuildTokenRequest(config_, credential, style, WallClock());
  if (!request) return Finish(credential, request.error());
  request->timeout = kTimeout;
  request->max_body_bytes = kMaxReply;
  // Weak: a client that is destroyed cancels its requests, and need not wait for them.
  client_->Start(*std::move(request), [weak = weak_from_this(), credential = std::move(credential), style,
                                       guessing](Result<HttpResponse> reply) {
    if (const auto self = weak.lock()) self->Answered(credential, style, guessing, std::move(reply));
  });
}

void TokenSource::Answered(const Secret& credential, TokenStyle style, bool guessing, Result<HttpResponse> reply) {
  if (!reply) {  // says which host and which step
    return Finish(credential, Annotate("oauth2: cannot fetch token", std::move(reply).error()));
  }
  auto token = ParseTokenReply(*reply, credential);
  const bool signs = config_.grant_type == OAuth2::kJwtBearer;
  if (!token && guessing && !signs && style == TokenStyle::kHeader) {
    return Ask(credential, TokenStyle::kParameters, guessing);
  }
  if (!token) {
    return Finish(credential, Annotate("oauth2: cannot fetch token from " + host_, std::move(token).error()));
  }
  {
    const std::scoped_lock lock(mutex_);
    style_ = style;
  }
  Finish(credential, std::move(token));
}

void TokenSource::Finish(const Secret& credential, Result<AccessToken> token) {
  // To the request that waits, nothing of this is a fault of its own or of its target.
  if (!token && token.error().code != Code::kTimeout) token = Error{Code::kUnavailable, token.error().message};
  std::vector<std::shared_ptr<Waiter>> waiting;
  {
    const std::scoped_lock lock(mutex_);
    waiting.swap(waiting_);
    if (token) {
      credential_ = credential;
      token_ = token->authorization;
      expiry_.reset();
      if (token->lifetime) expiry_ = steady_clock::now() + *token->lifetime - kEarly;
    }
  }
  const Result<std::string> result =
      token ? Result<std::string>(token->authorization) : Result<std::string>(token.error());
  for (std::shared_ptr<Waiter>& waiter : waiting) {
    const auto strand = waiter->alarm->get_executor();
    net::post(strand, [waiter = std::move(waiter), result] {
      waiter->token = result;
      waiter->alarm->cancel();
    });
  }
}

}  // namespace vedette::http
