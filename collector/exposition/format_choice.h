// In which format a page of metrics is written: what the Accept header of a client makes of those we write.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "collector/options.h"

namespace vedette::collector {

enum class PageFormat : std::uint8_t { kText, kProtobuf };

struct FormatChoice {
  PageFormat format = PageFormat::kText;
  /// Of names that are not of the legacy alphabet.
  NameEscaping escaping = NameEscaping::kUnderscores;
};

/// As client_golang chooses for pages without OpenMetrics: the entry with the highest weight that names the text format
/// 0.0.4 (or no version) or delimited io.prometheus.client.MetricFamily messages; text when there is none. An
/// `escaping` of that entry, or of one before it, is obeyed.
FormatChoice ChooseFormat(std::string_view accept);

/// The Content-Type of what was chosen.
std::string ContentTypeOf(const FormatChoice& choice);

/// `name` in the legacy alphabet, by the rules of the scheme. kAllowUtf8, and a name that is in it: as it is.
std::string EscapeMetricName(std::string_view name, NameEscaping escaping);

}  // namespace vedette::collector
