#include "core/http_client.h"

#include <boost/asio/io_context.hpp>

#include <future>
#include <mutex>
#include <thread>

#include "tests/support/catch.h"
#include "tests/support/client_io.h"
#include "tests/support/http_server.h"
#include "tests/support/temp_dir.h"

namespace vedette {
namespace {

using test::After;
using test::Get;
using test::HttpServer;
using Io = test::ClientIo;
using test::Mentions;
using test::MustFail;
using test::Received;
using test::Reply;

TEST_CASE("requests go to a Unix socket, whatever host and proxy there are", "[http]") {
  const test::TempDir dir;
  const HttpServer server([](const Received& r) { return Reply{.body = r.Header("Host") + r.target}; }, dir.Sub("s"));
  Io io;
  HttpConfig config;
  config.proxy_url = "http://127.0.0.1:1";
  const auto client = io.Client(config);
  HttpRequest request = Get("http://docker/a?b=c");
  request.unix_socket = dir.Sub("s");
  CHECK(MustHave(client->Send(request)).body == "docker/a?b=c");
  CHECK(MustHave(client->Send(request)).status == 200);
  CHECK(server.requests().back().connection == 0);  // the same one
  request.unix_socket = dir.Sub("absent");
  CHECK(Mentions(MustFail(client->Send(request)), dir.Sub("absent")));
  request.unix_socket = std::string(200, 'x');
  CHECK(MustFail(client->Send(request)).code == Code::kBadData);
}

TEST_CASE("requests of one client share a connection", "[http]") {
  Io io;
  const HttpServer server([](const Received& r) { return Reply{.body = r.method + " " + r.target + " " + r.body}; });
  const auto client = io.Client();
  for (int i = 0; i < 3; ++i) CHECK(MustHave(client->Send(Get(server.Url("/x?y=1")))).body == "GET /x?y=1 ");
  HttpRequest post = Get(server.Url("/in"));
  post.method = "POST";
  post.body = "payload";
  CHECK(MustHave(client->Send(post)).body == "POST /in payload");
  const auto seen = server.requests();
  for (const Received& request : seen) CHECK(request.connection == 0);
  CHECK(seen[0].Header("User-Agent").starts_with("vedette/"));
  CHECK(seen[0].Header("Accept-Encoding") == "gzip");
  CHECK(seen[0].Header("Host") == fmt::format("127.0.0.1:{}", server.port()));
}

TEST_CASE("a prepared request is made as often as wanted, and reads files each time", "[http]") {
  const test::TempDir dir;
  Io io;
  const HttpServer server([](const Received& r) { return Reply{.body = r.target + r.Header("Authorization")}; });
  const auto send = [](HttpClient& client, const HttpClient::Prepared& request) {
    std::promise<Result<HttpResponse>> came;
    client.Start(request, [&came](Result<HttpResponse> response) { came.set_value(std::move(response)); });
    return MustHave(came.get_future().get()).body;
  };
  const auto plain = io.Client();
  const HttpClient::Prepared request = MustHave(plain->Prepare(Get(server.Url("/a"))));
  CHECK(send(*plain, request) == "/a");
  CHECK(send(*plain, request) == "/a");
  CHECK(server.requests().back().connection == 0);
  CHECK(plain->Prepare(Get("no URL")).error().code == Code::kBadData);

  HttpConfig config;
  config.authorization = Authorization{.type = "Bearer", .credentials = {}, .credentials_file = dir.Sub("token")};
  const auto client = io.Client(config);
  const HttpClient::Prepared with_token = MustHave(client->Prepare(Get(server.Url("/b"))));
  for (const std::string token : {"one", "two"}) {
    dir.Write("token", token);
    CHECK(send(*client, with_token) == "/bBearer " + token);
  }
}

TEST_CASE("a request runs on the threads it names, with connections of its own", "[http]") {
  Io io;
  const HttpServer server([](const Received&) { return Reply{.body = std::string(200'000, 'x')}; });
  boost::asio::io_context other(1);
  const auto client = io.Client();
  CHECK(MustHave(client->Send(Get(server.Url("/")))).status == 200);
  HttpRequest request = Get(server.Url("/"));
  request.io = &other;
  const HttpClient::Prepared prepared = MustHave(client->Prepare(request));
  for (int i = 0; i < 2; ++i) {
    std::thread::id caller;
    client->Start(prepared, [&caller](Result<HttpResponse> response) {
      caller = std::this_thread::get_id();
      CHECK(MustHave(response).body.size() == 200'000);
      RecycleBody(std::move(response->body));
    });
    other.restart();
    other.run();
    CHECK(caller == std::this_thread::get_id());
    CHECK(server.requests().back().connection == 1);
  }
}

TEST_CASE("bodies arrive by length, in chunks, until the end and compressed", "[http]") {
  Io io;
  const std::string text(100'000, 'm');
  const HttpServer server([&](const Received& r) -> Reply {
    if (r.target == "/chunked") {
      return {.raw =
                  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n6\r\n world\r\n0\r\nT: "
                  "1\r\n\r\n"};
    }
    if (r.target == "/eof") return {.raw = "HTTP/1.0 200 OK\r\n\r\nuntil the end", .after = After::kClose};
    if (r.target == "/gzip") return {.headers = {{"Content-Encoding", "gzip"}}, .body = Gzip(text)};
    if (r.target == "/interim") return {.raw = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"};
    return {.headers = {{"Retry-After", "7"}}, .raw = std::nullopt, .content_length = 99};  // HEAD
  });
  const auto client = io.Client();
  CHECK(MustHave(client->Send(Get(server.Url("/chunked")))).body == "hello world");
  CHECK(MustHave(client->Send(Get(server.Url("/eof")))).body == "until the end");
  const HttpResponse packed = MustHave(client->Send(Get(server.Url("/gzip"))));
  CHECK((packed.body == text));
  CHECK(packed.wire_bytes < 1000);
  CHECK(MustHave(client->Send(Get(server.Url("/interim")))).status == 204);
  HttpRequest head = Get(server.Url("/head"));
  head.method = "HEAD";
  CHECK(MustHave(client->Send(head)).Header("retry-after") == "7");
}

TEST_CASE("a body beyond the limit is refused before it is taken in", "[http]") {
  Io io;
  const HttpServer server([&](const Received& r) -> Reply {
    if (r.target == "/says") return {.body = "x", .content_length = 1 << 30, .after = After::kHang};
    if (r.target == "/bomb")
      return {.headers = {{"Content-Encoding", "gzip"}}, .body = Gzip(std::string(1 << 24, 'b'))};
    if (r.target == "/chunked") {
      return {.raw = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFF\r\n" + std::string(5000, 'c'),
              .after = After::kHang};
    }
    return {.body = std::string(1000, 'e')};
  });
  const auto client = io.Client();
  for (const char* path : {"/says", "/bomb", "/chunked"}) {
    INFO(path);
    HttpRequest request = Get(server.Url(path));
    request.max_body_bytes = 1000;
    const Error error = MustFail(client->Send(request));
    CHECK(error.code == Code::kLimit);
    CHECK(Mentions(error, "1000 bytes"));
  }
  HttpRequest exact = Get(server.Url("/exact"));
  exact.max_body_bytes = 1000;
  CHECK(MustHave(client->Send(exact)).body.size() == 1000);
}

TEST_CASE("what a broken server sends is an error that names host and reason", "[http]") {
  Io io;
  const HttpServer server([&](const Received& r) -> Reply {
    if (r.target == "/short") return {.body = "abc", .content_length = 10, .after = After::kClose};
    if (r.target == "/reset") return {.body = "abc", .stop_after = 5, .after = After::kReset};
    if (r.target == "/junk") return {.raw = "SSH-2.0-OpenSSH\r\n\r\n", .after = After::kClose};
    if (r.target == "/headers") {
      return {.raw = "HTTP/1.1 200 OK\r\nX: " + std::string(200'000, 'h'), .after = After::kHang};
    }
    if (r.target == "/extension") {
      return {.raw = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;" + std::string(200'000, 'e'),
              .after = After::kHang};
    }
    if (r.target == "/br") return {.headers = {{"Content-Encoding", "br"}}, .body = "x"};
    if (r.target == "/cut") {
      return {.headers = {{"Content-Encoding", "gzip"}}, .body = Gzip("some text").substr(0, 15)};
    }
    return {.raw = "", .after = After::kClose};  // closes without an answer
  });
  const auto client = io.Client();
  struct Case {
    const char* path;
    Code code;
    const char* says;
  };
  for (const Case& c :
       {Case{"/short", Code::kUnavailable, "incomplete"}, Case{"/reset", Code::kUnavailable, ""},
        Case{"/junk", Code::kBadData, "malformed"}, Case{"/headers", Code::kLimit, "headers"},
        Case{"/br", Code::kBadData, "'br'"}, Case{"/extension", Code::kBadData, "chunk"},
        Case{"/cut", Code::kBadData, "cut short"}, Case{"/nothing", Code::kUnavailable, "closed before a reply"}}) {
    INFO(c.path);
    const Error error = MustFail(client->Send(Get(server.Url(c.path))));
    CHECK(error.code == c.code);
    CHECK(Mentions(error, c.says));
    CHECK(Mentions(error, fmt::format("127.0.0.1:{}", server.port())));
  }
}

TEST_CASE("nobody there, no such host, no sensible URL", "[http]") {
  Io io;
  const auto client = io.Client();
  std::uint16_t closed_port = 0;
  {
    const HttpServer gone([](const Received&) { return Reply{}; });
    closed_port = gone.port();
  }
  const Error refused =
      MustFail(client->Send(Get(fmt::format("http://user:secret@127.0.0.1:{}/?token=secret", closed_port))));
  CHECK(refused.code == Code::kUnavailable);
  CHECK(Mentions(refused, "onnection refused"));
  CHECK_FALSE(Mentions(refused, "secret"));
  const Error unknown = MustFail(client->Send(Get("http://no-such-host.invalid/")));
  CHECK(unknown.code == Code::kUnavailable);
  CHECK(Mentions(unknown, "resolving no-such-host.invalid"));
  CHECK(MustFail(client->Send(Get("no url"))).code == Code::kBadData);
  HttpRequest split = Get(fmt::format("http://127.0.0.1:{}/", closed_port));
  split.headers = {{"X", "a\r\nInjected: b"}};
  CHECK(MustFail(client->Send(split)).code == Code::kBadData);
}

TEST_CASE("one timeout covers the whole request", "[http]") {
  Io io;
  const HttpServer server(
      [&](const Received&) { return Reply{.body = "xyz", .stop_after = 10, .after = After::kHang}; });
  const auto client = io.Client();
  HttpRequest request = Get(server.Url());
  request.timeout = Millis(50);
  const Error error = MustFail(client->Send(request));
  CHECK(error.code == Code::kTimeout);
  CHECK(Mentions(error, "50ms"));
}

TEST_CASE("destroying the client cancels what runs, each callback once", "[http]") {
  Io io;
  const HttpServer server([&](const Received&) { return Reply{.raw = "", .after = After::kHang}; });
  constexpr int kRequests = 20;
  std::vector<std::promise<Code>> ended(kRequests);
  {
    const auto client = io.Client();
    for (auto& promise : ended) {
      client->Start(Get(server.Url()), [&promise](Result<HttpResponse> result) {
        promise.set_value(result ? Code::kInternal : result.error().code);
      });
    }
    REQUIRE(server.WaitForRequests(kRequests));
  }
  for (auto& promise : ended) CHECK(promise.get_future().get() == Code::kCanceled);
}

TEST_CASE("an idle connection that the server has closed is replaced", "[http]") {
  Io io;
  // The first request of each connection is answered, the second finds the connection closed.
  const HttpServer server(
      [](const Received& r) -> Reply { return {.body = std::to_string(r.connection), .after = After::kKeepAlive}; });
  std::mutex mutex;
  std::map<int, int> count;
  const HttpServer fickle([&](const Received& r) -> Reply {
    const std::scoped_lock lock(mutex);
    if (++count[r.connection] == 2) return {.raw = "", .after = After::kClose};
    return {.body = std::to_string(r.connection)};
  });
  const auto client = io.Client();
  for (int i = 0; i < 5; ++i) CHECK(MustHave(client->Send(Get(fickle.Url()))).body == std::to_string(i));
  HttpRequest post = Get(fickle.Url());
  post.method = "POST";  // may have been taken in: the caller decides
  CHECK(MustFail(client->Send(post)).code == Code::kUnavailable);
}

TEST_CASE("redirects are followed, credentials stay with the host they are for", "[http]") {
  Io io;
  const HttpServer other([](const Received& r) { return Reply{.body = r.method + r.Header("Authorization")}; });
  const HttpServer server([&](const Received& r) -> Reply {
    if (r.target == "/here") return {.status = 302, .headers = {{"Location", "there"}}};
    if (r.target == "/away") return {.status = 307, .headers = {{"Location", other.Url("/x")}}};
    if (r.target == "/loop") return {.status = 301, .headers = {{"Location", "/loop"}}};
    return {.body = r.method + " " + r.Header("Authorization") + r.body};
  });
  HttpConfig config;
  config.basic_auth = BasicAuth{.username = "u", .password = Secret("p")};
  config.headers = {{"X-Token", Secret("t")}};
  const auto client = io.Client(config);
  HttpRequest post = Get(server.Url("/here"));
  post.method = "POST";
  post.body = "b";
  CHECK(MustHave(client->Send(post)).body == "GET Basic dTpw");
  CHECK(server.requests()[0].Header("X-Token") == "t");
  post.url = server.Url("/away");
  post.headers = {{"X-Own", "1"}, {"Content-Type", "text/plain"}};
  CHECK(MustHave(client->Send(post)).body == "POST");
  const Received away = other.requests().at(0);
  CHECK(away.body == "b");
  CHECK(away.Header("X-Token").empty());
  CHECK(away.Header("X-Own").empty());
  CHECK(away.Header("Content-Type") == "text/plain");
  CHECK(MustFail(client->Send(Get(server.Url("/loop")))).code == Code::kBadData);
  config.follow_redirects = false;
  CHECK(MustHave(io.Client(config)->Send(Get(server.Url("/loop")))).status == 301);
}

TEST_CASE("credentials files are read for each request", "[http]") {
  Io io;
  const HttpServer server([](const Received& r) { return Reply{.body = r.Header("Authorization")}; });
  const test::TempDir dir;
  HttpConfig config;
  config.authorization = Authorization{.credentials_file = dir.Write("token", "one\n")};
  const auto client = io.Client(config);
  CHECK(MustHave(client->Send(Get(server.Url()))).body == "Bearer one");
  dir.Write("token", "two");
  CHECK(MustHave(client->Send(Get(server.Url()))).body == "Bearer two");
  config.authorization->credentials_file = dir.Sub("missing");
  CHECK(MustFail(io.Client(config)->Send(Get(server.Url()))).code == Code::kIo);
}

TEST_CASE("TLS verifies certificate and name unless told not to", "[http][tls]") {
  Io io;
  const test::Certificate certificate = test::MakeCertificate("DNS:good.example,IP:127.0.0.1");
  const HttpServer server([](const Received& r) { return Reply{.body = "over TLS " + r.target}; }, certificate);
  SECTION("a certificate of an unknown issuer is refused with OpenSSL's reason") {
    const Error error = MustFail(io.Client()->Send(Get(server.Url())));
    CHECK(error.code == Code::kUnavailable);
    CHECK(Mentions(error, "self-signed certificate"));
  }
  SECTION("its CA inline or as a file makes it good, and connections are reused") {
    const test::TempDir dir;
    HttpConfig inline_ca, file_ca;
    inline_ca.tls.ca = certificate.cert_pem;
    file_ca.tls.ca_file = dir.Write("ca.pem", certificate.cert_pem);
    for (const HttpConfig& config : {inline_ca, file_ca}) {
      const auto client = io.Client(config);
      CHECK(MustHave(client->Send(Get(server.Url("/a")))).body == "over TLS /a");
      CHECK(MustHave(client->Send(Get(server.Url("/b")))).body == "over TLS /b");
    }
    const auto seen = server.requests();
    CHECK(seen[0].connection == seen[1].connection);
  }
  SECTION("the name must fit") {
    HttpConfig config;
    config.tls.ca = certificate.cert_pem;
    config.tls.server_name = "bad.example";
    CHECK(Mentions(MustFail(io.Client(config)->Send(Get(server.Url()))), "ostname mismatch"));
    config.tls.server_name = "good.example";
    CHECK(MustHave(io.Client(config)->Send(Get(server.Url()))).status == 200);
  }
  SECTION("verification can be switched off") {
    HttpConfig config;
    config.tls.insecure_skip_verify = true;
    CHECK(MustHave(io.Client(config)->Send(Get(server.Url()))).status == 200);
  }
  SECTION("plain HTTP to a TLS port and the reverse fail with a reason") {
    const HttpServer plain([](const Received&) { return Reply{}; });
    const Error error = MustFail(io.Client()->Send(Get("https" + plain.Url().substr(4))));
    CHECK(Mentions(error, "TLS handshake"));
  }
}

TEST_CASE("TLS options that make no sense are refused", "[http][tls]") {
  boost::asio::io_context io;
  HttpConfig config;
  config.tls.min_version = "SSL3";
  CHECK_FALSE(HttpClient::Create(io, config).has_value());
  config.tls.min_version = "TLS13";
  config.tls.max_version = "TLS12";
  CHECK_FALSE(HttpClient::Create(io, config).has_value());
  config.tls = {};
  config.tls.cert_file = "only a certificate";
  CHECK_FALSE(HttpClient::Create(io, config).has_value());
  config.tls = {};
  config.proxy_url = "socks5://h";
  CHECK_FALSE(HttpClient::Create(io, config).has_value());
}

TEST_CASE("a proxy gets whole URLs, or CONNECT for https", "[http]") {
  Io io;
  const HttpServer proxy([](const Received& r) -> Reply {
    if (r.method == "CONNECT") return {.status = 407};
    return {.body = r.target + " " + r.Header("Proxy-Authorization")};
  });
  HttpConfig config;
  config.proxy_url = fmt::format("http://pu:pp@127.0.0.1:{}", proxy.port());
  const auto client = io.Client(config);
  CHECK(MustHave(client->Send(Get("http://far.example/x"))).body == "http://far.example/x Basic cHU6cHA=");
  const Error error = MustFail(client->Send(Get("https://far.example/x")));
  CHECK(Mentions(error, "407"));
  CHECK(proxy.requests().at(1).target == "far.example:443");
}

TEST_CASE("many requests at once", "[http]") {
  Io io;
  const HttpServer server([](const Received& r) { return Reply{.body = r.target}; });
  const auto client = io.Client();
  constexpr int kRequests = 200;
  std::vector<std::promise<std::string>> bodies(kRequests);
  for (int i = 0; i < kRequests; ++i) {
    client->Start(Get(server.Url(fmt::format("/{}", i))),
                  [&promise = bodies[static_cast<std::size_t>(i)]](auto result) {
                    promise.set_value(result ? result->body : result.error().message);
                  });
  }
  for (int i = 0; i < kRequests; ++i) {
    CHECK(bodies[static_cast<std::size_t>(i)].get_future().get() == fmt::format("/{}", i));
  }
}

}  // namespace
}  // namespace vedette
