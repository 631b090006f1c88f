// The labels of a scraped sample: what the target wrote, the target's own labels, metric relabelling, limits.
#pragma once

#include <optional>

#include "collector/exposition/series_labels.h"
#include "collector/options.h"
#include "core/labels.h"
#include "core/result.h"

namespace vedette::collector {

/// Adds `target` to `raw`. honor_labels: what is exposed wins. Otherwise the target wins, and what it covers is kept as
/// exported_<name> (with as many exported_ as it takes to be free).
LabelsBuilder AddTargetLabels(const RawLabels& raw, const Labels& target, bool honor_labels);

/// The final labels of a series of this job; nothing when metric_relabel_configs drop it.
/// Errors: kBadData for no metric name or a name that the validation scheme refuses, kLimit for label limits.
Result<std::optional<Labels>> MakeSampleLabels(const RawLabels& raw, const Labels& target, const ScrapeConfig& job);

}  // namespace vedette::collector
