// prometheus.Histogram, which both remote-write messages and remote read share.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/histogram.h"
#include "core/result.h"
#include "core/time.h"

namespace vedette::collector {

/// Appends the fields of the message, without tag and size.
void PutHistogramMessage(const Histogram& histogram, TimeMs time, std::string& out);

struct TimedHistogram {
  TimeMs time;
  Histogram histogram;
};
/// Errors: kBadData for malformed bytes, spans and buckets that do not fit together, or what ValidateHistogram() says.
Result<TimedHistogram> ReadHistogramMessage(std::string_view bytes);

}  // namespace vedette::collector
