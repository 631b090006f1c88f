#include "dashboards/http/hub.h"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <iterator>
#include <utility>

#include "dashboards/http/session.h"

namespace vedette::dashboards {
namespace {

/// How soon a client that left is noticed. Nobody waits for the socket instead: arming and disarming that costs more
/// than a small query, and the next request of a client would hide its end.
constexpr Millis kLook{50};

bool IsThere(int descriptor) {
  tcp_info info{};
  socklen_t size = sizeof(info);
  return ::getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 && info.tcpi_state == TCP_ESTABLISHED;
}

}  // namespace

bool Hub::Join(Session* session) {
  const std::scoped_lock lock(mutex_);
  if (stopping_ || sessions_.size() >= options.max_connections) return false;
  sessions_.insert(session);
  metrics.connections.Set(static_cast<double>(sessions_.size()));
  return true;
}

void Hub::Leave(Session* session) {
  const std::scoped_lock lock(mutex_);
  sessions_.erase(session);
  metrics.connections.Set(static_cast<double>(sessions_.size()));
  changed_.notify_all();
}

void Hub::HandlerStarts() {
  const std::scoped_lock lock(mutex_);
  ++handlers_;
}

void Hub::HandlerEnded() {
  const std::scoped_lock lock(mutex_);
  --handlers_;
  changed_.notify_all();
}

Hub::Clients::iterator Hub::Watch(int descriptor, std::stop_source stop) {
  const std::scoped_lock lock(clients_mutex_);
  clients_.push_front({descriptor, std::move(stop)});
  if (!std::exchange(looks_, true)) LookLater();
  return clients_.begin();
}

void Hub::Unwatch(Clients::iterator client) {
  const std::scoped_lock lock(clients_mutex_);
  clients_.erase(client);
}

void Hub::LookLater() {
  look_.expires_after(kLook);
  look_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (self != nullptr && !error) self->Look();
  });
}

void Hub::Look() {
  const std::scoped_lock lock(clients_mutex_);
  for (Client& client : clients_) {
    if (!IsThere(client.descriptor)) client.stop.request_stop();
  }
  looks_ = !clients_.empty();
  if (looks_) LookLater();
}

bool Hub::stopping() const {
  const std::scoped_lock lock(mutex_);
  return stopping_;
}

void Hub::BeginStop() {
  const std::scoped_lock lock(mutex_);
  stopping_ = true;
  for (Session* session : sessions_) session->Stop();
}

void Hub::Abort() {
  const std::scoped_lock lock(mutex_);
  for (Session* session : sessions_) session->Abort();
}

bool Hub::WaitForSessions(Millis patience) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, patience, [this] { return sessions_.empty(); });
}

void Hub::WaitForHandlers() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return handlers_ == 0; });
}

}  // namespace vedette::dashboards
