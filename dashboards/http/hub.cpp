#include "dashboards/http/hub.h"

#include <vector>

#include "dashboards/http/session.h"

namespace vedette::dashboards {

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
