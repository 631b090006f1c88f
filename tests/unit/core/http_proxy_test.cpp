// Which requests take which proxy, and the ways through one.
#include <array>
#include <map>
#include <mutex>
#include <thread>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "core/proxy_choice.h"
#include "tests/support/catch.h"
#include "tests/support/client_io.h"
#include "tests/support/http_server.h"
#include "tests/support/temp_dir.h"

namespace vedette {
namespace {

namespace net = boost::asio;
using test::ClientIo;
using test::Get;
using test::HttpServer;
using test::Mentions;
using test::MustFail;
using test::Received;
using test::Reply;

TEST_CASE("no_proxy", "[http][proxy]") {
  struct Row {
    const char* list;
    const char* url;
    bool matches;
  };
  const Row row = GENERATE(values<Row>({
      {"", "http://example.com", false},
      // never through a proxy
      {"", "http://localhost:9090", true},
      {"", "http://127.0.0.1", true},
      {"", "http://127.8.9.1:1", true},
      {"", "http://[::1]:1", true},
      {"", "http://[::ffff:127.0.0.1]:1", true},
      {"", "http://localhost.example", false},
      // everything
      {"*", "http://example.com", true},
      {"a.b, * ,c", "https://10.0.0.1", true},
      {"**", "http://example.com", false},
      // names: itself and below
      {"example.com", "http://example.com", true},
      {"example.com", "https://a.b.EXAMPLE.com:8443", true},
      {"Example.COM", "http://example.com", true},
      {"example.com", "http://anexample.com", false},
      {"example.com", "http://example.com.evil", false},
      // only below
      {".example.com", "http://example.com", false},
      {".example.com", "http://a.example.com", true},
      {"*.example.com", "http://example.com", false},
      {"*.example.com", "http://a.example.com", true},
      {"a*.example.com", "http://ab.example.com", false},
      // ports, given or meant
      {"example.com:80", "http://example.com", true},
      {"example.com:80", "https://example.com", false},
      {"example.com:443", "https://x.example.com", true},
      {".example.com:8080", "http://a.example.com:8080", true},
      {".example.com:8080", "http://a.example.com", false},
      {"example.com:", "http://example.com:77", true},
      {"example.com:x", "http://example.com", false},
      {":80", "http://example.com", false},
      // addresses
      {"10.1.2.3", "http://10.1.2.3:9100", true},
      {"10.1.2.3", "http://10.1.2.4", false},
      {"10.1.2.3:9100", "http://10.1.2.3:9100", true},
      {"10.1.2.3:9100", "http://10.1.2.3:9101", false},
      {"10.1.2.3", "http://[::ffff:10.1.2.3]", true},
      {"2001:db8::1", "http://[2001:db8:0::1]:9100", true},
      {"[2001:db8::1]:9100", "http://[2001:db8::1]:9100", true},
      {"[2001:db8::1]:9100", "http://[2001:db8::1]", false},
      {"[2001:db8::1]", "http://[2001:db8::1]", false},  // brackets are for a port, as in Go
      // networks
      {"10.0.0.0/8", "http://10.255.1.2", true},
      {"10.0.0.0/8", "http://11.0.0.1", false},
      {"10.1.2.3/8", "http://10.9.9.9", true},
      {"192.168.16.0/20", "http://192.168.31.255", true},
      {"192.168.16.0/20", "http://192.168.32.0", false},
      {"0.0.0.0/0", "http://8.8.8.8", true},
      {"0.0.0.0/0", "http://[2001:db8::1]", false},
      {"10.0.0.1/32", "http://10.0.0.1", true},
      {"10.0.0.0/33", "http://10.0.0.0", false},
      {"2001:db8::/33", "http://[2001:db8:7fff::1]", true},
      {"2001:db8::/33", "http://[2001:db8:8000::1]", false},
      {"::ffff:10.0.0.0/104", "http://10.2.3.4", true},
      {"::ffff:10.0.0.0/95", "http://10.2.3.4", false},
      {"10.0.0.0/8", "http://10.example.com", false},
      // what makes no sense is passed over
      {" , ,,example.com ,/8,1.2.3/8,", "http://example.com", true},
  }));
  INFO(row.list << " " << row.url);
  CHECK(NoProxyList(row.list).Matches(MustHave(ParseUrl(row.url))) == row.matches);
}

std::string ProxyOf(const ProxyOptions& options, const std::map<std::string, std::string>& variables,
                    std::string_view url) {
  static std::map<std::string, std::string> environment;
  environment = variables;
  const auto choice = ProxyChoice::Create(options, [](const char* name) { return environment[name]; });
  if (!choice) return choice.error().message;
  const auto proxy = choice->For(MustHave(ParseUrl(url)));
  return proxy ? proxy->ToString() : "direct";
}

TEST_CASE("proxies by URL and from the environment", "[http][proxy]") {
  ProxyOptions by_url;
  CHECK(ProxyOf(by_url, {{"HTTP_PROXY", "http://p"}}, "http://a.b") == "direct");
  by_url.proxy_url = "http://p:1";
  CHECK(ProxyOf(by_url, {{"NO_PROXY", "*"}}, "http://a.b") == "http://p:1/");
  CHECK(ProxyOf(by_url, {}, "http://localhost") == "http://p:1/");
  by_url.no_proxy = "a.b";
  CHECK(ProxyOf(by_url, {}, "http://a.b") == "direct");
  CHECK(ProxyOf(by_url, {}, "https://c.d") == "http://p:1/");
  CHECK(ProxyOf(by_url, {}, "http://localhost") == "direct");
  by_url.proxy_url = "socks5://p";
  CHECK(ProxyOf(by_url, {}, "http://a.b").starts_with("proxy_url: "));

  ProxyOptions environment;
  environment.proxy_from_environment = true;
  CHECK(ProxyOf(environment, {}, "http://a.b") == "direct");
  const std::map<std::string, std::string> both = {
      {"HTTP_PROXY", "plain:3128"}, {"https_proxy", "https://tls"}, {"no_proxy", ".c.d,10.0.0.0/8"}};
  CHECK(ProxyOf(environment, both, "http://a.b") == "http://plain:3128/");
  CHECK(ProxyOf(environment, both, "https://a.b") == "https://tls/");
  CHECK(ProxyOf(environment, both, "https://x.c.d") == "direct");
  CHECK(ProxyOf(environment, both, "http://10.1.1.1") == "direct");
  CHECK(ProxyOf(environment, both, "http://127.0.0.1") == "direct");
  CHECK(ProxyOf(environment, {{"HTTP_PROXY", "a:1"}, {"http_proxy", "b:1"}}, "http://x") == "http://a:1/");
  CHECK(ProxyOf(environment, {{"HTTP_PROXY", "a:1"}}, "https://x") == "direct");
  const std::string error = ProxyOf(environment, {{"HTTPS_PROXY", "socks5://u:secret@p"}}, "https://x");
  CHECK(error.find("HTTPS_PROXY") != std::string::npos);
  CHECK(error.find("secret") == std::string::npos);
}

/// A proxy that makes tunnels, over TLS with a certificate. Keeps the head of what it was asked.
class TunnelProxy {
 public:
  explicit TunnelProxy(const std::optional<test::Certificate>& tls = std::nullopt) {
    if (tls) {
      context_.emplace(net::ssl::context::tls_server);
      context_->use_certificate_chain(net::buffer(tls->cert_pem));
      context_->use_private_key(net::buffer(tls->key_pem), net::ssl::context::pem);
    }
    net::co_spawn(io_, Accept(), net::detached);
    thread_ = std::thread([this] { io_.run(); });
  }
  ~TunnelProxy() {
    io_.stop();
    thread_.join();
  }
  std::string Url() const {
    return fmt::format("{}://u:p@127.0.0.1:{}", context_ ? "https" : "http", acceptor_.local_endpoint().port());
  }
  std::string head() const {
    const std::scoped_lock lock(mutex_);
    return head_;
  }

