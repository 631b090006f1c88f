// Runs all rule groups: keeps their slots, evaluates them on worker threads, swaps them on a reload.
//
// Each group has a timer on the io_context; when its slot comes the evaluation is posted to the thread pool, which also
// bounds how many groups are evaluated at once. A group is never evaluated twice at the same time; slots that pass
// while it runs are skipped and counted.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "alerting/rules/alert.h"
#include "alerting/rules/options.h"
#include "alerting/rules/rule_file.h"
#include "alerting/rules/views.h"
#include "core/clock.h"
#include "core/result.h"

namespace boost::asio {
class io_context;
class thread_pool;
}  // namespace boost::asio
namespace prometheus {
class Registry;
}
namespace vedette::promql {
class Engine;
}
namespace vedette::storage {
class Storage;
}

namespace vedette::alerting {

/// What rules work with. All of it outlives the manager.
struct RuleServices {
  storage::Storage& storage;
  const promql::Engine& engine;
  AlertSink& sink;
  const Clock& clock;
  prometheus::Registry& registry;
};

class RuleManager {
 public:
  RuleManager(const RuleServices& services, boost::asio::io_context& io, boost::asio::thread_pool& workers);
  /// Calls Stop().
  ~RuleManager();
  RuleManager(const RuleManager&) = delete;
  RuleManager& operator=(const RuleManager&) = delete;

  /// Takes the rules of `files` as the ones to run; before Start() and at every reload. Waits for running evaluations.
  /// Alert states carry over by file, group, rule name and labels (the n-th of equals to the n-th). Series of rules
  /// that are gone get stale markers, their firing alerts are handed to the sink as resolved. Files come from
  /// LoadRuleFiles(), which did the checks. Errors: kBadData from options.Validate(): nothing changes.
  Status Load(std::vector<RuleFile> files, const RuleOptions& options);

  /// Starts the timers. The first evaluation of a group is at its next slot. Only the groups loaded by then are
  /// restored from ALERTS_FOR_STATE.
  void Start();
  /// Prompt: running queries are cancelled, evaluations end at the next rule. Returns when none is running. Final.
  void Stop();

  /// Consistent per group; sorted by file, groups in the order of their file. Thread-safe, never waits for an
  /// evaluation.
  std::vector<RuleGroupView> Groups() const;
  /// Pending and firing alerts of all rules.
  std::vector<AlertView> Alerts() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vedette::alerting
