#include "collector/discovery/kubernetes/engine.h"

#include <prometheus/counter.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <optional>
#include <utility>

#include "collector/discovery/discovery_task.h"
#include "collector/discovery/kubernetes/groups.h"
#include "collector/scrape/async.h"
#include "core/log.h"

namespace vedette::collector::kube {
namespace {

namespace net = boost::asio;

/// Changes that come together are reported together.
constexpr Millis kGather{50};

}  // namespace

Status Engine::Connect() {
  const ServiceAccount account = ServiceAccountOfThisPod();
  VEDETTE_TRY(Access access, FindAccess(config, account));
  VEDETTE_TRY(std::vector<std::string> namespaces, FindNamespaces(config, account));
  {
    const std::lock_guard lock(access_mutex_);
    if (stopped || (client_ && access == access_)) return Ok();
  }
  VEDETTE_TRY(std::shared_ptr<HttpClient> client, new_client_(io, access.http));
  {
    const std::lock_guard lock(mutex_);
    if (!store_) store_.emplace(config, std::move(namespaces));
  }
  const std::lock_guard lock(access_mutex_);
  if (stopped || (client_ && access == access_)) return Ok();
  client_.swap(client);  // the old one ends its requests outside of the lock
  access_ = std::move(access);
  return Ok();
}

std::shared_ptr<HttpClient> Engine::client() const {
  const std::lock_guard lock(access_mutex_);
  return client_;
}

std::string Engine::url() const {
  const std::lock_guard lock(access_mutex_);
  return access_.url;
}

std::vector<Watched> Engine::watched() const {
  const std::lock_guard lock(mutex_);
  return store_ ? store_->watched() : std::vector<Watched>();
}

void Engine::Put(Resource resource, Object object) {
  const std::lock_guard lock(mutex_);
  Count(resource, store_->Put(resource, std::move(object)));
}

void Engine::Erase(Resource resource, const std::string& key) {
  const std::lock_guard lock(mutex_);
  Count(resource, store_->Erase(resource, key));
}

void Engine::Listed(const Watched& watched, const std::unordered_set<std::string>* keys) {
  const std::lock_guard lock(mutex_);
  const std::size_t gone = keys != nullptr ? store_->KeepOnly(watched, *keys) : 0;
  for (std::size_t i = 0; i < gone; ++i) Count(watched.resource, Store::Change::kDeleted);
  store_->SetListed(watched);
  Announce();
}

void Engine::Failed() {
  metrics.failures->Increment();
  DoNotWait();
}

void Engine::DoNotWait() {
  const std::lock_guard lock(mutex_);
  late_ = true;
  Announce();
}

/// Under the mutex.
void Engine::Count(Resource resource, Store::Change change) {
  if (change == Store::Change::kNone) return;
  if (const auto role = InfoOf(resource).role) {
    const KubernetesMetrics::Events& events = metrics.events[static_cast<std::size_t>(*role)];
    (change == Store::Change::kAdded     ? events.added
     : change == Store::Change::kUpdated ? events.updated
                                         : events.deleted)
        ->Increment();
  }
  Announce();
}

/// Under the mutex.
bool Engine::IsNews(const Listener& listener) const {
  const bool all = store_ && store_->AllListed();
  if ((!listener.told_true && (true_ || all)) || (!listener.told_all && all)) return true;
  return late_ && !listener.told && !listener.has_known;
}

/// Under the mutex.
bool Engine::HasNews() const {
  if (store_ && store_->HasChanges()) return true;
  return std::ranges::any_of(listeners_, [this](const auto& listener) { return IsNews(*listener); });
}

/// Under the mutex.
void Engine::Announce() {
  if (announced_ || !HasNews()) return;
  announced_ = true;
  net::co_spawn(strand, ReportSoon(shared_from_this()), LogThrown);
}

net::awaitable<void> Engine::ReportSoon(std::shared_ptr<Engine> self) {
  for (;;) {
    co_await self->Sleep(kGather);
    if (self->stopped) co_return;
    bool more = false;
    auto report = [&self, &more] {
      self->Report();
      const std::lock_guard lock(self->mutex_);
      more = self->announced_ = self->HasNews();
    };
    co_await RunOn(self->workers, report);
    if (!more) co_return;
  }
}

/// Under the mutex.
void Engine::NoteEmptied(const Store::Emptied& emptied) {
  metrics.group_limit->Increment(static_cast<double>(emptied.group_limit));
  metrics.total_limit->Increment(static_cast<double>(emptied.total_limit));
  if (emptied.example.empty() || std::exchange(emptied_, true)) return;
  LogWarn("collector", "Kubernetes object left without targets, it would have too many",
          {{"group", emptied.example}, {"limit", emptied.total_limit > 0 ? kMaxDiscoveredTargets : kMaxGroupTargets}});
}

void Engine::Report() {
  std::vector<std::pair<std::shared_ptr<Listener>, TargetUpdate>> news;
  {
    const std::lock_guard lock(mutex_);
    if (stopped || !HasNews()) return;
    TargetUpdate changes;
    changes.complete = false;
    if (store_) {
      changes.groups = store_->TakeChanges();
      NoteEmptied(store_->TakeEmptied());
    }
    const bool listed = store_ && store_->AllListed();
    true_ = true_ || !changes.groups.empty() || listed;
    std::optional<TargetUpdate> all;
    for (const auto& listener : listeners_) {
      if (changes.groups.empty() && !IsNews(*listener)) continue;
      listener->told = true;
      const bool first = true_ && !std::exchange(listener->told_true, true_);
      // A complete report replaces what was said before us, so it must not come early.
      const bool whole = true_ && !listener->told_all && (listed || !listener->has_known);
      if (!first && !whole) {
        news.emplace_back(listener, changes);
        continue;
      }
      if (!all) all = TargetUpdate(store_->AllGroups());
      news.emplace_back(listener, *all);
      news.back().second.complete = whole;
      listener->told_all = whole;
    }
  }
  for (auto& [listener, update] : news) listener->update(std::move(update));
}

bool Engine::Join(std::shared_ptr<Listener> listener) {
  const std::lock_guard lock(mutex_);
  if (left_) return false;
  listeners_.push_back(std::move(listener));
  Announce();
  return true;
}

void Engine::Leave(const std::shared_ptr<Listener>& listener) {
  const std::lock_guard lock(mutex_);
  std::erase(listeners_, listener);
  left_ = listeners_.empty();
  if (left_) net::post(strand, [self = shared_from_this()] { self->Stop(); });
}

net::awaitable<void> Engine::Sleep(Millis delay) {
  if (stopped) co_return;
  net::steady_timer timer(strand);
  timer.expires_after(delay);
  sleeping_.insert(&timer);
  co_await timer.async_wait(kNoThrow);
  sleeping_.erase(&timer);
}

void Engine::Stop() {
  stopped = true;
  for (net::steady_timer* timer : sleeping_) timer->cancel();
  std::shared_ptr<HttpClient> client;  // ends its requests outside of the lock
  const std::lock_guard lock(access_mutex_);
  client = std::exchange(client_, nullptr);
}

}  // namespace vedette::collector::kube
