// What the store keeps about series beside their samples: exemplars, start times, and the metadata of metrics, each
// with its history. Written through the Appender with the batch it belongs to, as durable as that; read through the
// Querier.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/labels.h"
#include "core/matcher.h"
#include "core/result.h"
#include "core/time.h"

namespace vedette::storage {

/// One observation behind a sample, with labels that lead somewhere: a trace id.
struct Exemplar {
  Labels labels;
  double value = 0;
  TimeMs time;
};

/// Of names and values together, in code points, as OpenMetrics limits it.
inline constexpr std::size_t kMaxExemplarText = 128;

/// Errors: kBadData for labels that are too long or no UTF-8.
Status ValidateExemplar(const Exemplar& exemplar);

struct SeriesExemplars {
  Labels series;
  std::vector<Exemplar> exemplars;  // by time
};

/// Samples of a series from `first_sample` on count from `start`, when the counter was zero.
struct StartTime {
  TimeMs start;
  TimeMs first_sample;
  bool operator==(const StartTime&) const = default;
};

/// When the counter behind a sample at `time` was zero: the last start before it that a sample up to then has named.
/// Nothing when it is not known. `starts`: ascending, from Querier::ReadStarts().
std::optional<TimeMs> StartOf(std::span<const StartTime> starts, TimeMs time);

/// What a target says about a metric family.
struct MetricInfo {
  std::string type;  // as OpenMetrics spells it
  std::string help, unit;
  bool operator==(const MetricInfo&) const = default;
};

/// Longer texts are cut.
inline constexpr std::size_t kMaxInfoText = 4096;
/// Changes that are remembered of one family of one target.
inline constexpr std::size_t kMaxInfoChanges = 64;

struct MetadataEntry {
  Labels target;
  std::string family;
  MetricInfo info;
  TimeMs from;
  std::optional<TimeMs> until;  // nothing: it still holds
};

struct MetadataQuery {
  std::span<const Matcher> targets;  // all of them accept the target's labels
  std::string_view family;           // empty: all
  TimeRange range;                   // entries that held at some time within
};

}  // namespace vedette::storage
