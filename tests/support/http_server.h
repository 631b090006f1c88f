// A scripted HTTP server on 127.0.0.1 for tests: answers what a function says, or misbehaves as told.
//
//   test::HttpServer server([](const test::Received& r) { return test::Reply{.body = "up 1\n"}; });
//   test::HttpServer slow([](auto&) { return test::Reply{.body = "half", .stop_after = 40, .after =
//   test::After::kHang}; });
//   ... server.Url("/metrics") ... CHECK(server.requests().at(0).Header("Accept") == ...);
//
// One thread per connection. The handler runs on those threads; a test that shares state with it locks for itself.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <limits>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/certificate.h"

struct ssl_ctx_st;

namespace vedette::test {

struct Received {
  std::string method, target;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  int connection = 0;  // 0 for the first that was accepted, and so on
  /// First value of that header, without regard to case; empty when absent.
  std::string Header(std::string_view name) const;
};

/// What happens when a reply has been sent.
enum class After {
  kKeepAlive,
  kClose,
  kReset,  // RST instead of FIN
  kHang,   // nothing more is sent until the client closes or the server is destroyed
};

struct Reply {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers{};
  std::string body{};
  /// Sent instead of status, headers and body when set.
  std::optional<std::string> raw{};
  /// Overrides the Content-Length that fits.
  std::optional<std::size_t> content_length{};
  /// Only so many bytes of the reply are sent.
  std::size_t stop_after = std::numeric_limits<std::size_t>::max();
  After after = After::kKeepAlive;
};

class HttpServer {
 public:
  using Handler = std::function<Reply(const Received&)>;

  /// Listens on a free port; with a certificate it speaks TLS.
  explicit HttpServer(Handler handler, const std::optional<Certificate>& tls = std::nullopt);
  /// Listens on a Unix socket, which it makes.
  HttpServer(Handler handler, const std::string& unix_path);
  /// Disconnects everybody.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::uint16_t port() const { return port_; }
  /// "http://127.0.0.1:port" and `path`.
  std::string Url(std::string_view path = "/") const;

  /// What has arrived so far, in the order of arrival.
  std::vector<Received> requests() const;
  /// Waits (10 s at most) until `count` requests have arrived; false when they did not.
  bool WaitForRequests(std::size_t count) const;

 private:
  class Connection;

  void Accept();
  void Serve(int fd, int number);

  const Handler handler_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  ssl_ctx_st* tls_ = nullptr;

  mutable std::mutex mutex_;
  mutable std::condition_variable arrived_;
  std::vector<Received> requests_;     // guarded by mutex_
  std::vector<int> open_;              // guarded by mutex_
  std::vector<std::thread> handlers_;  // guarded by mutex_
  bool stopping_ = false;              // guarded by mutex_
  std::thread acceptor_;
};

}  // namespace vedette::test
