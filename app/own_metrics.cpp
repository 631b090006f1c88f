#include "app/own_metrics.h"

#include <algorithm>
#include <iterator>

#include <prometheus/registry.h>

#include "app/process_metrics.h"

namespace vedette::app {

OwnMetrics::OwnMetrics(const prometheus::Registry& registry) : registry_(registry), process_(NewProcessMetrics()) {}

std::vector<prometheus::MetricFamily> OwnMetrics::Collect() const {
  std::vector<prometheus::MetricFamily> families = registry_.Collect();
  std::ranges::move(process_->Collect(), std::back_inserter(families));
  return families;
}

}  // namespace vedette::app
