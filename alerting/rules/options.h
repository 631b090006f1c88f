// What the evaluation of rules can be told. Filled by config/ from `global:`, `rule_files:` and the --rules.* flags.
// Routing and notification have theirs in alerting/route/options.h and alerting/notify/options.h.
#pragma once

#include <cstddef>
#include <string>

#include "analytics/promql/parser.h"
#include "core/labels.h"
#include "core/result.h"
#include "core/time.h"

namespace vedette::alerting {

struct RuleOptions {
  /// Of groups that name none (global.evaluation_interval).
  Millis evaluation_interval = std::chrono::minutes(1);
  /// How far back rules look, for groups that name none (global.rule_query_offset).
  Millis query_offset{0};
  /// A firing alert is handed to the sink again after this time (--rules.alert.resend-delay).
  Millis resend_delay = std::chrono::minutes(1);
  /// After a restart `for` goes on if the outage was no longer than this (--rules.alert.for-outage-tolerance) ...
  Millis outage_tolerance = std::chrono::hours(1);
  /// ... and a restored alert that is nearly due waits at least this long (--rules.alert.for-grace-period). Rules with
  /// a shorter `for` are not restored.
  Millis grace_period = std::chrono::minutes(10);
  /// $externalLabels of templates. Not added to the alerts here.
  Labels external_labels;
  /// $externalURL of templates and the start of generator URLs, without a slash at the end.
  std::string external_url = "http://127.0.0.1:9090";
  /// Features of the language that rule expressions may use.
  promql::ParserOptions parser;
  /// A result of an alerting rule with more elements than this fails the rule (its alerts stay as they are): keeps an
  /// expression without aggregation from filling the memory.
  std::size_t max_alerts_per_rule = 100'000;

  Status Validate() const;
};

}  // namespace vedette::alerting
