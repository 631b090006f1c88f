#include "dashboards/http/server.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <future>

#include "core/listener.h"
#include "core/log.h"
#include "dashboards/http/hub.h"
#include "dashboards/http/session.h"

namespace vedette::dashboards {
namespace {

using boost::system::error_code;
using net::ip::tcp;

constexpr auto kAsTuple = net::as_tuple(net::use_awaitable);
/// Out of file descriptors or memory: how long accepting pauses.
constexpr Millis kAcceptPause{100};
/// Clients that are being told that the server is full; further ones are just disconnected.
constexpr std::size_t kMaxTurnedAway = 128;
/// After the grace of Stop(), for coroutines to notice that their sockets are closed.
constexpr Millis kAbortPatience = std::chrono::seconds(5);

/// The accepting coroutine and what it needs; lives as long as the coroutine.
struct Listener {
  Listener(net::io_context& io_context, std::shared_ptr<Hub> server_hub)
      : io(io_context),
        hub(std::move(server_hub)),
        acceptor(net::make_strand(io_context)),
        pause(acceptor.get_executor()) {}

  net::io_context& io;
  const std::shared_ptr<Hub> hub;
  tcp::acceptor acceptor;
  net::steady_timer pause;
  std::shared_ptr<std::atomic<std::size_t>> turned_away = std::make_shared<std::atomic<std::size_t>>(0);
};

void Welcome(Listener& listener, tcp::socket socket) {
  const auto session = std::make_shared<Session>(listener.hub, std::move(socket));
  if (session->Start()) return;
  listener.hub->metrics.Refused("max_connections");
  if (listener.turned_away->load() >= kMaxTurnedAway) return;
  listener.turned_away->fetch_add(1);
  session->TurnAway([count = listener.turned_away] { count->fetch_sub(1); });
}

net::awaitable<void> Accept(std::shared_ptr<Listener> listener) {
  while (listener->acceptor.is_open()) {
    auto [error, socket] = co_await listener->acceptor.async_accept(net::make_strand(listener->io), kAsTuple);
    if (!listener->acceptor.is_open()) co_return;
    if (!error) {
      Welcome(*listener, std::move(socket));
      continue;
    }
    LogWarn("dashboards", "connection not accepted", {{"error", error.message()}});
    listener->pause.expires_after(kAcceptPause);
    co_await listener->pause.async_wait(kAsTuple);
  }
}

}  // namespace

struct Server::Impl {
  std::shared_ptr<Hub> hub;
  std::shared_ptr<Listener> listener;
  std::uint16_t port = 0;
};

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<Server>> Server::Listen(const ServerOptions& options, Router router, net::io_context& io,
                                               const WorkerPools& workers, prometheus::Registry& registry) {
  VEDETTE_CHECK(options.Validate());
  VEDETTE_TRY(CorsPolicy cors, CorsPolicy::Create(options.cors_origin));
  auto impl = std::make_unique<Impl>();
  impl->hub = std::make_shared<Hub>(io, options, std::move(router), std::move(cors), workers, registry);
  impl->listener = std::make_shared<Listener>(io, impl->hub);
  VEDETTE_CHECK(OpenListener(impl->listener->acceptor, io, options.listen_address));
  error_code ignored;
  impl->port = impl->listener->acceptor.local_endpoint(ignored).port();
  net::co_spawn(impl->listener->acceptor.get_executor(), Accept(impl->listener), net::detached);
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

Server::~Server() {
  Stop(Millis(0));
  impl_->hub->WaitForHandlers();
}

std::uint16_t Server::port() const { return impl_->port; }

void Server::Stop(Millis grace) {
  const auto closed = std::make_shared<std::promise<void>>();
  net::post(impl_->listener->acceptor.get_executor(), [listener = impl_->listener, closed] {
    error_code ignored;
    listener->acceptor.close(ignored);
    listener->pause.cancel();
    closed->set_value();
  });
  impl_->hub->BeginStop();
  closed->get_future().wait_for(kAbortPatience);  // the port is free again afterwards
  if (impl_->hub->WaitForSessions(grace)) return;
  impl_->hub->Abort();
  impl_->hub->WaitForSessions(kAbortPatience);
}

}  // namespace vedette::dashboards
