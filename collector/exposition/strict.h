// Whether a body is what its format says, to the letter: for `vedette check metrics`. Slow and strict where parser.h is
// fast and lenient.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace vedette::collector {

struct StrictSample {
  std::string name;
  std::map<std::string, std::string> labels;  // values without escapes
  double value = 0;
  std::optional<double> time;  // seconds in OpenMetrics, ms in the text format
  bool has_exemplar = false;
  std::size_t line = 0;
};

struct StrictFamily {
  std::string name;
  std::string type;  // as written; empty: no TYPE line
  std::optional<std::string> help;
  std::optional<std::string> unit;
  std::vector<StrictSample> samples;
  std::size_t line = 0;  // of its first line
};

/// OpenMetrics text 1.0. Errors: kBadData, "line <n>: <reason>", for the first thing that is wrong: syntax, order and
/// grouping, values that a type does not have, histograms that contradict themselves, names that clash, a missing
/// "# EOF".
Result<std::vector<StrictFamily>> ReadStrictOpenMetrics(std::string_view body);

/// Prometheus text format 0.0.4, as Prometheus' client library reads it. Errors: as above.
Result<std::vector<StrictFamily>> ReadStrictText(std::string_view body);

/// What is allowed and not wise: a sentence for each, "<name> <remark>", sorted by name.
std::vector<std::string> LintFamilies(const std::vector<StrictFamily>& families);

}  // namespace vedette::collector
