#include "collector/alertmanagers/notifier.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

#include "collector/alertmanagers/alertmanager_set.h"
#include "collector/discovery/discovery_metrics.h"
#include "core/clock.h"
#include "core/log.h"

namespace vedette::collector {
namespace {

template <class Builder>
auto& NotifyFamily(Builder builder, const char* name, const char* help, prometheus::Registry& registry) {
  return builder.Name(std::string("vedette_notifications_") + name).Help(help).Register(registry);
}

}  // namespace

/// Families as Prometheus has them, and what discoveries and the waiting of Stop() share. Queues hold on to it.
struct Notifier::Metrics {
  explicit Metrics(const Services& services, const AlertQueueOptions& options)
      : discovery_metrics(services.registry),
        discovery{services.io, services.workers, services.clock, discovery_metrics,
                  [](boost::asio::io_context& io, const HttpConfig& http) { return HttpClient::Create(io, http); }},
        sent(NotifyFamily(prometheus::BuildCounter(), "sent_total", "Alerts that Alertmanagers took.",
                          services.registry)),
        errors(NotifyFamily(prometheus::BuildCounter(), "errors_total", "Alerts in requests that failed.",
                            services.registry)),
        dropped(NotifyFamily(prometheus::BuildCounter(), "dropped_total",
                             "Alerts that an Alertmanager did not get: the queue was full, or the request failed.",
                             services.registry)),
        length(NotifyFamily(prometheus::BuildGauge(), "queue_length", "Alerts that wait.", services.registry)),
        seconds(NotifyFamily(prometheus::BuildHistogram(), "latency_seconds", "Time of requests that succeeded.",
                             services.registry)),
        discovered(NotifyFamily(prometheus::BuildGauge(), "alertmanagers_discovered", "Alertmanagers that get alerts.",
                                services.registry)
                       .Add({})) {
    NotifyFamily(prometheus::BuildGauge(), "queue_capacity", "Alerts that may wait for one Alertmanager.",
                 services.registry)
        .Add({})
        .Set(static_cast<double>(options.capacity));
  }

  /// They go with the last queue that has them: Alertmanagers come and go.
  static std::shared_ptr<const AlertQueueMetrics> Of(const std::shared_ptr<Metrics>& all, const std::string& url) {
    const std::string name = url.find('@') == std::string::npos ? url : Redacted(url);
    const prometheus::Labels labels = {{"alertmanager", name}};
    const std::lock_guard lock(all->mutex);
    ++all->users[name];
    const auto* const own = new AlertQueueMetrics{
        &all->sent.Add(labels), &all->errors.Add(labels), &all->dropped.Add(labels), &all->length.Add(labels),
        &all->seconds.Add(labels, prometheus::Histogram::BucketBoundaries{0.01, 0.1, 1, 10})};
    return {own, [all, name](const AlertQueueMetrics* gone) { all->Release(name, gone); }};
  }
  void Release(const std::string& name, const AlertQueueMetrics* gone) {
    const std::lock_guard lock(mutex);
    if (--users[name] == 0) {
      users.erase(name);
      sent.Remove(gone->sent);
      errors.Remove(gone->errors);
      dropped.Remove(gone->dropped);
      length.Remove(gone->length);
      seconds.Remove(gone->seconds);
    }
    delete gone;
  }
  void Idle() {
    const std::lock_guard lock(idle_mutex);
    ++times_idle;
    idle.notify_all();
  }
  /// How often a queue has become idle.
  std::uint64_t TimesIdle() {
    const std::lock_guard lock(idle_mutex);
    return times_idle;
  }
  /// Waits for one more time. False: there was none.
  bool WaitForIdle(std::uint64_t seen, Millis limit) {
    std::unique_lock lock(idle_mutex);
    return idle.wait_for(lock, limit, [&] { return times_idle != seen; });
  }