 private:
  static constexpr auto kTuple = net::as_tuple(net::use_awaitable);
  using tcp = net::ip::tcp;

  net::awaitable<void> Accept() {
    for (;;) {
      auto [error, socket] = co_await acceptor_.async_accept(kTuple);
      if (error) co_return;
      if (context_) {
        auto stream = std::make_shared<net::ssl::stream<tcp::socket>>(std::move(socket), *context_);
        const auto [failed] = co_await stream->async_handshake(net::ssl::stream_base::server, kTuple);
        if (!failed) net::co_spawn(io_, Serve(stream), net::detached);
      } else {
        net::co_spawn(io_, Serve(std::make_shared<tcp::socket>(std::move(socket))), net::detached);
      }
    }
  }

  template <class Stream>
  net::awaitable<void> Serve(std::shared_ptr<Stream> client) {
    std::string head;
    const auto [error, size] = co_await net::async_read_until(*client, net::dynamic_buffer(head), "\r\n\r\n", kTuple);
    if (error) co_return;
    {
      const std::scoped_lock lock(mutex_);
      head_ = head;
    }
    const auto colon = head.find(':');
    const auto port = static_cast<std::uint16_t>(std::strtoul(head.c_str() + colon + 1, nullptr, 10));
    const auto target = std::make_shared<tcp::socket>(io_);
    const auto [refused] = co_await target->async_connect({net::ip::address_v4::loopback(), port}, kTuple);
    if (refused) co_return;
    constexpr std::string_view kDone = "HTTP/1.1 200 Connection established\r\n\r\n";
    co_await net::async_write(*client, net::buffer(kDone), kTuple);
    net::co_spawn(io_, Pump(client, target), net::detached);
    co_await Pump(target, client);
  }

