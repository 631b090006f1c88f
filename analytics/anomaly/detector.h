// What every anomaly model is: it sees one series sample by sample and says how far each is from what it expected.
#pragma once

#include <string>
#include <string_view>

#include "core/result.h"
#include "core/time.h"

namespace vedette::analytics {

/// All four are finite, whatever was observed.
struct Judgement {
  /// 0: as expected; 1: on the edge of the band; at most kMaxScore. 0 while the model is still warming up.
  double score = 0;
  double expected = 0;
  double lower = 0, upper = 0;  // the band that held before the sample was seen
};
inline constexpr double kMaxScore = 100;

/// One series. Not thread-safe.
class Detector {
 public:
  virtual ~Detector() = default;

  /// Judges a sample, then learns from it. Times ascend; gaps are allowed. A value that is not finite is judged 0 and
  /// not learned from. Cost: O(1).
  virtual Judgement Observe(TimeMs time, double value) = 0;

  /// The state as bytes, the first of which is the version of the format.
  virtual std::string Save() const = 0;
  /// Errors: kCorruption for bytes that Save() of a known version did not write; the state is then unchanged.
  virtual Status Load(std::string_view bytes) = 0;
};

}  // namespace vedette::analytics
