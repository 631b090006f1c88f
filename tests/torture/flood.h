// A flood of new series beside known ones that go on: memory stays within the limits, what is refused is counted.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "core/result.h"

namespace vedette::test {

struct FloodOptions {
  std::uint64_t series = 10'000'000;   // that somebody tries to create
  std::size_t max_series = 1'000'000;  // StorageOptions
  std::size_t max_series_bytes = 0;
  std::function<void(const std::string&)> progress;  // may be empty
};

struct FloodReport {
  std::uint64_t created = 0, refused = 0, counted = 0;  // counted: by the store's own metric
  std::uint64_t known_samples = 0;                      // all of the known series
  double seconds = 0;
  std::uint64_t peak_rss = 0;  // bytes, of the process
  std::string ToString() const;
};

/// Errors: a known series was refused, a sample of one is missing, or refusals were not counted.
Result<FloodReport> Flood(const FloodOptions& options);

}  // namespace vedette::test
