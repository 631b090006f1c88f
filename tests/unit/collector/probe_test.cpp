// Service checks without the agent around them: DNS messages, and probes of small servers in this process.
#include <array>
#include <atomic>
#include <future>
#include <thread>

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <prometheus/registry.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include "collector/probe/body.h"
#include "collector/probe/dns_message.h"
#include "collector/probe/lookups.h"
#include "collector/probe/probe_files.h"
#include "collector/probe/probe_run.h"
#include "collector/probe/prober.h"
#include "core/http_client.h"
#include "core/search_regex.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

namespace vedette::collector {
namespace {

using namespace std::string_literals;

std::string Bytes(std::initializer_list<int> values) {
  std::string out;
  for (const int value : values) out += static_cast<char>(value);
  return out;
}

/// A reply to "a.b" with one record of `type` in its answer.
std::string DnsReplyWith(int type, const std::string& data) {
  std::string out =
      Bytes({0, 7, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0}) + "\1a\1b\0"s + Bytes({type >> 8, type & 0xff, 0, 1});
  out += Bytes({0xc0, 12, type >> 8, type & 0xff, 0, 1, 0, 0, 1, 44, static_cast<int>(data.size()) >> 8,
                static_cast<int>(data.size()) & 0xff});
  return out + data;
}

std::string RecordText(int type, const std::string& data) {
  const auto reply = ParseProbeDnsReply(DnsReplyWith(type, data));
  if (!reply) return reply.error().message;
  REQUIRE(reply->answer.size() == 1);
  return reply->answer[0].text;
}

TEST_CASE("DNS questions are written and odd names refused", "[probe]") {
  const auto query = MustHave(EncodeDnsQuery({.id = 258, .name = "a.bc.", .type = 28, .klass = 1, .recursion = true}));
  CHECK(query == Bytes({1, 2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0}) + "\1a\2bc\0"s + Bytes({0, 28, 0, 1}));
  CHECK(EncodeDnsQuery({.name = "."}).has_value());
  for (const std::string& bad : {"a..b"s, ".a"s, std::string(64, 'x'), std::string(200, 'x') + "."}) {
    CHECK_FALSE(EncodeDnsQuery({.name = bad}).has_value());
  }
  std::string longest;
  for (int i = 0; i < 130; ++i) longest += "a.";
  CHECK_FALSE(EncodeDnsQuery({.name = longest}).has_value());
}

TEST_CASE("DNS records are printed as in a zone file", "[probe]") {
  CHECK(RecordText(1, Bytes({192, 0, 2, 1})) == "a.b.\t300\tIN\tA\t192.0.2.1");
  CHECK(RecordText(28, Bytes({0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1})) ==
        "a.b.\t300\tIN\tAAAA\t2001:db8::1");
  CHECK(RecordText(15, "\0\012\2mx\xc0\014"s) == "a.b.\t300\tIN\tMX\t10 mx.a.b.");
  CHECK(RecordText(16, "\2a\"\1b"s) == "a.b.\t300\tIN\tTXT\t\"a\\\"\" \"b\"");
  CHECK(RecordText(6, "\2ns\xc0\014\0"s + std::string(19, '\0') + "\5"s) == "a.b.\t300\tIN\tSOA\tns.a.b. . 0 0 0 0 5");
  CHECK(RecordText(33, Bytes({0, 1, 0, 2, 0, 80}) + "\1t\0"s) == "a.b.\t300\tIN\tSRV\t1 2 80 t.");
  CHECK(RecordText(257, "\0\5issueca"s) == "a.b.\t300\tIN\tCAA\t0 issue \"ca\"");
  CHECK(RecordText(99 + 800, Bytes({1, 255})).starts_with("a.b.\t300\tIN\tTYPE"));
}

TEST_CASE("DNS messages that lie are refused", "[probe]") {
  const std::string good = DnsReplyWith(15, "\0\012\2mx\xc0\014"s);
  for (std::size_t size = 0; size < good.size(); ++size) {
    CHECK_FALSE(ParseProbeDnsReply(std::string_view(good).substr(0, size)).has_value());
  }
  CHECK(RecordText(5, "\xc0\077"s).find("forwards") != std::string::npos);
  CHECK(RecordText(5, "\xc0\041"s).find("DNS") != std::string::npos);  // points at itself
  CHECK(RecordText(1, "abc").find("3 bytes") != std::string::npos);
  CHECK(RecordText(2, "\1n\0rest"s).find("too many") != std::string::npos);
  CHECK(RecordText(16, "\11ab"s).find("cut short") != std::string::npos);
  CHECK(RecordText(5, "\x40"s).find("unknown kind") != std::string::npos);
  // Data that is a ladder of pointers, each to the one before, and a name that climbs down all of them.
  const auto ladder = [](int steps) {
    std::string out = Bytes({0, 7, 0x81, 0x80, 0, 1, 0, 2, 0, 0, 0, 0}) + "\0\0\1\0\1"s;
    out += Bytes({0, 0, 10, 0, 1, 0, 0, 0, 0, 2 * steps >> 8, 2 * steps & 0xff});
    for (int i = 0; i < steps; ++i) {
      const int to = i == 0 ? 12 : static_cast<int>(out.size()) - 2;
      out += Bytes({0xc0 | to >> 8, to & 0xff});
    }
    const int last = static_cast<int>(out.size()) - 2;
    return out + Bytes({0xc0 | last >> 8, last & 0xff, 0, 10, 0, 1, 0, 0, 0, 0, 0, 0});
  };
  CHECK(ParseProbeDnsReply(ladder(127)).has_value());
  CHECK(ParseProbeDnsReply(ladder(128)).error().message.find("too often") != std::string::npos);
  CHECK(IsDnsReplyTo(7, good));
  CHECK_FALSE(IsDnsReplyTo(8, good));
  CHECK_FALSE(IsDnsReplyTo(7, "\0\7\1\0"s));
  CHECK_FALSE(IsDnsReplyTo(0, "\0\0"s));
}

TEST_CASE("expressions are found anywhere, and stop at line breaks", "[probe]") {
  const auto regex = MustHave(SearchRegex::Compile("b(.+)d$"));
  CHECK(regex.Found("abcd"));
  CHECK_FALSE(regex.Found("ab\nd"));
  std::array<std::string, 2> templates{"<$1>", "${1}x$$"};
  REQUIRE(regex.FoundAndExpand("abccd", templates));
  CHECK(templates[0] == "<cc>");
  CHECK(templates[1] == "ccx$");
  CHECK_FALSE(SearchRegex::Compile("(").has_value());
}

TEST_CASE("bodies are inflated up to a limit", "[probe]") {
  const std::string text(10'000, 'x');
  CHECK(MustHave(DecompressedBody("gzip", Gzip(text), 10'000)) == text);
  CHECK_FALSE(DecompressedBody("gzip", Gzip(text), 9'999).has_value());
  const std::string raw = Gzip(text).substr(10);  // without gzip's head it is a bare stream, and a tail
  CHECK(MustHave(DecompressedBody("deflate", raw, 10'000)) == text);
  CHECK_FALSE(DecompressedBody("deflate", raw, 9'999).has_value());
  CHECK_FALSE(DecompressedBody("deflate", "nonsense", 10).has_value());
  CHECK(MustHave(DecompressedBody("identity", "as it is", 100)) == "as it is");
}

/// Accepts connections on 127.0.0.1 and answers each with a fixed text; with an empty one it keeps quiet.
class CannedServer {
 public:
  explicit CannedServer(std::string reply) : reply_(std::move(reply)), listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(::listen(listener_, 16) == 0);
    REQUIRE(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Serve(); });
  }
  ~CannedServer() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  std::string address() const { return fmt::format("127.0.0.1:{}", port_); }

 private:
  void Serve() const {
    for (int fd = 0; (fd = ::accept(listener_, nullptr, nullptr)) >= 0; ::close(fd)) {
      std::array<char, 4096> buffer;
      if (reply_.starts_with("HTTP")) (void)::recv(fd, buffer.data(), buffer.size(), 0);
      (void)::send(fd, reply_.data(), reply_.size(), MSG_NOSIGNAL);
      if (reply_.empty()) (void)::recv(fd, buffer.data(), buffer.size(), 0);  // until the probe gives up
    }
  }
  std::string reply_;
  int listener_;
  int port_ = 0;
  std::thread thread_;
};

class ProberFixture {
 public:
  ProberFixture() : work_(boost::asio::make_work_guard(io_)), thread_([this] { io_.run(); }) {
    prober = Prober::Create(io_, workers_, registry_);
    Use({});
  }
  ~ProberFixture() {
    prober->Stop();
    workers_.join();
    work_.reset();
    thread_.join();
  }
  void Use(ProbeModules more, bool on = true) {
    ProbeOptions options;
    options.enabled = on;
    options.modules = std::move(more);
    ProbeModule http;
    http.timeout = std::chrono::seconds(20);
    options.modules.try_emplace("http_2xx", http);
    ProbeModule tcp = http;
    tcp.kind = ProbeKind::kTcp;
    options.modules.try_emplace("tcp", tcp);
    prober->Use(std::make_shared<const ProbeOptions>(options));
  }
  ProbeReply Ask(const std::string& module, const std::string& target, bool debug = false,
                 const std::string& scrape_timeout = {}) {
    std::promise<ProbeReply> promise;
    prober->Start(
        {.module = module, .target = target, .hostname = {}, .scrape_timeout = scrape_timeout, .debug = debug},
        [&promise](ProbeReply reply) { promise.set_value(std::move(reply)); });
    return promise.get_future().get();
  }
  std::unique_ptr<Prober> prober;

 private:
  boost::asio::io_context io_;
  boost::asio::thread_pool workers_{2};
  prometheus::Registry registry_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::thread thread_;
};

bool Holds(const std::string& text, const std::string& line) { return text.find(line + "\n") != std::string::npos; }

TEST_CASE("HTTP replies: good, bad, broken, endless heads, none", "[probe]") {
  ProberFixture fixture;
  struct Case {
    std::string reply;
    bool good;
    std::string line;
  };
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: ";
  for (const Case& c : std::vector<Case>{
           {head + "2\r\n\r\nok", true, "probe_http_content_length 2"},
           {"HTTP/1.0 200 OK\r\n\r\nuntil the end", true, "probe_http_uncompressed_body_length 13"},
           {"HTTP/1.0 200 OK\r\n\r\nx", true, "probe_http_version 1"},
           {"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", false, "probe_http_status_code 503"},
           {"HTTP/1.1 301 M\r\nContent-Length: 0\r\n\r\n", false, "probe_http_redirects 0"},
           {head + "5\r\n\r\nok", false, "probe_http_status_code 200"},  // cut short
           {head + "-5\r\n\r\nok", false, "probe_http_status_code 0"},
           {"SSH-2.0-x\r\n", false, "probe_http_status_code 0"},
           {"HTTP/1.1 200 OK\r\nX: " + std::string(2 << 20, 'x'), false, "probe_http_status_code 0"},
           {"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nno", true,
            "probe_http_uncompressed_body_length 2"},
       }) {
    const CannedServer server(c.reply);
    const ProbeReply reply = fixture.Ask("http_2xx", server.address());
    INFO(c.reply.substr(0, 80) << "\n" << reply.body);
    CHECK(Holds(reply.body, fmt::format("probe_success {}", c.good ? 1 : 0)));
    CHECK(Holds(reply.body, c.line));
  }
}

TEST_CASE("a peer that says nothing, or never the right thing, costs the timeout and no more", "[probe]") {
  ProberFixture fixture;
  ProbeModule module;
  module.kind = ProbeKind::kTcp;
  module.timeout = Millis(100);
  module.tcp.query_response.resize(1);
  module.tcp.query_response[0].expect = MustHave(SearchRegex::Compile("^never$"));
  fixture.Use({{"wait", module}});
  const CannedServer quiet(""), chatty(std::string(100'000, 'x')), wrong("one\ntwo\n");
  ProbeReply reply = fixture.Ask("wait", quiet.address(), true);
  CHECK(reply.body.find("i/o timeout") != std::string::npos);
  CHECK(Holds(reply.body, "probe_timeout_seconds 0.1"));
  reply = fixture.Ask("wait", chatty.address(), true);
  CHECK(reply.body.find("token too long") != std::string::npos);
  reply = fixture.Ask("wait", wrong.address());
  CHECK(Holds(reply.body, "probe_failed_due_to_regex 1"));
  CHECK(Holds(fixture.Ask("http_2xx", "127.0.0.1:1").body, "probe_success 0"));
}

TEST_CASE("requests that make no sense are refused, and probes end when the agent does", "[probe]") {
  ProberFixture fixture;
  ProbeModule rpc;
  rpc.unsupported = "blackbox.yml:1:1: prober grpc is not supported";
  ProbeModule slow;
  slow.kind = ProbeKind::kTcp;
  slow.timeout = std::chrono::hours(1);
  slow.tcp.query_response.resize(1);
  slow.tcp.query_response[0].expect_bytes = "x";
  fixture.Use({{"rpc", rpc}, {"slow", slow}});
  CHECK(fixture.Ask("nope", "x").status == 400);
  CHECK(fixture.Ask("rpc", "x").body.find("blackbox.yml:1:1") != std::string::npos);
  CHECK(fixture.Ask("tcp", "").body == "Target parameter is missing\n");
  CHECK(fixture.Ask("tcp", "a\r\nb").status == 400);
  fixture.Use({}, false);
  CHECK(fixture.Ask("tcp", "127.0.0.1:1").status == 404);
  fixture.Use({{"rpc", rpc}, {"slow", slow}});
  const CannedServer quiet("");
  std::promise<ProbeReply> promise;
  fixture.prober->Start(
      {.module = "slow", .target = quiet.address(), .hostname = {}, .scrape_timeout = {}, .debug = false},
      [&promise](ProbeReply reply) { promise.set_value(std::move(reply)); });
  fixture.prober->Stop();
  CHECK(Holds(promise.get_future().get().body, "probe_success 0"));
  CHECK(fixture.Ask("tcp", quiet.address()).status == 503);
}

TEST_CASE("who hangs up ends the probe, and no probe may take longer than two minutes", "[probe]") {
  ProberFixture fixture;
  ProbeModule slow;
  slow.kind = ProbeKind::kTcp;
  slow.timeout = std::chrono::hours(1);
  slow.tcp.query_response.resize(1);
  slow.tcp.query_response[0].expect_bytes = "x";
  ProbeModule any;
  any.kind = ProbeKind::kTcp;
  fixture.Use({{"slow", slow}, {"any", any}});
  const CannedServer quiet("");
  for (const bool before : {true, false}) {
    std::stop_source client;
    if (before) client.request_stop();
    std::promise<ProbeReply> promise;
    fixture.prober->Start({.module = "slow",
                           .target = quiet.address(),
                           .hostname = {},
                           .scrape_timeout = {},
                           .debug = false,
                           .stop = client.get_token()},
                          [&promise](ProbeReply reply) { promise.set_value(std::move(reply)); });
    client.request_stop();
    const std::string body = promise.get_future().get().body;
    CHECK(Holds(body, "probe_success 0"));
    CHECK(Holds(body, "probe_timeout_seconds 119.5"));
  }
  CHECK(Holds(fixture.Ask("any", "127.0.0.1:1", false, "86400").body, "probe_timeout_seconds 119.5"));
  CHECK(Holds(fixture.Ask("any", "127.0.0.1:1", false, "4").body, "probe_timeout_seconds 3.5"));
  CHECK(fixture.Ask("tcp", "a\0b:1"s).status == 400);
}

TEST_CASE("a dead name holds one thread of the lookups, however often it is asked for", "[probe]") {
  std::promise<void> dies;
  const auto death = dies.get_future().share();
  std::atomic<int> asked_dead = 0;
  const auto lookups = std::make_shared<ProbeLookups>(
      [&asked_dead, death](const std::string& host) {
        if (host != "dead") return LookupReply{{boost::asio::ip::make_address("192.0.2.1")}, ""};
        ++asked_dead;
        death.wait();
        return LookupReply{{}, "gone"};
      },
      ProbeLookups::Limits{.threads = 2, .names = 3});
  std::vector<std::uint64_t> tickets;
  std::promise<std::string> kept;
  std::atomic<int> others = 0;
  const auto first = lookups->Start("dead", [&kept](const LookupReply& reply) { kept.set_value(reply.problem); });
  CHECK(first != 0);
  for (int i = 0; i < 100; ++i) tickets.push_back(lookups->Start("dead", [&others](const LookupReply&) { ++others; }));
  for (const std::uint64_t ticket : tickets) lookups->Cancel("dead", ticket);
  for (int i = 0; i < 10; ++i) {
    std::promise<LookupReply> alive;
    REQUIRE(lookups->Start("alive", [&alive](const LookupReply& reply) { alive.set_value(reply); }) != 0);
    CHECK(alive.get_future().get().addresses.size() == 1);
  }
  dies.set_value();
  CHECK(kept.get_future().get() == "gone");
  CHECK(asked_dead == 1);
  CHECK(others == 0);
  lookups->Close();
  CHECK(lookups->Start("alive", [](const LookupReply&) {}) == 0);
}

TEST_CASE("names that wait for a lookup are bounded, and who gives up makes room", "[probe]") {
  std::promise<void> dies;
  const auto death = dies.get_future().share();
  const auto lookups = std::make_shared<ProbeLookups>(
      [death](const std::string&) {
        death.wait();
        return LookupReply{};
      },
      ProbeLookups::Limits{.threads = 1, .names = 2});
  const auto nothing = [](const LookupReply&) {};
  // The thread begins with the first name, the second waits.
  const std::uint64_t a = lookups->Start("a", nothing), b = lookups->Start("b", nothing);
  CHECK(a != 0);
  CHECK(b != 0);
  CHECK(lookups->Start("c", nothing) == 0);
  lookups->Cancel("b", b);
  CHECK(lookups->Start("c", nothing) != 0);
  lookups->Close();
  dies.set_value();
}

TEST_CASE("bodies are judged in the clear, within the memory of all probes, and only counted when nobody looks",
          "[probe]") {
  const auto budget = std::make_shared<ProbeBudget>(15'000);
  const std::string text(10'000, 'x');
  const auto task = [&](const std::string& body, const std::string& compression, const char* wanted) {
    BodyTask out{.body = body,
                 .compression = compression,
                 .max_bytes = 20'000,
                 .bad = {},
                 .wanted = {},
                 .memory = std::make_shared<ProbeShare>(budget)};
    if (wanted != nullptr) out.wanted.push_back(MustHave(SearchRegex::Compile(wanted)));
    return out;
  };
  BodyTask counted = task(Gzip(text), "gzip", nullptr);
  BodyVerdict verdict = JudgeBody(counted);
  CHECK(verdict.status.has_value());
  CHECK(verdict.bytes == 10'000);
  CHECK(budget->used() == 0);
  {
    BodyTask first = task(Gzip(text), "gzip", "^x+$");
    verdict = JudgeBody(first);
    CHECK(verdict.status.has_value());
    CHECK(verdict.problem.empty());
    CHECK(budget->used() == 10'000);
    BodyTask second = task(Gzip(text).substr(10), "deflate", "x");
    verdict = JudgeBody(second);
    CHECK_FALSE(verdict.status.has_value());
    CHECK(second.memory->refused());
  }
  CHECK(budget->used() == 0);
  BodyTask plain = task("a\nb", "", "c");
  verdict = JudgeBody(plain);
  CHECK(verdict.problem == "Body did not match regular expression");
  CHECK(verdict.regexp == "c");
  BodyTask large = task(std::string(20'001, 'x'), "", "x");
  CHECK(JudgeBody(large).status.error().code == Code::kLimit);
}

TEST_CASE("bodies over HTTP: expressions, compression, limits", "[probe]") {
  ProberFixture fixture;
  ProbeModule module;
  module.timeout = std::chrono::seconds(20);
  module.http.compression = "gzip";
  module.http.fail_if_body_not_matches = {MustHave(SearchRegex::Compile("^y+$"))};
  ProbeModule small;
  small.timeout = module.timeout;
  small.http.body_size_limit = 10;
  fixture.Use({{"gzip", module}, {"small", small}});
  const auto reply_with = [](const std::string& body) {
    return fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.size()) + body;
  };
  const CannedServer good(reply_with(Gzip(std::string(5000, 'y')))), bad(reply_with(Gzip("yx"))),
      damaged(reply_with("plain"));
  std::string body = fixture.Ask("gzip", good.address()).body;
  CHECK(Holds(body, "probe_success 1"));
  CHECK(Holds(body, "probe_http_uncompressed_body_length 5000"));
  body = fixture.Ask("gzip", bad.address()).body;
  CHECK(Holds(body, "probe_success 0"));
  CHECK(Holds(body, "probe_failed_due_to_regex 1"));
  CHECK(Holds(fixture.Ask("gzip", damaged.address()).body, "probe_success 0"));
  body = fixture.Ask("small", good.address()).body;
  CHECK(Holds(body, "probe_success 0"));
  CHECK(Holds(body, "probe_http_uncompressed_body_length 10"));
}

TEST_CASE("files of modules: regular ones of a decent size", "[probe]") {
  const test::TempDir dir;
  dir.Write("file", "secret\r\n\n");
  const std::string file = dir.Sub("file"), pipe = dir.Sub("pipe");
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(MustHave(ReadProbeSecret(file)) == "secret");
  CHECK(ReadProbeFile(file, 8).error().code == Code::kLimit);
  CHECK(MustHave(ReadProbeFile(file, 9)).size() == 9);
  CHECK(ReadProbeFile(pipe, 9).error().message.find("not a regular file") != std::string::npos);
  CHECK_FALSE(ReadProbeFile(dir.Sub(""), 9).has_value());
  CHECK_FALSE(ReadProbeFile(dir.Sub("none"), 9).has_value());
}

TEST_CASE("targets are logged without user names and passwords", "[probe]") {
  CHECK(WithoutCredentials("http://u:p@host:1/a@b?c@d") == "http://host:1/a@b?c@d");
  CHECK(WithoutCredentials("u:p@x@host") == "host");
  CHECK(WithoutCredentials("//u@host/") == "//host/");
  CHECK(WithoutCredentials("https://host/?q=a@b") == "https://host/?q=a@b");
  CHECK(WithoutCredentials("[::1]:53") == "[::1]:53");
  ProberFixture fixture;
  const ProbeReply reply = fixture.Ask("http_2xx", "http://user:hidden@127.0.0.1:1/", true);
  CHECK(reply.body.find("127.0.0.1:1") != std::string::npos);
  CHECK(reply.body.find("hidden") == std::string::npos);
}

TEST_CASE("a connection is not begun when the time is up", "[probe]") {
  boost::asio::io_context io;
  const CannedServer server("hello");
  boost::asio::thread_pool workers(1);
  const auto run = std::make_shared<ProbeRun>(ProbeServices{.io = io,
                                                            .workers = workers,
                                                            .lookups = ProbeLookups::Create(),
                                                            .budget = std::make_shared<ProbeBudget>(1 << 20)},
                                              ProbeLog("m", "t"));
  const auto early = ProbeStream::Create(*run);
  run->Expire();
  const auto late = ProbeStream::Create(*run);
  const std::string address = server.address();
  const auto port = MustHave(ParsePort(address.substr(address.find(':') + 1)));
  const boost::asio::ip::tcp::endpoint endpoint(boost::asio::ip::make_address("127.0.0.1"), port);
  for (const auto& stream : {early, late}) {
    std::string problem;
    const auto connect = [&]() -> boost::asio::awaitable<void> {
      const Status status = co_await stream->Connect(endpoint, std::string());
      problem = status ? "connected" : status.error().message;
    };
    boost::asio::co_spawn(run->strand(), connect, boost::asio::detached);
    io.run();
    io.restart();
    CHECK(problem.find("i/o timeout") != std::string::npos);
  }
}

}  // namespace
}  // namespace vedette::collector
