// The receiver of Graphite's plaintext protocol: lines `path value time`, tags behind the path as `;name=value`.
//
// A path is the metric's name as it is, tags are labels, as in VictoriaMetrics. A time is in Unix seconds; without one,
// with -1 or 0 it is now.
#pragma once

#include <optional>
#include <string_view>

#include "collector/push/intake.h"
#include "core/result.h"

namespace vedette::collector {

struct GraphiteLine {
  std::string_view series;  // path and tags as they were written
  double value = 0;
  std::optional<TimeMs> time;
};

/// Words are separated by blanks and tabs. Errors: kBadData with the part that is wrong.
Result<GraphiteLine> ReadGraphiteLine(std::string_view line);
/// Errors: kBadData for tags without a name, and for no path.
Result<Labels> ReadGraphiteSeries(std::string_view series);

class GraphiteReceiver {
 public:
  explicit GraphiteReceiver(Intake& intake) : intake_(intake) {}

  /// Whole lines. Good ones are stored also when others are not. Thread-safe.
  PushOutcome Ingest(std::string_view lines);
  /// A line that is not read at all.
  void DropLine();

 private:
  Intake& intake_;
};

}  // namespace vedette::collector
