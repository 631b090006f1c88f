// One request of an HttpClient, from the callback's registration to its call. Internal to core/http_*.cpp.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <unordered_set>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "core/http_client.h"
#include "core/http_connection.h"
#include "core/http_head.h"
#include "core/http_pool.h"
#include "core/http_reply.h"
#include "core/oauth2.h"
#include "core/proxy_choice.h"

namespace vedette::http {

class Transfer;

/// What the requests of one client share; outlives the client until the last of them has ended.
struct ClientState {
  ClientState(net::io_context& io_context, const HttpConfig& http_config, ProxyChoice proxy_choice,
              std::shared_ptr<TokenSource> token_source, bool any);

  net::io_context& io;
  const HttpConfig config;
  const ProxyChoice proxies;
  const std::shared_ptr<TokenSource> tokens;  // null: without OAuth 2.0
  const bool any_address;                     // see http_any_address.h
  TlsClientContext tls;
  const std::shared_ptr<Pool> pool;

  std::mutex mutex;
  std::unordered_set<std::shared_ptr<Transfer>> running;  // guarded by mutex
};

Route RouteTo(const ClientState& state, const HttpRequest& request, const Url& url);

/// A request, and what is the same each time it is made.
struct PreparedRequest {
  HttpRequest request;
  Url url{};
  std::string pool_key{};
  std::string head{};  // empty: to be built each time, as it shows tokens or files
};

/// Errors: kBadData for the URL. A header that makes no sense fails when the request is made.
Result<HttpClient::Prepared> Prepare(const ClientState& state, HttpRequest request);

/// Runs as one coroutine on the strand of its first connection. A timer and Cancel() end it by closing the connection.
class Transfer : public std::enable_shared_from_this<Transfer> {
 public:
  Transfer(std::shared_ptr<ClientState> state, HttpClient::Prepared request, HttpClient::Callback done);

  void Start();
  /// Thread-safe; the callback gets kCanceled unless the request ends by itself first.
  void Cancel();

 private:
  enum class Stopped { kNo, kTimeout, kCanceled };

  static net::awaitable<void> Run(std::shared_ptr<Transfer> self);
  net::awaitable<Result<HttpResponse>> Hops();
  net::awaitable<Result<HttpResponse>> Exchange(const Hop& hop);
  net::awaitable<Status> RoundTrip(const Hop& hop, const std::string& head, ReplyReader& reply);
  net::awaitable<Status> ReadReply(const Hop& hop, ReplyReader& reply);
  net::awaitable<Status> HandOver(ReplyReader& reply, bool first);
  net::awaitable<Status> Connect(const Hop& hop);
  net::awaitable<Result<std::string>> Token(const Hop& hop);
  Route RouteTo(const Url& url) const { return http::RouteTo(*state_, request_, url); }
  std::string PoolKey(const Url& url) const;
  Result<std::string> Head(const Hop& hop, const std::string& token) const;
  void StopAt(std::chrono::steady_clock::time_point deadline);
  void Abort(Stopped why);
  void Release(const Hop& hop, bool reusable);
  Error Explained(Error error, const Hop& hop) const;

  const std::shared_ptr<ClientState> state_;
  const HttpClient::Prepared prepared_;
  const HttpRequest& request_;  // of prepared_, and the URL too
  const Url& url_;
  HttpClient::Callback done_;
  net::io_context& io_;
  std::shared_ptr<Connection> connection_;
  bool reused_ = false;
  const Strand strand_;
  net::steady_timer timer_;
  std::shared_ptr<net::steady_timer> token_wait_;  // null: not yet needed
  const std::chrono::steady_clock::time_point start_;
  Millis allowed_;  // from start_ until it is stopped: first for the head, where that has a time of its own
  const char* step_ = "connecting to";
  Stopped stopped_ = Stopped::kNo;
  std::optional<std::stop_callback<std::function<void()>>> on_stop_;
};

}  // namespace vedette::http