  template <class From, class To>
  static net::awaitable<void> Pump(std::shared_ptr<From> from, std::shared_ptr<To> to) {
    std::array<char, 4096> piece{};
    for (;;) {
      const auto [error, size] = co_await from->async_read_some(net::buffer(piece), kTuple);
      if (error) co_return;
      const auto [failed, written] = co_await net::async_write(*to, net::buffer(piece.data(), size), kTuple);
      if (failed) co_return;
    }
  }

  net::io_context io_{1};
  std::optional<net::ssl::context> context_;
  tcp::acceptor acceptor_{io_, tcp::endpoint(net::ip::address_v4::loopback(), 0)};
  mutable std::mutex mutex_;
  std::string head_;  // guarded by mutex_
  std::thread thread_;
};

TEST_CASE("https through a tunnel, also of an https proxy", "[http][proxy]") {
  const test::Certificate certificate = test::MakeCertificate();
  const HttpServer server(
      [](const Received& r) { return Reply{.body = r.target + " " + std::to_string(r.connection)}; }, certificate);
  ClientIo io;
  const bool tls = GENERATE(false, true);
  const TunnelProxy proxy(tls ? std::optional(certificate) : std::nullopt);
  HttpConfig config;
  config.tls.ca = certificate.cert_pem;
  config.proxy_url = proxy.Url();
  config.proxy_connect_header = {
      {"X-Tunnel", Secret("one")}, {"X-Tunnel", Secret("two")}, {"Proxy-Authorization", Secret("not this one")}};
  const auto client = io.Client(config);
  CHECK(MustHave(client->Send(Get(server.Url("/a")))).body == "/a 0");
  CHECK(MustHave(client->Send(Get(server.Url("/b")))).body == "/b 0");  // the same tunnel
  const std::string head = proxy.head();
  CHECK(head.starts_with(fmt::format("CONNECT 127.0.0.1:{} HTTP/1.1\r\n", server.port())));
  CHECK(head.find("\r\nX-Tunnel: one\r\nX-Tunnel: two\r\n") != std::string::npos);
  CHECK(head.find("\r\nProxy-Authorization: Basic dTpw\r\n") != std::string::npos);
  CHECK(head.find("not this one") == std::string::npos);
  CHECK(server.requests().at(0).Header("X-Tunnel").empty());
}

TEST_CASE("an https proxy gets whole URLs over TLS, and must show a good certificate", "[http][proxy]") {
  const test::Certificate certificate = test::MakeCertificate();
  const HttpServer proxy([](const Received& r) { return Reply{.body = r.target}; }, certificate);
  ClientIo io;
  HttpConfig config;
  config.proxy_url = proxy.Url();
  CHECK(Mentions(MustFail(io.Client(config)->Send(Get("http://far.example/x"))), "certificate refused"));
  config.tls.ca = certificate.cert_pem;
  CHECK(MustHave(io.Client(config)->Send(Get("http://far.example/x"))).body == "http://far.example/x");
}

TEST_CASE("requests to excepted hosts pass the proxy by", "[http][proxy]") {
  const HttpServer proxy([](const Received&) { return Reply{.body = "proxy"}; });
  const HttpServer server([](const Received& r) { return Reply{.body = "direct " + r.target}; });
  ClientIo io;
  HttpConfig config;
  config.proxy_url = proxy.Url();
  CHECK(MustHave(io.Client(config)->Send(Get(server.Url("/x")))).body == "proxy");
  config.no_proxy = "example.com";
  const auto client = io.Client(config);
  CHECK(MustHave(client->Send(Get(server.Url("/x")))).body == "direct /x");
  CHECK(MustHave(client->Send(Get("http://far.example/x"))).body == "proxy");
  CHECK(MustHave(client->Send(Get(server.Url("/y")))).body == "direct /y");
}

TEST_CASE("a header for the proxy that would break the framing is refused", "[http][proxy]") {
  HttpConfig config;
  config.proxy_connect_header = {{"X", Secret("a\r\nb: c")}};
  CHECK_FALSE(HttpClient::Validate(config).has_value());
}

TEST_CASE("files of headers are read for each request", "[http]") {
  const HttpServer server([](const Received& r) { return Reply{.body = r.Header("X-Key")}; });
  const test::TempDir dir;
  ClientIo io;
  HttpConfig config;
  config.header_files = {{"X-Key", dir.Write("key", " one\n")}};
  const auto client = io.Client(config);
  CHECK(MustHave(client->Send(Get(server.Url()))).body == "one");
  dir.Write("key", "two");
  CHECK(MustHave(client->Send(Get(server.Url()))).body == "two");
  std::filesystem::remove(dir.Sub("key"));
  const Error error = MustFail(client->Send(Get(server.Url())));
  CHECK(error.code == Code::kIo);
  CHECK(Mentions(error, dir.Sub("key")));
}

}  // namespace
}  // namespace vedette
