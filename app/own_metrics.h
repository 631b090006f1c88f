// What /metrics shows: the parts' own metrics and those of the process.
#pragma once

#include <memory>
#include <vector>

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

namespace prometheus {
class Registry;
}

namespace vedette::app {

class OwnMetrics final : public prometheus::Collectable {
 public:
  /// `registry`, which has those of the parts, outlives it.
  explicit OwnMetrics(const prometheus::Registry& registry);
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const prometheus::Registry& registry_;
  const std::unique_ptr<prometheus::Collectable> process_;
};

}  // namespace vedette::app
