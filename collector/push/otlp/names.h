// How names of OTLP become Prometheus' names: the rules of the OpenTelemetry specification as Prometheus applies them.
#pragma once

#include <string>
#include <string_view>

#include "collector/options.h"
#include "collector/push/otlp/model.h"
#include "core/result.h"

namespace vedette::collector::otlp {

/// With the suffixes of unit and type where the strategy adds them. Errors: kBadData when nothing of a name is left.
Result<std::string> MetricNameOf(const Metric& metric, OtlpTranslation strategy);

/// The name of an attribute as a label. Errors: kBadData for an empty name and one of nothing but underscores.
Result<std::string> LabelNameOf(std::string_view attribute, const OtlpOptions& options);

/// "bytes_per_second" of "By/s": what metadata say.
std::string UnitNameOf(std::string_view unit);

}  // namespace vedette::collector::otlp
