// What is scraped: from what discovery found to the labels and the URL of a target.
//
// Pure functions; the scrape pool calls them whenever its discoveries report something new.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "collector/discovery/discovery.h"
#include "collector/options.h"
#include "core/labels.h"
#include "core/result.h"
#include "core/time.h"

namespace vedette::collector {

/// Which histograms of a target are stored. The job says it, and relabelling may (__scrape_native_histograms__ and so
/// on).
struct HistogramChoice {
  bool native = false;           // where there are native ones
  bool always_classic = false;   // classic ones also where there are native ones
  bool convert_classic = false;  // classic ones as native ones with custom buckets
  bool operator==(const HistogramChoice&) const = default;
};

struct Target {
  Labels discovered;  // before relabelling, with the job's defaults
  Labels labels;      // what its series carry: job, instance, ...
  std::string url;    // "inprocess://host" when the job has an in-process source
  Millis interval{0};
  Millis timeout{0};
  HistogramChoice histograms;

  /// Same labels and URL: the same target, whatever else changed.
  std::uint64_t Key() const;
};

struct TargetSet {
  std::vector<Target> active;   // each key once
  std::vector<Labels> dropped;  // discovered labels
  std::vector<Error> errors;    // targets that make no sense: not scraped
};

/// Applies the job's defaults and relabel_configs to everything that was found.
TargetSet MakeTargets(const ScrapeConfig& job, std::span<const TargetGroup> groups);

/// An interval has so many moments at which scrapes begin. Those of one moment wake one thread once, which then has the
/// code at hand: a scrape that wakes a thread for itself alone costs nearly twice as much.
inline constexpr std::uint64_t kScrapeMoments = 20;
inline std::uint64_t ScrapeMoment(std::uint64_t target_key) { return target_key % kScrapeMoments; }

/// When within each interval the target is scraped, at its moment: spreads the targets evenly and stays the same over
/// restarts. Between zero and `interval`.
Millis ScrapeOffset(std::uint64_t target_key, Millis interval);

/// The first time from `now` on that is `offset` after a multiple of `interval`.
TimeMs NextScrape(TimeMs now, Millis interval, Millis offset);

}  // namespace vedette::collector
