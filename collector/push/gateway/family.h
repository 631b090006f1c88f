// Metric families that were pushed to a group: read from text or protobuf, kept as protobuf with the group's labels put
// in, so that a scrape hands them on with native histograms, exemplars and all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "collector/exposition/series_labels.h"
#include "core/result.h"

namespace vedette::collector {

struct GatewayFamily {
  std::string name, help;
  std::uint32_t type = 3;             // io.prometheus.client.MetricType
  std::string metrics;                // wire bytes: the fields `metric` of a MetricFamily
  std::vector<std::uint64_t> series;  // a hash of the labels of each metric, those without a value left out

  /// What it takes, about, with the places in the index of series.
  std::size_t bytes() const { return 2 * name.size() + help.size() + metrics.size() + 64 * series.size() + 500; }
};

struct GatewayBody {
  std::vector<GatewayFamily> families;  // each name once
  /// kBadData: the body can be read, but no group can hold it (times of its own, a series twice). kLimit: it has become
  /// larger than it may; what came later is not in `families`.
  Status problem = Ok();
};

/// "COUNTER", "GAUGE", ...
std::string_view GatewayTypeName(std::uint32_t type);
/// The label without which nothing is shown; empty where nobody gave one, so that the scraping target's stays out.
inline constexpr std::string_view kGatewayInstance = "instance";

/// Bodies in the text format. `max_bytes`: of all families, each metric with the group's labels in it. Errors:
/// kBadData, "text format parsing error in line 3: ...".
Result<GatewayBody> ReadGatewayText(std::string_view body, const RawLabels& group, std::size_t max_bytes);
/// Delimited MetricFamily messages. Errors: kBadData. Of a family that comes twice the last counts.
Result<GatewayBody> ReadGatewayProtobuf(std::string_view body, const RawLabels& group, std::size_t max_bytes);

/// A delimited MetricFamily message.
void AppendFamilyMessage(std::string& out, std::string_view name, std::string_view help, std::uint32_t type,
                         std::string_view metrics);
/// One gauge, as a family.
GatewayFamily GatewayGauge(std::string_view name, std::string_view help, double value, const RawLabels& group);

}  // namespace vedette::collector
