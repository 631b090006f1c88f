// The alert router: takes alerts from rules and jobs, keeps incidents, and gets messages to people.
//
// Accept() returns when the alerts, their incidents and the messages they cause are durable. Timers and deliveries run
// by themselves after Start(): a timer on the io_context posts steps to the worker pool (they write to disk), answers
// of receivers come back through the same pool. One mutex serialises the steps; a write to the state store is part of a
// step, so that what is acknowledged is on disk and rows are written in the order of events.
// Reference: docs/architecture.md, "The life of an alert".
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "alerting/incident/book.h"
#include "alerting/options.h"
#include "alerting/router_views.h"
#include "alerting/rules/alert.h"
#include "core/clock.h"
#include "core/result.h"

namespace boost::asio {
class io_context;
class thread_pool;
}  // namespace boost::asio
namespace prometheus {
class Registry;
}
namespace vedette::storage {
class StateStore;
}

namespace vedette::alerting {

/// What the router works with. All of it outlives the router.
struct RouterServices {
  storage::StateStore& state;
  const Clock& clock;
  prometheus::Registry& registry;
  const TargetCensus* census = nullptr;  // may be null: then nothing is known about blast radius
};

class AlertRouter final : public AlertSink {
 public:
  /// Loads incidents and messages of the last run. Errors: kBadData (options), kIo (template files), of the store.
  static Result<std::unique_ptr<AlertRouter>> Open(const RouterServices& services, const AlertingOptions& options,
                                                   boost::asio::io_context& io, boost::asio::thread_pool& workers);
  /// Calls Stop().
  ~AlertRouter() override;
  AlertRouter(const AlertRouter&) = delete;
  AlertRouter& operator=(const AlertRouter&) = delete;

  /// Timers and deliveries begin; what was left undelivered leaves now.
  void Start();
  /// No further message leaves; waits a few seconds at most for answers under way. Undelivered messages stay in the
  /// store. Final.
  void Stop();
  /// Swaps the whole configuration, or keeps the old one. Open incidents keep their ids. Errors: as Open().
  Status Reload(const AlertingOptions& options);

  Status Accept(std::span<const ActiveAlert> alerts) override;
  Status Settle(const RuleRef& rule, std::span<const ActiveAlert> active) override;
  /// To be called after each load of rules, with one entry per alerting rule: open alerts of rules that no longer exist
  /// come to an end, and Settle() knows how many rules share a name.
  Status RetainRules(std::span<const RuleRef> rules);
  /// Errors: kNotFound.
  Status Acknowledge(std::uint64_t number, const std::string& who);

  /// Newest first.
  std::vector<IncidentView> Incidents(const IncidentFilter& filter = {}) const;
  std::optional<IncidentView> FindIncident(std::uint64_t number) const;
  std::vector<TargetView> Targets() const;

 private:
  struct Impl;
  explicit AlertRouter(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;  // shared with timers and answers under way
};

}  // namespace vedette::alerting
