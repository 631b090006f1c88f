#include "collector/push/graphite_listener.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/write.hpp>

#include <thread>

#include "tests/support/catch.h"
#include "tests/unit/collector/push_fixture.h"

namespace vedette::collector {
namespace {

namespace net = boost::asio;

class GraphiteFixture : public test::PushFixture {
 public:
  explicit GraphiteFixture(const PushOptions& options = {}) : PushFixture(options), receiver(intake) {}

  /// "@" stands for now in seconds.
  std::string WithTime(std::string lines) const {
    const std::string now = std::to_string(start.ms / 1000);
    for (std::size_t at = lines.find('@'); at != std::string::npos; at = lines.find('@')) lines.replace(at, 1, now);
    return lines;
  }
  PushOutcome Send(std::string lines) { return receiver.Ingest(WithTime(std::move(lines))); }

  GraphiteReceiver receiver;
};

/// A listener with threads of its own, and a client that is done when the other end has closed.
class GraphiteSocketFixture : public GraphiteFixture {
 public:
  explicit GraphiteSocketFixture(const PushOptions& options)
      : GraphiteFixture(options), listener(MustHave(GraphiteListener::Listen(intake, io, workers, registry))) {}
  ~GraphiteSocketFixture() {
    listener.reset();
    io.stop();
    thread.join();
  }
  static PushOptions Options() {
    PushOptions out;
    out.graphite_listen_address = "127.0.0.1:0";
    return out;
  }
  net::ip::tcp::socket Connect() {
    net::ip::tcp::socket socket(clients);
    socket.connect({net::ip::make_address("127.0.0.1"), listener->port()});
    return socket;
  }
  /// Sends, says that there is no more, and waits for the end: then everything is stored.
  void SendAll(const std::string& text) {
    net::ip::tcp::socket socket = Connect();
    boost::system::error_code error;
    net::write(socket, net::buffer(text), error);
    socket.shutdown(net::ip::tcp::socket::shutdown_send, error);
    AwaitEnd(socket);
  }
  static void AwaitEnd(net::ip::tcp::socket& socket) {
    char byte = 0;
    boost::system::error_code error;
    net::read(socket, net::buffer(&byte, 1), error);
    CHECK(error);
  }

  net::io_context io, clients;
  net::executor_work_guard<net::io_context::executor_type> work{io.get_executor()};
  net::thread_pool workers{1};
  std::thread thread{[this] { io.run(); }};
  std::unique_ptr<GraphiteListener> listener;
};

}  // namespace

TEST_CASE("lines of Graphite become samples", "[push][graphite]") {
  GraphiteFixture f;
  for (int i = 0; i < 2; ++i) {
    const PushOutcome outcome = f.Send(
        "servers.a.load 1.5 @\r\n\n"
        "disk.used;host=b;path=/var;empty= \t7  @.25\n"
        "a -1e3 -1\nb 2 0\nc 3\n");
    MustSucceed(outcome.status);
    CHECK(outcome.samples == 5);
  }
  CHECK(f.Stored() ==
        "a -1000@0\nb 2@0\nc 3@0\n{\"disk.used\", host=\"b\", path=\"/var\"} 7@250\n{\"servers.a.load\"} 1.5@0\n");
  CHECK(f.Metrics().find("vedette_collector_push_series_total{way=\"cached\"} 5") != std::string::npos);
  CHECK(f.Metrics().find("vedette_collector_push_samples_total{protocol=\"graphite\"} 10") != std::string::npos);
}

TEST_CASE("bad lines of Graphite are named, and the others stored", "[push][graphite]") {
  struct Case {
    const char *line, *error;
  };
  const auto c = GENERATE(values<Case>({
      {"m", R"(line 2: line without a path or a value in "m")"},
      {"m 1 2 3", R"(line 2: more than a path, a value and a time in "m 1 2 3")"},
      {"m x 2", R"(line 2: value that is no number in "x")"},
      {"m nan 2", R"(line 2: value that is no number in "nan")"},
      {"m 1 now", R"(line 2: time that is no number in "now")"},
      {";a=b 1", R"(line 2: tags without a path in ";a=b")"},
      {"m;a 1", R"(line 2: tag without a name or a value in "m;a")"},
      {"m;=b 1", R"(line 2: tag without a name or a value in "m;=b")"},
      {"m 1 1e30", "out of bounds: timestamp is too far in the future for series of line 2"},
      {"m 1 -5", "out of bounds for series of line 2"},
      {"m\xff 1", "line 2: label \"__name__\" of series {\"m\\xff\"} is not valid UTF-8"},
  }));
  INFO(c.line);
  GraphiteFixture f;
  const PushOutcome outcome = f.Send(std::string("good 1 @\n") + c.line + "\ngood 2 @\n");
  CHECK(outcome.status.error().message == c.error);
  CHECK(outcome.dropped == 1);
  CHECK(f.Stored().starts_with("good "));
}

TEST_CASE("a Graphite connection outlives bad and endless lines", "[push][graphite]") {
  PushOptions options = GraphiteSocketFixture::Options();
  options.graphite_max_line_bytes = 100;
  GraphiteSocketFixture f(options);
  f.SendAll(
      f.WithTime("one 1 @\nbad\n" + std::string(300'000, 'x') + "\n" + std::string(101, 'y') + " 1\ntwo 2 @\nend 3 @"));
  CHECK(f.Stored() == "end 3@0\none 1@0\ntwo 2@0\n");
  CHECK(f.Metrics().find("dropped_total{reason=\"bad_line\"} 3") != std::string::npos);
}

TEST_CASE("Graphite connections are bounded and do not stay silent for ever", "[push][graphite]") {
  PushOptions options = GraphiteSocketFixture::Options();
  options.graphite_max_connections = 1;
  options.graphite_idle_timeout = Millis(50);
  GraphiteSocketFixture f(options);
  auto silent = f.Connect();
  GraphiteSocketFixture::AwaitEnd(silent);
  CHECK(f.Metrics().find("connections_refused_total{reason=\"idle\"} 1") != std::string::npos);

  PushOptions patient = GraphiteSocketFixture::Options();
  patient.graphite_max_connections = 0;
  GraphiteSocketFixture full(patient);
  auto refused = full.Connect();
  GraphiteSocketFixture::AwaitEnd(refused);
  CHECK(full.Metrics().find("connections_refused_total{reason=\"max_connections\"} 1") != std::string::npos);
}

TEST_CASE("a stop ends Graphite's connections", "[push][graphite]") {
  GraphiteSocketFixture f(GraphiteSocketFixture::Options());
  f.SendAll("m 1 -1\n");
  auto open = f.Connect();
  f.listener->Stop();
  GraphiteSocketFixture::AwaitEnd(open);
  CHECK(f.Stored() == "m 1@0\n");
  PushOptions bad;
  bad.graphite_listen_address = "nowhere";
  GraphiteFixture other(bad);
  CHECK(GraphiteListener::Listen(other.intake, f.io, f.workers, other.registry).error().message ==
        "push.graphite_listen_address: listen address 'nowhere' lacks a port");
}

}  // namespace vedette::collector
