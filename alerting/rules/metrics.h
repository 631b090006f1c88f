// Own metrics of rules, vedette_rules_*.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

namespace prometheus {
class Registry;
}

namespace vedette::alerting {

/// Thread-safe.
class RuleMetrics {
 public:
  explicit RuleMetrics(prometheus::Registry& registry);
  ~RuleMetrics();

  enum class Failure { kQuery, kDuplicate, kLimit, kStorage, kSink };

  void Evaluated(double seconds);
  void Failed(Failure reason);
  void TemplateFailed();
  void GroupEvaluated(double seconds, double seconds_late);
  void SlotsMissed(std::size_t slots);
  void AlertsSent(std::size_t firing, std::size_t resolved);
  void SamplesWritten(std::size_t samples);
  void SetLoaded(std::size_t groups, std::size_t recording, std::size_t alerting);
  /// Changes since the last call of the same rule: gauges over all rules.
  void AddAlerts(std::ptrdiff_t pending, std::ptrdiff_t firing);
  void AddUnhealthy(std::ptrdiff_t rules);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vedette::alerting
