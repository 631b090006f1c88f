// One line of VictoriaMetrics' JSON line export: a series with its samples. Ours reads and writes the same; native
// histograms, which that has none of, are lines of their own with "histograms" instead of "values".
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/labels.h"
#include "core/result.h"
#include "storage/storage.h"

namespace vedette::collector {

struct JsonSeries {
  std::vector<std::pair<std::string, std::string>> labels;  // as they stand there
  storage::Columns samples;
  storage::HistogramColumns histograms;  // valid; empty when there are samples
};

/// {"metric":{"__name__":"up"},"values":[1,null],"timestamps":[1700000000000,...]}, keys in any order, nothing else in
/// it, or "histograms" (json_histogram.h) for "values". Values: numbers, null (left out, with its time), "NaN",
/// "Infinity", "-Infinity". Errors: kBadData with the place in the line.
Result<JsonSeries> ParseJsonSeries(std::string_view line);

/// Appends such a line, with its line end.
void AppendJsonSeries(std::string& out, const Labels& labels, const storage::Columns& samples);
void AppendJsonSeries(std::string& out, const Labels& labels, const storage::HistogramColumns& samples);

}  // namespace vedette::collector
