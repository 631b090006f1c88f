#include "collector/push/graphite_listener.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <set>
#include <string>

#include "collector/scrape/async.h"
#include "core/listener.h"
#include "core/log.h"

namespace vedette::collector {
namespace {

namespace net = boost::asio;
using boost::system::error_code;
using net::ip::tcp;

constexpr std::size_t kReadBytes = 64 << 10;
/// A store that cannot take lines now is asked again after this, this many times.
constexpr Millis kGraphitePause = std::chrono::seconds(1);
constexpr int kGraphiteAttempts = 5;
/// Out of file descriptors: how long accepting pauses.
constexpr Millis kGraphiteAcceptPause{100};

}  // namespace

struct GraphiteListener::Impl : std::enable_shared_from_this<Impl> {
  struct Connection {
    explicit Connection(tcp::socket accepted)
        : socket(std::move(accepted)), idle(socket.get_executor()), pause(socket.get_executor()) {}
    tcp::socket socket;
    net::steady_timer idle, pause;
    std::string text;       // read and not stored yet; begins with a line
    bool skipping = false;  // the rest of a line that was too long

    void Close() {
      error_code ignored;
      socket.close(ignored);
      idle.cancel();
      pause.cancel();
    }
  };

  Impl(Intake& into, net::io_context& io_context, net::thread_pool& pool, prometheus::Registry& registry)
      : receiver(into),
        options(into.options()),
        io(io_context),
        workers(pool),
        acceptor(net::make_strand(io_context)),
        accept_pause(acceptor.get_executor()),
        open(prometheus::BuildGauge()
                 .Name("vedette_collector_graphite_connections")
                 .Help("Connections that Graphite's lines come by.")
                 .Register(registry)
                 .Add({})) {
    auto& closed = prometheus::BuildCounter()
                       .Name("vedette_collector_graphite_connections_refused_total")
                       .Help("Connections that were closed by this end.")
                       .Register(registry);
    too_many = &closed.Add({{"reason", "max_connections"}});
    silent = &closed.Add({{"reason", "idle"}});
  }

  net::awaitable<void> Accept();
  net::awaitable<void> Serve(std::shared_ptr<Connection> connection);
  net::awaitable<void> StoreLines(Connection& connection, bool at_end);
  void CutLongLine(Connection& connection);
  void Watch(const std::shared_ptr<Connection>& connection);
  void Leave(const std::shared_ptr<Connection>& connection);
  void End();

  GraphiteReceiver receiver;
  const PushOptions& options;
  net::io_context& io;
  net::thread_pool& workers;
  tcp::acceptor acceptor;
  net::steady_timer accept_pause;
  prometheus::Gauge& open;
  prometheus::Counter *too_many, *silent;
  std::uint16_t port = 0;

