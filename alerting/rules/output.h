// The series that one rule writes: samples of this evaluation, staleness markers for those that vanished.
#pragma once

#include <memory>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/histogram.h"
#include "core/labels.h"
#include "core/result.h"
#include "core/time.h"
#include "storage/storage.h"

namespace vedette::alerting {

struct OutputSample {
  Labels labels;
  double value = 0;
  std::shared_ptr<const Histogram> histogram = nullptr;  // takes the place of the value
};

class RuleOutput {
 public:
  /// Writes one evaluation as one batch; `samples` is everything the rule has to say, each label set once. Series that
  /// the store refuses are left out and the first reason is returned; the others are written.
  /// Errors: kLimit, kBadData (a series was refused), kOutOfOrder (outside of what the store takes), kIo, kUnavailable.
  Result<std::size_t> Write(storage::Storage& storage, TimeMs time, std::span<const OutputSample> samples);

  /// Ends all series: the rule is gone.
  Status End(storage::Storage& storage, TimeMs time);

 private:
  std::unordered_map<Labels, storage::SeriesId> last_;  // of the last batch that was written
};

}  // namespace vedette::alerting
