// Reads prometheus.WriteRequest (remote write 1.0), without building it: each series is handed over as it comes.
#pragma once

#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "core/labels.h"
#include "core/result.h"
#include "storage/storage.h"

namespace vedette::collector {

/// One time series of a request. Views into the request.
struct PushedSeries {
  std::string_view label_bytes;   // the wire bytes of all its labels
  std::vector<LabelView> labels;  // filled by ReadLabels() only
  std::vector<storage::Sample> samples;
  std::size_t histograms = 0;

  /// Decodes label_bytes. Errors: kBadData for malformed bytes.
  Status ReadLabels();
};

/// Size that snappy says it will decompress to; kBadData for no snappy, kLimit when it is more than `max_bytes`.
/// Nothing is allocated before that is known.
Result<std::string> DecompressSnappy(std::string_view compressed, std::size_t max_bytes);

/// Calls `take` for each series of `message`, always with the same object. Metadata and unknown fields are skipped.
/// Errors: kBadData for malformed protobuf; series before it have been handed over.
Status ReadWriteRequest(std::string_view message, const std::function<Status(PushedSeries&)>& take);

/// Whether `labels` can name a series, as Prometheus' receiver checks: sorted or not, a metric name, valid UTF-8, no
/// empty and no repeated name. Sorts them.
bool NormalizeLabels(std::vector<LabelView>& labels);

}  // namespace vedette::collector
