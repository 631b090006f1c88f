// The file formats of `vedette import` and `vedette export`.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/result.h"

namespace vedette::collector {

enum class BulkFormat : std::uint8_t {
  kText,         // Prometheus' text format, each line with a time in ms
  kOpenMetrics,  // OpenMetrics, times in seconds, as promtool's create-blocks-from takes it
  kJsonLines,    // a series per line, as VictoriaMetrics exports: {"metric":{...},"values":[...],"timestamps":[ms ...]}
  kCsv,          // a head line names the columns: timestamp (ms), value; every other one is a label
};

/// "text", "openmetrics", "jsonl", "csv". Errors: kBadData.
Result<BulkFormat> ParseBulkFormat(std::string_view text);

}  // namespace vedette::collector
