// The OAuth 2.0 token of one HTTP client: asked for when it is needed, kept until shortly before it expires. Internal
// to core/http_*.cpp: it shows Asio's types.
//
// Thread-safe. However many requests wait, one at a time is made for the token, and they share what comes of it.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "core/http_client.h"
#include "core/oauth2_message.h"
#include "core/result.h"
#include "core/secret.h"

namespace vedette::http {

namespace net = boost::asio;

class TokenSource : public std::enable_shared_from_this<TokenSource> {
 public:
  /// A token is not used any more so long before it expires: as Go's client has it.
  static constexpr std::chrono::seconds kEarly{10};
  /// For one request to the token server, whose slowness ends what waits earlier if its own time is up.
  static constexpr Millis kTimeout = std::chrono::seconds(30);
  static constexpr std::size_t kMaxReply = 1 << 20;

  /// Errors: those of HttpClient::Create(), and kBadData for the URL.
  static Result<std::shared_ptr<TokenSource>> Create(net::io_context& io, const OAuth2& config);
  static Status Validate(const OAuth2& config);

  /// The value of the Authorization header. Waits with `alarm`, on whose strand it runs: who cancels that ends the
  /// waiting, and nothing else. Errors: kCanceled; kIo for the file of the secret; kUnavailable or kTimeout with what
  /// the token server or the way to it says, with its host and without secrets.
  net::awaitable<Result<std::string>> Get(std::shared_ptr<net::steady_timer> alarm);

 private:
  struct Waiter;

  TokenSource(const OAuth2& config, std::unique_ptr<HttpClient> client, std::string host);

  Result<Secret> Credential() const;
  void Ask(Secret credential, TokenStyle style, bool guessing);
  void Answered(const Secret& credential, TokenStyle style, bool guessing, Result<HttpResponse> reply);
  void Finish(const Secret& credential, Result<AccessToken> token);

  const OAuth2 config_;
  const std::string host_;
  const std::unique_ptr<HttpClient> client_;

  std::mutex mutex_;
  Secret credential_{};                                            // guarded by mutex_: what token_ was given for
  std::optional<std::string> token_{};                             // guarded by mutex_
  std::optional<std::chrono::steady_clock::time_point> expiry_{};  // guarded by mutex_; nothing: never
  std::optional<TokenStyle> style_{};                              // guarded by mutex_: what the server has taken
  std::vector<std::shared_ptr<Waiter>> waiting_{};                 // guarded by mutex_; not empty: a request is out
};

}  // namespace vedette::http
