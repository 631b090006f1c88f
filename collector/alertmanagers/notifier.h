// Alerts for external Alertmanagers: finds these, relabels the alerts and puts them into a queue for each.
//
// Nothing here is durable, as in Prometheus: rules say again what fires, and for a while what has ended. Thread-safe.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "collector/alertmanagers/alert_queue.h"
#include "collector/alertmanagers/options.h"
#include "collector/discovery/discovery.h"
#include "core/result.h"

namespace prometheus {
class Registry;
}

namespace vedette::collector {

/// One alert, as the rules have it.
struct OutgoingAlert {
  Labels labels, annotations;
  TimeMs starts_at, ends_at;
  std::string generator_url;
};

class AlertmanagerSet;

class Notifier {
 public:
  struct Services {
    boost::asio::io_context& io;
    boost::asio::thread_pool& workers;
    const Clock& clock;
    prometheus::Registry& registry;
    std::function<Result<std::unique_ptr<HttpClient>>(const HttpConfig&, const RequestAuth&)> new_client;
  };
  Notifier(Services services, const AlertQueueOptions& options);
  /// Stops at once.
  ~Notifier();

  /// From now on alerts go there. Sets that stay the same keep what they found and their queues. Errors: of new_client
  /// and CheckDiscoveries(); those in force stay.
  Status Apply(const AlertmanagersOptions& options);
  /// Never waits.
  void Send(std::span<const OutgoingAlert> alerts);
  /// No more alerts are taken. Waits until those that wait are sent, so long at most, if that is wanted at all.
  void Stop(Millis limit);

  /// URLs, sorted.
  struct View {
    std::vector<std::string> active, dropped;
  };
  View Alertmanagers() const;

 private:
  struct Metrics;
  using Sets = std::vector<std::shared_ptr<AlertmanagerSet>>;

  Sets SetsNow() const;

  const Services services_;
  const AlertQueueOptions options_;
  std::shared_ptr<Metrics> metrics_;  // null: there was never an Alertmanager
  std::mutex applying_;               // one Apply() or Stop() at a time
  mutable std::mutex mutex_;          // guards what follows
  Sets sets_;
  std::vector<RelabelConfig> alert_relabel_configs_;
  Labels external_labels_;
  bool stopped_ = false;
};

/// The member of the body of API v2.
std::string AlertJson(const Labels& labels, const OutgoingAlert& alert);

/// What the rules of `configs` make of the labels; nothing: the alert is dropped.
std::optional<Labels> RelabelAlert(const Labels& labels, const Labels& external,
                                   std::span<const RelabelConfig> configs);

/// Of what a discovery found: the URL that alerts are posted to, or what it would have been when it is dropped.
struct FoundAlertmanager {
  std::string url;
  bool dropped = false;
};
/// Errors: kBadData for an address that makes no sense.
Result<FoundAlertmanager> FindAlertmanager(const AlertmanagerConfig& config, const Labels& target, const Labels& group);

}  // namespace vedette::collector
