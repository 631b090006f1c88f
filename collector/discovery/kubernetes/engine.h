// One configuration of a Kubernetes discovery at work, for all jobs that have it: the way to the API server, the
// objects, the report of groups.
//
// The coroutines run on `strand`; reading and storing happen on `workers`, where the mutex guards the store.
#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <unordered_set>
#include <vector>

#include "collector/discovery/discovery.h"
#include "collector/discovery/discovery_metrics.h"
#include "collector/discovery/kubernetes/access.h"
#include "collector/discovery/kubernetes/metrics.h"
#include "collector/discovery/kubernetes/store.h"

namespace vedette::collector::kube {

class Engine : public std::enable_shared_from_this<Engine> {
 public:
  Engine(const DiscoveryEnvironment& environment, KubernetesSdConfig sd)
      : io(environment.io),
        workers(environment.workers),
        strand(boost::asio::make_strand(environment.io)),
        config(std::move(sd)),
        metrics(environment.metrics.kubernetes),
        new_client_(environment.new_client) {}

  /// Who wants to know of groups. `has_known`: goes on with what another discovery said, group by group, until all is
  /// listed; the others' first report of what the server said is a complete one. Join(): false once the last one has
  /// left, for then this ends.
  struct Listener {
    Discovery::Update update;
    bool has_known = false;
    bool told = false;       // GUARDED_BY(mutex_): anything
    bool told_true = false;  // GUARDED_BY(mutex_): what the server said
    bool told_all = false;   // GUARDED_BY(mutex_): with a complete report
  };
  bool Join(std::shared_ptr<Listener> listener);
  /// Stops when it was the last.
  void Leave(const std::shared_ptr<Listener>& listener);

  // On a worker.
  /// Finds out how to reach the server, or whether that has changed. After the first success there is a store.
  Status Connect();
  void Put(Resource resource, Object object);
  void Erase(Resource resource, const std::string& key);
  /// A list has ended. `keys` null: not all of its objects could be read, so none is taken for gone.
  void Listed(const Watched& watched, const std::unordered_set<std::string>* keys);
  /// A request failed.
  void Failed();
  /// Other discoveries of the job need not wait any longer for this one.
  void DoNotWait();
  /// Tells the listeners what has changed. One call at a time.
  void Report();

  std::vector<Watched> watched() const;

  /// Thread-safe. Null before Connect() and after Stop(); not to be held while a request runs.
  std::shared_ptr<HttpClient> client() const;
  std::string url() const;

  // On the strand.
  /// Waits `delay`, or less when it is stopped.
  boost::asio::awaitable<void> Sleep(Millis delay);
  void Stop();

  boost::asio::io_context& io;
  boost::asio::thread_pool& workers;
  const boost::asio::strand<boost::asio::io_context::executor_type> strand;
  const KubernetesSdConfig config;
  const KubernetesMetrics metrics;    // a copy: its counters are the registry's, which outlives the scrape manager
  std::atomic<bool> stopped = false;  // set on the strand

 private:
  bool HasNews() const;
  void Announce();
  void Count(Resource resource, Store::Change change);
  void NoteEmptied(const Store::Emptied& emptied);
  bool IsNews(const Listener& listener) const;
  static boost::asio::awaitable<void> ReportSoon(std::shared_ptr<Engine> self);

  const decltype(DiscoveryEnvironment::new_client) new_client_;
  mutable std::mutex access_mutex_;  // held for a moment only: threads of the io_context wait for it
  // GUARDED_BY(access_mutex_):
  Access access_;
  std::shared_ptr<HttpClient> client_;

  mutable std::mutex mutex_;  // held while groups are made
  // GUARDED_BY(mutex_):
  std::optional<Store> store_;
  std::vector<std::shared_ptr<Listener>> listeners_;
  bool left_ = false;       // by the last of them
  bool true_ = false;       // there is something that the server said
  bool late_ = false;       // with the first report
  bool announced_ = false;  // a report is under way or due
  bool emptied_ = false;    // a group, for its targets: said once

  std::set<boost::asio::steady_timer*> sleeping_;  // on the strand
};

}  // namespace vedette::collector::kube
