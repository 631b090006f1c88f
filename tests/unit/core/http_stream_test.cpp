// Bodies that are read as they come.
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <future>
#include <mutex>
#include <thread>

#include "core/http_client.h"
#include "tests/support/catch.h"
#include "tests/support/http_server.h"

namespace vedette {
namespace {

using test::After;
using test::HttpServer;
using test::Received;
using test::Reply;
using namespace std::chrono_literals;

class StreamIo {
 public:
  ~StreamIo() {
    guard_.reset();
    thread_.join();
  }
  boost::asio::io_context context;

 private:
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_{context.get_executor()};
  std::thread thread_{[this] { context.run(); }};
};

std::string Chunked(const std::vector<std::string>& chunks, bool end) {
  std::string out = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const std::string& chunk : chunks) out += fmt::format("{:x}\r\n{}\r\n", chunk.size(), chunk);
  return end ? out + "0\r\n\r\n" : out;
}

/// A reader that keeps everything; it answers from another thread, as one on a worker pool does.
class Collected {
 public:
  BodyReader Reader(Status answer = Ok()) {
    return [this, answer](std::string_view piece, std::function<void(Status)> next) {
      const std::lock_guard lock(mutex_);
      threads_.emplace_back([this, piece, answer, next = std::move(next)] {
        {
          const std::lock_guard inner(mutex_);
          text_ += piece;
          ++pieces_;
        }
        next(answer);
      });
    };
  }
  ~Collected() {
    for (std::thread& thread : threads_) thread.join();
  }
  std::string text() const {
    const std::lock_guard lock(mutex_);
    return text_;
  }
  int pieces() const {
    const std::lock_guard lock(mutex_);
    return pieces_;
  }

 private:
  mutable std::mutex mutex_;
  std::string text_;
  int pieces_ = 0;
  std::vector<std::thread> threads_;
};

HttpRequest Streamed(const HttpServer& server, Collected& collected, Status answer = Ok()) {
  HttpRequest request;
  request.url = server.Url();
  request.body_reader = collected.Reader(std::move(answer));
  return request;
}

TEST_CASE("a reader gets the whole body of a success and nothing of a failure", "[http]") {
  const std::string large(3 << 20, 'x');
  HttpServer server([&](const Received& request) {
    if (request.connection == 0) return Reply{.raw = Chunked({"one", "two", large}, true)};
    if (request.connection == 1) {
      return Reply{.headers = {{"Content-Encoding", "gzip"}}, .body = Gzip(large), .after = After::kClose};
    }
    return Reply{.status = 503, .body = "not now"};
  });
  StreamIo io;
  for (int i = 0; i < 3; ++i) {
    const auto client = MustHave(HttpClient::Create(io.context, {}));
    Collected collected;
    const HttpResponse response = MustHave(client->Send(Streamed(server, collected)));
    CHECK(response.status == (i == 2 ? 503 : 200));
    CHECK(response.body == (i == 2 ? "not now" : ""));
    CHECK((collected.text() == (i == 0 ? "onetwo" + large : i == 1 ? large : "")));
  }
}

TEST_CASE("a reader's error ends the request, and so does a body that is too long", "[http]") {
  HttpServer server([](const Received&) { return Reply{.raw = Chunked({"one"}, false), .after = After::kHang}; });
  StreamIo io;
  const auto client = MustHave(HttpClient::Create(io.context, {}));
  Collected collected;
  const auto refused = client->Send(Streamed(server, collected, Fail(Code::kBadData, "I do not like it")));
  REQUIRE(!refused);
  CHECK(refused.error().message.find("I do not like it") != std::string::npos);
  CHECK(collected.pieces() == 1);

  HttpRequest limited = Streamed(server, collected);
  limited.max_body_bytes = 2;
  const auto too_long = client->Send(std::move(limited));
  REQUIRE(!too_long);
  CHECK(too_long.error().code == Code::kLimit);
}

TEST_CASE("an answer that is no success stays bounded when its body would not be", "[http]") {
  HttpServer server([](const Received&) { return Reply{.status = 500, .body = std::string(2 << 20, 'x')}; });
  StreamIo io;
  const auto client = MustHave(HttpClient::Create(io.context, {}));
  Collected collected;
  const auto refused = client->Send(Streamed(server, collected));
  REQUIRE(!refused);
  CHECK(refused.error().code == Code::kLimit);
}

TEST_CASE("the head has a time of its own, the body the rest", "[http]") {
  const bool has_head = GENERATE(false, true);
  HttpServer server([&](const Received&) {
    return Reply{.raw = has_head ? Chunked({"one"}, false) : "HTTP/1.1 200", .after = After::kHang};
  });
  StreamIo io;
  const auto client = MustHave(HttpClient::Create(io.context, {}));
  Collected collected;
  HttpRequest request = Streamed(server, collected);
  request.timeout = has_head ? 150ms : Millis(24h);
  request.head_timeout = has_head ? Millis(100ms) : Millis(50ms);
  const auto late = client->Send(std::move(request));
  REQUIRE(!late);
  CHECK(late.error().code == Code::kTimeout);
  CHECK(late.error().message.starts_with(has_head ? "timeout after 150ms" : "timeout after 50ms"));
}

TEST_CASE("a reader hears of the head of a success before there is a body", "[http]") {
  HttpServer server([](const Received&) { return Reply{.raw = Chunked({}, false), .after = After::kHang}; });
  StreamIo io;
  const auto client = MustHave(HttpClient::Create(io.context, {}));
  Collected collected;
  const auto refused = client->Send(Streamed(server, collected, Fail(Code::kBadData, "enough")));
  REQUIRE(!refused);
  CHECK(refused.error().code == Code::kBadData);
  CHECK(collected.pieces() == 1);
  CHECK(collected.text().empty());
}

TEST_CASE("a request that is canceled ends when its reader has", "[http]") {
  HttpServer server([](const Received&) { return Reply{.raw = Chunked({"one"}, false), .after = After::kHang}; });
  StreamIo io;
  auto client = MustHave(HttpClient::Create(io.context, {}));
  std::promise<std::function<void(Status)>> reading;
  std::promise<Result<HttpResponse>> ended;
  HttpRequest request;
  request.url = server.Url();
  request.body_reader = [&](std::string_view, std::function<void(Status)> next) { reading.set_value(std::move(next)); };
  client->Start(std::move(request), [&](Result<HttpResponse> result) { ended.set_value(std::move(result)); });
  const std::function<void(Status)> next = reading.get_future().get();
  client.reset();
  auto outcome = ended.get_future();
  CHECK(outcome.wait_for(0s) == std::future_status::timeout);
  next(Ok());
  const Result<HttpResponse> result = outcome.get();
  REQUIRE(!result);
  CHECK(result.error().code == Code::kCanceled);
}

}  // namespace
}  // namespace vedette