  std::atomic<bool> stopping{false};
  std::mutex mutex;
  std::condition_variable left;
  std::size_t running = 0;                          // coroutines; GUARDED_BY(mutex)
  std::set<std::shared_ptr<Connection>> connected;  // GUARDED_BY(mutex)
};

void GraphiteListener::Impl::End() {
  const std::lock_guard lock(mutex);
  --running;
  left.notify_all();
}

void GraphiteListener::Impl::Leave(const std::shared_ptr<Connection>& connection) {
  connection->Close();
  {
    const std::lock_guard lock(mutex);
    connected.erase(connection);
    open.Set(static_cast<double>(connected.size()));
  }
  End();
}

net::awaitable<void> GraphiteListener::Impl::Accept() {
  const auto self = shared_from_this();
  while (!stopping) {
    auto [error, socket] = co_await acceptor.async_accept(net::make_strand(io), kNoThrow);
    if (stopping) break;
    if (error) {
      LogWarn("collector", "connection of Graphite not accepted", {{"error", error.message()}});
      accept_pause.expires_after(kGraphiteAcceptPause);
      co_await accept_pause.async_wait(kNoThrow);
      continue;
    }
    const auto connection = std::make_shared<Connection>(std::move(socket));
    {
      const std::lock_guard lock(mutex);
      if (stopping || connected.size() >= options.graphite_max_connections) {
        too_many->Increment();
        continue;
      }
      connected.insert(connection);
      ++running;
      open.Set(static_cast<double>(connected.size()));
    }
    net::co_spawn(connection->socket.get_executor(), Serve(connection), net::detached);
  }
  End();
}

/// Closes the connection when nothing came for too long.
void GraphiteListener::Impl::Watch(const std::shared_ptr<Connection>& connection) {
  connection->idle.expires_after(options.graphite_idle_timeout);
  connection->idle.async_wait([self = shared_from_this(), connection](error_code error) {
    // A timer that was set again after it had fired has its end in the future.
    if (error || connection->idle.expiry() > std::chrono::steady_clock::now()) return;
    self->silent->Increment();
    error_code ignored;
    connection->socket.close(ignored);
  });
}

net::awaitable<void> GraphiteListener::Impl::Serve(std::shared_ptr<Connection> connection) {
  const auto self = shared_from_this();
  std::string buffer(kReadBytes, '\0');
  for (bool more = true; more && !stopping;) {
    Watch(connection);
    auto [error, size] = co_await connection->socket.async_read_some(net::buffer(buffer), kNoThrow);
    connection->idle.cancel();
    connection->text.append(buffer, 0, size);
    more = !error;
    // What a sender wrote before it hung up counts, also without a line end.
    co_await StoreLines(*connection, !more);
  }
  Leave(connection);
}

/// Of a line that goes on and on nothing is kept but that it does.
void GraphiteListener::Impl::CutLongLine(Connection& connection) {
  std::string& text = connection.text;
  if (connection.skipping) {
    const std::size_t end = text.find('\n');
    text.erase(0, end == std::string::npos ? end : end + 1);
    connection.skipping = end == std::string::npos;
  }
  const std::size_t last = text.rfind('\n');
  const std::size_t begin = last == std::string::npos ? 0 : last + 1;
  if (text.size() - begin <= options.graphite_max_line_bytes) return;
  receiver.DropLine();
  text.erase(begin);
  connection.skipping = true;
}

net::awaitable<void> GraphiteListener::Impl::StoreLines(Connection& connection, bool at_end) {
  CutLongLine(connection);
  std::string& text = connection.text;
  const std::size_t end = at_end ? text.size() : text.rfind('\n') + 1;  // none: 0
  if (end == 0) co_return;
  const std::string_view lines = std::string_view(text).substr(0, end);
  for (int attempt = 1;; ++attempt) {
    PushOutcome outcome;
    auto store = [&] { outcome = receiver.Ingest(lines); };
    co_await RunOn(workers, store);
    const bool again = !outcome.status && PushHttpStatus(outcome.status, 200) == 503;
    if (!again || attempt == kGraphiteAttempts || stopping) break;
    connection.pause.expires_after(kGraphitePause);
    co_await connection.pause.async_wait(kNoThrow);
  }
  text.erase(0, end);
}

GraphiteListener::GraphiteListener(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<GraphiteListener>> GraphiteListener::Listen(Intake& intake, net::io_context& io,
                                                                   net::thread_pool& workers,
                                                                   prometheus::Registry& registry) {
  auto impl = std::make_shared<Impl>(intake, io, workers, registry);
  const std::string& address = intake.options().graphite_listen_address;
  if (Status status = OpenListener(impl->acceptor, io, address); !status)
    return Annotate("push.graphite_listen_address", status.error());
  error_code ignored;
  impl->port = impl->acceptor.local_endpoint(ignored).port();
  impl->running = 1;
  net::co_spawn(impl->acceptor.get_executor(), impl->Accept(), net::detached);
  return std::unique_ptr<GraphiteListener>(new GraphiteListener(std::move(impl)));
}

GraphiteListener::~GraphiteListener() { Stop(); }

std::uint16_t GraphiteListener::port() const { return impl_->port; }

void GraphiteListener::Stop() {
  if (impl_->stopping.exchange(true)) return;
  net::post(impl_->acceptor.get_executor(), [impl = impl_] {
    error_code ignored;
    impl->acceptor.close(ignored);
    impl->accept_pause.cancel();
  });
  std::unique_lock lock(impl_->mutex);
  for (const auto& connection : impl_->connected) {
    net::post(connection->socket.get_executor(), [connection] { connection->Close(); });
  }
  impl_->left.wait(lock, [&] { return impl_->running == 0; });
}

}  // namespace vedette::collector
