#include "core/http_pool.h"

#include <boost/asio/post.hpp>

namespace vedette::http {
namespace {

/// A connection is closed on its own strand.
void Discard(std::shared_ptr<Connection> connection) {
  const Strand strand = connection->strand();
  net::post(strand, [connection = std::move(connection)] { connection->Close(); });
}

}  // namespace

std::shared_ptr<Connection> Pool::Take(const std::string& key) {
  const std::scoped_lock lock(mutex_);
  const auto route = by_route_.find(key);
  if (route == by_route_.end()) return nullptr;
  const auto newest = route->second.back();
  auto connection = std::move(newest->connection);
  Remove(newest);
  return connection;
}

void Pool::Give(const std::string& key, std::shared_ptr<Connection> connection) {
  const std::scoped_lock lock(mutex_);
  if (closed_) return Discard(std::move(connection));
  auto evict = [&](List::iterator idle) {
    Discard(std::move(idle->connection));
    Remove(idle);
  };
  if (const auto route = by_route_.find(key); route != by_route_.end() && route->second.size() >= kMaxPerRoute) {
    evict(route->second.front());
  }
  if (idle_.size() >= kMaxIdle) evict(idle_.begin());
  idle_.push_back({key, std::move(connection), std::chrono::steady_clock::now()});
  by_route_[key].push_back(std::prev(idle_.end()));
  if (!sweeping_) ScheduleSweep();
}

void Pool::Close() {
  const std::scoped_lock lock(mutex_);
  closed_ = true;
  by_route_.clear();
  for (Idle& idle : idle_) Discard(std::move(idle.connection));
  idle_.clear();
  sweep_.cancel();
}

void Pool::Remove(List::iterator idle) {
  const auto route = by_route_.find(idle->key);
  route->second.remove(idle);
  if (route->second.empty()) by_route_.erase(route);
  idle_.erase(idle);
}

void Pool::ScheduleSweep() {
  sweeping_ = true;
  sweep_.expires_at(idle_.front().since + kMaxIdleTime);
  sweep_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    if (error) return;
    if (const auto self = weak.lock()) self->Sweep();
  });
}

void Pool::Sweep() {
  const std::scoped_lock lock(mutex_);
  const auto expired = std::chrono::steady_clock::now() - kMaxIdleTime;
  while (!idle_.empty() && idle_.front().since <= expired) {
    Discard(std::move(idle_.front().connection));
    Remove(idle_.begin());
  }
  sweeping_ = false;
  if (!idle_.empty() && !closed_) ScheduleSweep();
}

}  // namespace vedette::http
