// From the text that names a series to its labels, and from that of an exemplar to what it says. Only for what is new
// to a target, so copying is fine.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "collector/exposition/parser.h"
#include "core/result.h"
#include "storage/facts.h"

namespace vedette::collector {

/// Name and value, unescaped; the metric name as __name__ among them. In no particular order.
using RawLabels = std::vector<std::pair<std::string, std::string>>;

/// `series`: a text that ExpositionParser accepted. `type`: the type in force there; the `le` of a histogram and the
/// `quantile` of a summary are brought into float form ("1" becomes "1.0").
/// Errors: kBadData for an empty metric name or label name, and for a label name given twice.
Result<RawLabels> ParseSeriesLabels(std::string_view series, MetricType type);

/// The metric name in `series` as written, without unescaping; empty when there is none.
std::string_view MetricNameOf(std::string_view series);

/// `text`: what ExpositionParser::exemplar() gave. `time`: of the exemplar when it names none. Errors: kBadData for a
/// label name given twice.
Result<storage::Exemplar> ParseExemplar(std::string_view text, TimeMs time);

/// Errors: kBadData for a label name given twice.
Status CheckUniqueNames(const RawLabels& labels);

/// How OpenMetrics writes the bounds in `le` and `quantile`, always with a point or an exponent: "1.0", "1e-05",
/// "+Inf".
std::string FloatForm(double value);

/// `\\`, `\n` and `\"` resolved; other backslashes stay.
std::string Unescape(std::string_view text);
/// The same of a help text of the text format, where `\"` is nothing special.
std::string UnescapeTextHelp(std::string_view text);

}  // namespace vedette::collector
