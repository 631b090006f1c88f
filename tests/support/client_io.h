// What tests of HTTP clients share: I/O threads, and results that must be there or must not.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "core/http_client.h"
#include "tests/support/catch.h"

namespace vedette::test {

/// Two I/O threads, as in production: what is not thread-safe shows under the thread sanitizer.
class ClientIo {
 public:
  ~ClientIo() {
    guard_.reset();
    for (std::thread& thread : threads_) thread.join();
  }
  std::unique_ptr<HttpClient> Client(const HttpConfig& config = {}) {
    return MustHave(HttpClient::Create(context_, config));
  }
  boost::asio::io_context& context() { return context_; }

 private:
  boost::asio::io_context context_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_{context_.get_executor()};
  std::vector<std::thread> threads_ = [this] {
    std::vector<std::thread> threads;
    for (int i = 0; i < 2; ++i) threads.emplace_back([this] { context_.run(); });
    return threads;
  }();
};

inline HttpRequest Get(std::string url) {
  HttpRequest request;
  request.url = std::move(url);
  return request;
}

inline Error MustFail(const Result<HttpResponse>& result) {
  if (result) FAIL("status " << result->status << " instead of an error");
  return result.error();
}

inline bool Mentions(const Error& error, std::string_view text) {
  INFO(error.message);
  return error.message.find(text) != std::string::npos;
}

}  // namespace vedette::test
