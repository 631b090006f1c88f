#include "dashboards/http/server.h"

#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include <atomic>
#include <condition_variable>
#include <future>
#include <thread>

#include "core/http_client.h"
#include "tests/support/catch.h"
#include "tests/support/raw_client.h"

namespace vedette::dashboards {
namespace {

using test::RawClient;

constexpr std::string_view kGetHello = "GET /hello HTTP/1.1\r\nHost: h\r\n\r\n";

/// Opens once; what waits goes on.
class Gate {
 public:
  void Open() {
    const std::scoped_lock lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void Wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

/// A server with two I/O threads, one of which may run a handler, and four workers, and the routes that the cases need.
class Fixture {
 public:
  explicit Fixture(ServerOptions options = {}) {
    options.listen_address = "127.0.0.1:0";
    Router router;
    router.Add(kGet, "/hello", [](const Request&) { return TextResponse(200, "hello\n"); });
    router.Add(kGet | kPost, "/echo", [](const Request& r) {
      return TextResponse(200, fmt::format("{} {} {}", r.path, r.query.Get("q"), r.body));
    });
    // Bodies of 2 MB at most, and 2.5 MB in all of them.
    const auto take = [this](std::size_t bytes) {
      if (taken.fetch_add(bytes) + bytes <= 2'500'000) return true;
      taken -= bytes;
      return false;
    };
    router.Add(
        kPost, "/push",
        [this](const Request& r) {
          if (r.query.Has("wait")) {
            waiting.Open();
            go_on.Wait();
          }
          return TextResponse(200, std::to_string(r.body.size()));
        },
        std::make_shared<const BodyLimits>(BodyLimits{2'000'000, take, [this](std::size_t bytes) { taken -= bytes; }}));
    router.Add(kGet, "/throw", [](const Request&) -> Response { throw std::runtime_error("secret"); });
    router.Add(kGet, "/big", [this](const Request&) {
      Response out = TextResponse(200, "");
      out.shared_body = big_;
      return out;
    });
    router.Add(kGet, "/wait", [this](const Request&) {
      waiting.Open();
      go_on.Wait();
      return TextResponse(200, "waited\n");
    });
    router.Add(kGet, "/until-stopped", [this](const Request& r) {
      waiting.Open();
      Gate stopped;
      const std::stop_callback on_stop(r.stop, [&] { stopped.Open(); });
      stopped.Wait();
      stopped_handlers.Open();
      return TextResponse(499, "stopped\n");
    });
    router.Add(kGet, "/pieces", [this](const Request& r) {
      Response out = TextResponse(200, "first,");
      const bool broken = r.query.Has("broken");
      out.more = [this, broken, left = 3](std::string& piece) mutable {
        ++pieces;
        piece = left == 2 ? "" : std::to_string(left) + ",";
        if (--left > 0) return Piece::kMore;
        return broken ? Piece::kBroken : Piece::kLast;
      };
      return out;
    });
    router.Add(kGet, "/later-pieces", [this](const Request&) {
      Response out;
      out.later = [this](const std::function<void(Response)>& answer) {
        Response pieced = TextResponse(200, "later,");
        pieced.more = [this](std::string& piece) {
          ++pieces;
          piece = "last";
          return Piece::kLast;
        };
        answer(std::move(pieced));
      };
      return out;
    });
    router.Add(kGet, "/endless", [this](const Request& r) {
      Response out = TextResponse(200, "");
      // Dies with what makes the pieces.
      const std::shared_ptr<void> end(nullptr, [this, stop = r.stop](void*) {
        told = stop.stop_requested();
        left.Open();
      });
      out.more = [this, end](std::string& piece) {
        ++pieces;
        piece.assign(1 << 20, 'e');
        return Piece::kMore;
      };
      return out;
    });
    router.Add(kGet, "/api/v1/x", [](const Request&) { return JsonResponse(200, "{}"); });
    server_ = MustHave(Server::Listen(options, std::move(router), io_, {workers_, workers_, 1}, registry_));
  }
  ~Fixture() {
    go_on.Open();
    server_.reset();
    guard_.reset();
    for (std::thread& thread : threads_) thread.join();
  }

  Server& server() { return *server_; }
  std::uint16_t port() const { return server_->port(); }
  std::string Metrics() { return prometheus::TextSerializer().Serialize(registry_.Collect()); }
  std::string Ask(std::string_view bytes) {
    RawClient client(port());
    client.Send(bytes);
    return client.ReadResponse();
  }

  Gate waiting, go_on, stopped_handlers, left;
  std::atomic<bool> told = false;      // whether the token had fired when /endless was left
  std::atomic<std::size_t> taken = 0;  // of bodies of /push
  std::atomic<std::size_t> pieces = 0;

 private:
  const std::shared_ptr<const std::string> big_ = std::make_shared<const std::string>(32 << 20, 'b');
  prometheus::Registry registry_;
  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_{io_.get_executor()};
  boost::asio::thread_pool workers_{4};
  std::unique_ptr<Server> server_;
  std::vector<std::thread> threads_ = [this] {
    std::vector<std::thread> threads;
    for (int i = 0; i < 2; ++i) threads.emplace_back([this] { io_.run(); });
    return threads;
  }();
};

int StatusOf(const std::string& response) { return response.size() < 12 ? 0 : std::stoi(response.substr(9, 3)); }
bool Has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

TEST_CASE("a body may come in pieces", "[web]") {
  Fixture f;
  const auto ask = [&](std::string_view request) {
    RawClient client(f.port());
    client.Send(request);
    return client.ReadAll();
  };
  SECTION("in chunks, and the connection goes on") {
    const std::string all =
        ask("GET /pieces HTTP/1.1\r\nHost: h\r\n\r\nGET /hello HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    CHECK(Has(all, "Transfer-Encoding: chunked\r\n"));
    CHECK_FALSE(Has(all.substr(0, all.find("\r\n\r\n")), "Content-Length"));
    CHECK(Has(all, "\r\n\r\n6\r\nfirst,\r\n2\r\n3,\r\n2\r\n1,\r\n0\r\n\r\nHTTP/1.1 200 OK"));
    CHECK(Has(all, "hello\n"));
  }
  SECTION("until the end of the connection for an old client") {
    const std::string all = ask("GET /pieces HTTP/1.0\r\n\r\n");
    CHECK_FALSE(Has(all, "Transfer-Encoding"));
    CHECK(Has(all, "Connection: close"));
    CHECK(all.ends_with("\r\n\r\nfirst,3,1,"));
  }
  SECTION("cut off when something goes wrong") {
    const std::string all = ask("GET /pieces?broken=1 HTTP/1.1\r\nHost: h\r\n\r\n");
    CHECK(Has(all, "2\r\n3,\r\n"));
    CHECK_FALSE(Has(all, "\r\n0\r\n"));
  }
  SECTION("not made for HEAD") {
    const std::string all = ask("HEAD /pieces HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    CHECK(StatusOf(all) == 200);
    CHECK(all.ends_with("\r\n\r\n"));
    CHECK(f.pieces == 0);
  }
  SECTION("of an answer that comes later, and not for HEAD") {
    CHECK(Has(ask("GET /later-pieces HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"), "\r\n4\r\nlast\r\n0\r\n"));
    CHECK(f.pieces == 1);
    CHECK(ask("HEAD /later-pieces HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").ends_with("\r\n\r\n"));
    CHECK(f.pieces == 1);
  }
}

TEST_CASE("pieces are made as far as the client reads, and no further when it leaves", "[web]") {
  Fixture f;
  {
    RawClient client(f.port());
    client.Send("GET /endless HTTP/1.1\r\nHost: h\r\n\r\n");
    // Others are served meanwhile: nobody's thread waits for this client.
    for (int i = 0; i < 20; ++i) CHECK(StatusOf(f.Ask(kGetHello)) == 200);
    CHECK(f.pieces < 64);  // what fits the buffers of the sockets
  }
  f.left.Wait();
  CHECK(f.pieces < 64);
  CHECK(f.told);
}

TEST_CASE("pieces for a client that takes none are given up, and what makes them is told", "[web]") {
  ServerOptions options;
  options.write_timeout = Millis(200);
  Fixture f(options);
  RawClient client(f.port());
  client.Send("GET /endless HTTP/1.1\r\nHost: h\r\n\r\n");
  f.left.Wait();
  CHECK(f.told);
}

TEST_CASE("a connection is kept, and pipelined requests are answered in their order", "[web]") {
  Fixture f;
  RawClient client(f.port());
  for (int i = 0; i < 3; ++i) {
    client.Send(kGetHello);
    const std::string response = client.ReadResponse();
    CHECK(StatusOf(response) == 200);
    CHECK(Has(response, "\r\n\r\nhello\n"));
    CHECK(Has(response, "X-Content-Type-Options: nosniff\r\n"));
    CHECK_FALSE(Has(response, "Connection: close"));
  }
  std::string pipeline;
  for (int i = 0; i < 100; ++i) {
    pipeline += fmt::format("POST /echo?q={} HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", i);
  }
  client.Send(pipeline);
  for (int i = 0; i < 100; ++i) CHECK(Has(client.ReadResponse(), fmt::format("\r\n\r\n/echo {} abc", i)));
  client.Send("GET /hello HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  CHECK(Has(client.ReadAll(), "Connection: close\r\n"));
  CHECK(Has(f.Metrics(), R"(vedette_http_requests_total{code="200",handler="/echo"} 100)"));
}

TEST_CASE("HEAD, OPTIONS, HTTP/1.0, chunks, absolute targets and CORS", "[web]") {
  Fixture f;
  RawClient client(f.port());
  client.Send("HEAD /hello HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(Has(client.ReadResponse(true), "Content-Length: 6\r\n"));
  client.Send("POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  CHECK(Has(client.ReadResponse(), "/echo  abcde"));
  client.Send("GET http://h/echo?q=a%20b HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(Has(client.ReadResponse(), "/echo a b "));
  client.Send("OPTIONS /api/v1/x HTTP/1.1\r\nHost: h\r\nOrigin: http://o\r\n\r\n");
  const std::string options = client.ReadResponse();
  CHECK(StatusOf(options) == 204);
  CHECK(Has(options, "Access-Control-Allow-Origin: *\r\n"));
  CHECK_FALSE(Has(options, "Content-Length"));
  client.Send("GET /api/v1/x HTTP/1.1\r\nHost: h\r\nAccept-Encoding: gzip\r\n\r\n");
  CHECK(Has(client.ReadResponse(), "Content-Encoding: gzip\r\n"));
  client.Send("GET /throw HTTP/1.1\r\nHost: h\r\n\r\n");
  const std::string thrown = client.ReadResponse();
  CHECK(StatusOf(thrown) == 500);
  CHECK_FALSE(Has(thrown, "secret"));
  client.Send("GET /hello HTTP/1.0\r\n\r\n");
  CHECK(StatusOf(client.ReadAll()) == 200);
}

TEST_CASE("what is not a request is refused", "[web]") {
  ServerOptions options;
  options.max_body_bytes = 1000;
  Fixture f(options);
  CHECK(StatusOf(f.Ask("garbage\r\n\r\n")) == 400);
  CHECK(StatusOf(f.Ask("GET /hello HTTP/1.1\r\n\r\n")) == 400);  // no Host
  CHECK(StatusOf(f.Ask("GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n")) == 400);
  CHECK(StatusOf(f.Ask("PATCH /hello HTTP/1.1\r\nHost: h\r\n\r\n")) == 405);
  CHECK(StatusOf(f.Ask("GET /hello HTTP/1.1\r\nHost: h\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n")) == 431);
  CHECK(StatusOf(f.Ask("GET /" + std::string(20'000, 'x'))) == 431);
  CHECK(StatusOf(f.Ask("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1001\r\n\r\n")) == 413);
  CHECK(StatusOf(f.Ask("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999\r\n\r\n")) == 413);
  CHECK(StatusOf(f.Ask("POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" +
                       std::string(1001, 'c'))) == 413);
  CHECK(StatusOf(f.Ask("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n" + std::string(1000, 'c'))) ==
        200);
  CHECK(StatusOf(f.Ask("POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1;" +
                       std::string(40'000, 'e'))) == 400);
  CHECK(Has(f.Metrics(), R"(vedette_http_refused_total{reason="too_large"})"));

  RawClient patient(f.port());
  patient.Send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  CHECK(StatusOf(patient.ReadResponse()) == 100);
  patient.Send("ok");
  CHECK(Has(patient.ReadResponse(), "/echo  ok"));
}

TEST_CASE("what is pushed is refused before it is read: too much, or too much at once", "[web]") {
  Fixture f;
  const auto head = [](std::size_t size, std::string_view query = "") {
    return fmt::format("POST /push{} HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n", query, size);
  };
  const std::string body(1'500'000, 'b');
  CHECK(Has(f.Ask(head(body.size()) + body), "\r\n\r\n1500000"));
  CHECK(f.taken == 0);
  // Nothing of the body has been sent yet.
  CHECK(StatusOf(f.Ask(head(2'000'001))) == 413);
  RawClient holder(f.port());
  holder.Send(head(body.size(), "?wait=1") + body);
  f.waiting.Wait();
  const std::string refused = f.Ask(head(body.size()));
  CHECK(StatusOf(refused) == 503);
  CHECK(Has(refused, "Retry-After: 5\r\n"));
  // Whose size is not known takes room as it grows.
  const std::string chunk = fmt::format("{:x}\r\n{}\r\n", 300'000, std::string(300'000, 'c'));
  const std::string chunked = "POST /push HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  std::string many = chunked;
  for (int i = 0; i < 6; ++i) many += chunk;
  CHECK(StatusOf(f.Ask(many + "0\r\n\r\n")) == 503);
  f.go_on.Open();
  CHECK(Has(holder.ReadResponse(), "\r\n\r\n1500000"));
  CHECK(Has(f.Ask(many + "0\r\n\r\n"), "\r\n\r\n1800000"));
  CHECK(f.taken == 0);
  many += chunk + chunk;
  CHECK(StatusOf(f.Ask(many + "0\r\n\r\n")) == 413);
  // Also within one chunk that began before the limit was known.
  CHECK(StatusOf(f.Ask(chunked + "2dc6c0\r\n" + std::string(2'100'000, 'c'))) == 413);
  // What is declared but does not come takes nothing from others.
  std::vector<RawClient> idle;
  for (int i = 0; i < 4; ++i) {
    idle.emplace_back(f.port());
    idle.back().Send("POST /push HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 1500000\r\n\r\n");
    CHECK(Has(idle.back().ReadResponse(true), "100 Continue"));
  }
  CHECK(Has(f.Ask(head(body.size()) + body), "\r\n\r\n1500000"));
  // A small one is not asked for anything, and others have their own limits.
  CHECK(Has(f.Ask(head(3) + "abc"), "\r\n\r\n3"));
}

TEST_CASE("slow clients are cut off and hold up nobody", "[web]") {
  ServerOptions options;
  options.header_timeout = Millis(250);
  options.read_timeout = Millis(500);
  options.write_timeout = Millis(200);
  Fixture f(options);
  RawClient trickle(f.port()), idle(f.port()), half_body(f.port()), no_reader(f.port());
  trickle.Send("GET /hel");
  half_body.Send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc");
  no_reader.Send("GET /big HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(StatusOf(f.Ask(kGetHello)) == 200);
  CHECK(StatusOf(trickle.ReadResponse()) == 408);
  CHECK(StatusOf(half_body.ReadResponse()) == 408);
  CHECK(idle.ReadAll().empty());
  // The server has given up on the reader that did not read; what is in the buffers comes, the rest does not.
  const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!Has(f.Metrics(), "vedette_http_hang_ups_total 1") && std::chrono::steady_clock::now() < patience) {
    std::this_thread::yield();
  }
  CHECK(no_reader.ReadAll().size() < (32 << 20));
}

TEST_CASE("a big answer arrives whole", "[web]") {
  Fixture f;
  RawClient client(f.port());
  client.Send("GET /big HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(client.ReadResponse().size() > (32 << 20));
  client.Send(kGetHello);
  CHECK(StatusOf(client.ReadResponse()) == 200);
}

TEST_CASE("a client that leaves stops its handler", "[web]") {
  Fixture f;
  RawClient client(f.port());
  client.Send("GET /until-stopped HTTP/1.1\r\nHost: h\r\n\r\n");
  f.waiting.Wait();
  SECTION("by closing") { client.Close(); }
  SECTION("with another request in the pipeline") {
    client.Send(kGetHello);
    client.Close();
  }
  SECTION("by closing its sending side, and still gets the answer") {
    client.HalfClose();
    CHECK(StatusOf(client.ReadResponse()) == 499);
  }
  f.stopped_handlers.Wait();
}

TEST_CASE("a half-closed client gets its answer", "[web]") {
  Fixture f;
  RawClient client(f.port());
  client.Send(kGetHello);
  client.HalfClose();
  CHECK(StatusOf(client.ReadAll()) == 200);
}

TEST_CASE("beyond the maximum connections get 503, and places become free again", "[web]") {
  ServerOptions options;
  options.max_connections = 10;
  Fixture f(options);
  std::vector<RawClient> clients;
  for (int i = 0; i < 10; ++i) {
    clients.emplace_back(f.port());
    clients.back().Send(kGetHello);
    CHECK(StatusOf(clients.back().ReadResponse()) == 200);
  }
  RawClient refused(f.port());
  CHECK(StatusOf(refused.ReadAll()) == 503);
  clients.clear();
  int status = 0;
  for (int i = 0; i < 10'000 && status != 200; ++i) status = StatusOf(f.Ask(kGetHello));
  CHECK(status == 200);
  CHECK(Has(f.Metrics(), R"(vedette_http_refused_total{reason="max_connections"})"));
}

TEST_CASE("a thousand connections at once", "[web]") {
  Fixture f;
  std::vector<RawClient> clients;
  for (int i = 0; i < 1000; ++i) {
    clients.emplace_back(f.port());
    clients.back().Send(kGetHello);
  }
  int served = 0, refused = 0, cut = 0;
  for (RawClient& client : clients) {
    const int status = StatusOf(client.ReadResponse());
    ++(status == 200 ? served : status == 503 ? refused : cut);
  }
  CHECK(served >= 512);
  CHECK(served + refused + cut == 1000);
}

TEST_CASE("stopping lets running requests finish and closes the others", "[web]") {
  Fixture f;
  RawClient idle(f.port()), running(f.port());
  idle.Send(kGetHello);
  CHECK(StatusOf(idle.ReadResponse()) == 200);
  running.Send("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n");
  f.waiting.Wait();
  std::thread stopper([&] { f.server().Stop(std::chrono::seconds(30)); });
  CHECK(idle.ReadAll().empty());
  f.go_on.Open();
  const std::string answer = running.ReadAll();
  CHECK(Has(answer, "waited"));
  CHECK(Has(answer, "Connection: close"));
  stopper.join();
}

TEST_CASE("stopping under load ends when its grace is over", "[web]") {
  Fixture f;
  std::atomic<bool> done = false;
  std::vector<std::thread> load;
  for (int i = 0; i < 4; ++i) {
    load.emplace_back([&, client = RawClient(f.port())]() mutable {
      while (!done && client.Send(kGetHello) && !client.ReadResponse().empty()) {
      }
    });
  }
  RawClient stuck(f.port());
  stuck.Send("GET /until-stopped HTTP/1.1\r\nHost: h\r\n\r\n");
  f.waiting.Wait();
  f.server().Stop(Millis(50));
  f.stopped_handlers.Wait();
  done = true;
  for (std::thread& thread : load) thread.join();
}

TEST_CASE("an address that is taken is an error that names it", "[web]") {
  Fixture f;
  boost::asio::io_context io;
  boost::asio::thread_pool workers(1);
  prometheus::Registry registry;
  ServerOptions options;
  options.listen_address = fmt::format("127.0.0.1:{}", f.port());
  const auto second = Server::Listen(options, Router(), io, {workers, workers, 0}, registry);
  REQUIRE_FALSE(second.has_value());
  CHECK(Has(second.error().message, options.listen_address));
}

}  // namespace
}  // namespace vedette::dashboards