  DiscoveryMetrics discovery_metrics;
  const DiscoveryEnvironment discovery;
  prometheus::Family<prometheus::Counter>&sent, &errors, &dropped;
  prometheus::Family<prometheus::Gauge>& length;
  prometheus::Family<prometheus::Histogram>& seconds;
  prometheus::Gauge& discovered;
  std::mutex mutex;
  std::map<std::string, std::size_t> users;  // guarded by mutex: queues by the label of their metrics
  std::mutex idle_mutex;
  std::condition_variable idle;
  std::uint64_t times_idle = 0;  // guarded by idle_mutex
};

Notifier::Notifier(Services services, const AlertQueueOptions& options)
    : services_(std::move(services)), options_(options) {}

Notifier::~Notifier() { Stop(Millis(0)); }

Notifier::Sets Notifier::SetsNow() const {
  const std::lock_guard lock(mutex_);
  return sets_;
}

Status Notifier::Apply(const AlertmanagersOptions& options) {
  const std::lock_guard applying(applying_);
  if (!metrics_ && !options.alertmanagers.empty()) metrics_ = std::make_shared<Metrics>(services_, options_);
  const Sets old = SetsNow();
  Sets next, fresh;
  for (const AlertmanagerConfig& config : options.alertmanagers) {
    const auto same = std::ranges::find_if(
        old, [&](const auto& set) { return set->config() == config && std::ranges::find(next, set) == next.end(); });
    if (same != old.end()) {
      next.push_back(*same);
      continue;
    }
    VEDETTE_CHECK(CheckDiscoveries(config.found));
    VEDETTE_TRY(std::shared_ptr<HttpClient> client, services_.new_client(config.http, config.auth));
    AlertmanagerSet::Environment environment{
        metrics_->discovery, options_,
        [metrics = metrics_](const std::string& url) { return Metrics::Of(metrics, url); },
        [metrics = metrics_](double change) { metrics->discovered.Increment(change); },
        [metrics = metrics_] { metrics->Idle(); }};
    fresh.push_back(std::make_shared<AlertmanagerSet>(std::move(environment), config, std::move(client)));
    next.push_back(fresh.back());
  }
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return Fail(Code::kUnavailable, "the notifier has been stopped");
    sets_ = next;
    alert_relabel_configs_ = options.alert_relabel_configs;
    external_labels_ = options.external_labels;
  }
  for (const auto& set : fresh) set->Start();
  for (const auto& set : old) {
    if (std::ranges::find(next, set) == next.end()) set->Close();
  }
  return Ok();
}

void Notifier::Send(std::span<const OutgoingAlert> alerts) {
  Sets sets;
  std::vector<RelabelConfig> configs;
  Labels external;
  {
    const std::lock_guard lock(mutex_);
    if (stopped_ || sets_.empty()) return;
    sets = sets_;
    configs = alert_relabel_configs_;
    external = external_labels_;
  }
  std::vector<std::pair<Labels, const OutgoingAlert*>> relabelled;
  for (const OutgoingAlert& alert : alerts) {
    if (auto labels = RelabelAlert(alert.labels, external, configs))
      relabelled.emplace_back(*std::move(labels), &alert);
  }
  for (const auto& set : sets) {
    std::vector<AlertText> texts;
    for (const auto& [labels, alert] : relabelled) {
      const auto own = RelabelAlert(labels, {}, set->config().alert_relabel_configs);
      if (own) texts.push_back(std::make_shared<const std::string>(AlertJson(*own, *alert)));
    }
    set->Add(texts);
  }
}

void Notifier::Stop(Millis limit) {
  const std::lock_guard applying(applying_);
  Sets sets;
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(stopped_, true)) return;
    sets = sets_;
  }
  if (options_.drain_on_shutdown && metrics_) {
    // Sets are asked under no lock: they have locks of their own, and what they show may die here.
    const Deadline deadline(SystemClock(), limit);
    for (bool more = true; more;) {
      const std::uint64_t seen = metrics_->TimesIdle();
      if (std::ranges::all_of(sets, [](const auto& set) { return set->IsIdle(); })) break;
      more = metrics_->WaitForIdle(seen, deadline.Left());
    }
  }
  for (const auto& set : sets) set->Close();
  const std::lock_guard lock(mutex_);
  sets_.clear();  // `sets` has them, beyond the lock
}

Notifier::View Notifier::Alertmanagers() const {
  View out;
  for (const auto& set : SetsNow()) set->AppendTo(out);
  std::ranges::sort(out.active);
  std::ranges::sort(out.dropped);
  return out;
}

}  // namespace vedette::collector
