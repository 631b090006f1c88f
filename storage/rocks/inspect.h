// What is in a data directory that nobody has open: `vedette storage inspect`.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/result.h"

namespace vedette::storage {

struct DayReport {
  std::int32_t day = 0;
  std::uint64_t series = 0;      // in the day's index
  std::uint64_t loose = 0;       // chunks as sealed
  std::uint64_t packed = 0;      // chunks as re-packed, and parts of bundles
  std::uint64_t bundles = 0;     // which have these parts
  std::uint64_t samples = 0;     // repeated ones counted as often as they are there
  std::uint64_t histograms = 0;  // of these
  std::uint64_t tier_rows = 0;   // of series and steps
  std::uint64_t chunk_bytes = 0;
  std::uint64_t disk_bytes = 0;  // of chunks and index in table files, about
};

struct StoreReport {
  std::uint64_t format_version = 0;
  std::uint64_t definitions = 0;
  std::uint64_t journal_records = 0;
  std::uint64_t tombstones = 0;
  std::uint64_t table_files = 0;
  std::vector<DayReport> days;
  std::vector<std::pair<std::string, std::uint64_t>> family_bytes;  // of table files
};

/// Reads every chunk's head. Errors: those of opening; kCorruption at the first damaged row (`verify` names them all).
Result<StoreReport> InspectStore(const std::string& path);

}  // namespace vedette::storage
