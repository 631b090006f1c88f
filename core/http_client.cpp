#include "core/http_client.h"

#include <boost/asio/post.hpp>

#include <future>

#include "core/http_any_address.h"
#include "core/http_head.h"
#include "core/http_transfer.h"
#include "core/oauth2.h"
#include "core/proxy_choice.h"
#include "core/url.h"

namespace vedette {
namespace {

class Client final : public HttpClient {
 public:
  explicit Client(std::shared_ptr<http::ClientState> state) : state_(std::move(state)) {}

  ~Client() override {
    std::unordered_set<std::shared_ptr<http::Transfer>> running;
    {
      const std::scoped_lock lock(state_->mutex);
      running = state_->running;
    }
    for (const auto& transfer : running) transfer->Cancel();
    state_->pool->Close();
  }

  void Start(HttpRequest request, Callback done) override {
    boost::asio::io_context& io = request.io ? *request.io : state_->io;
    if (auto prepared = Prepare(std::move(request))) {
      Start(*std::move(prepared), std::move(done));
    } else {
      boost::asio::post(io, [done = std::move(done), error = prepared.error()] { done(error); });
    }
  }

  Result<Prepared> Prepare(HttpRequest request) override { return http::Prepare(*state_, std::move(request)); }

  void Start(Prepared request, Callback done) override {
    const auto transfer = std::make_shared<http::Transfer>(state_, std::move(request), std::move(done));
    {
      const std::scoped_lock lock(state_->mutex);
      state_->running.insert(transfer);
    }
    transfer->Start();
  }

 private:
  const std::shared_ptr<http::ClientState> state_;
};

}  // namespace

std::string_view HttpResponse::Header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (EqualsIgnoreCase(key, name)) return value;
  }
  return {};
}

Status HttpClient::Validate(const HttpConfig& config) {
  VEDETTE_CHECK(ValidateTls(config.tls));
  VEDETTE_CHECK(ProxyChoice::Create(config));
  VEDETTE_CHECK(http::HeaderLines(config.proxy_connect_header));
  return config.oauth2 ? http::TokenSource::Validate(*config.oauth2) : Ok();
}

namespace {

Result<std::unique_ptr<HttpClient>> NewClient(boost::asio::io_context& io, const HttpConfig& config, bool any_address) {
  VEDETTE_CHECK(HttpClient::Validate(config));
  VEDETTE_TRY(ProxyChoice proxies, ProxyChoice::Create(config));
  std::shared_ptr<http::TokenSource> tokens;
  if (config.oauth2) {
    VEDETTE_TRY(tokens, http::TokenSource::Create(io, *config.oauth2));
  }
  return std::unique_ptr<HttpClient>(std::make_unique<Client>(
      std::make_shared<http::ClientState>(io, config, std::move(proxies), std::move(tokens), any_address)));
}

}  // namespace

Result<std::unique_ptr<HttpClient>> HttpClient::Create(boost::asio::io_context& io, const HttpConfig& config) {
  return NewClient(io, config, false);
}

Result<std::unique_ptr<HttpClient>> http::CreateForAnyAddress(boost::asio::io_context& io, const HttpConfig& config) {
  return NewClient(io, config, true);
}

Result<HttpResponse> HttpClient::Send(HttpRequest request) {
  const auto promise = std::make_shared<std::promise<Result<HttpResponse>>>();
  auto future = promise->get_future();
  // The callback holds the only lasting reference: when the io_context is destroyed before the request ends, the
  // promise breaks instead of leaving this thread to wait for ever.
  Start(std::move(request), [promise](Result<HttpResponse> result) { promise->set_value(std::move(result)); });
  try {
    return future.get();
  } catch (const std::future_error&) {
    return Fail(Code::kCanceled, "the I/O threads ended before the request");
  }
}

}  // namespace vedette
