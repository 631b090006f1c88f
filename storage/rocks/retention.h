// What goes because of its age or the size of the store, beside the days beyond the general retention.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "storage/rocks/engine.h"

namespace vedette::storage {

/// Until which day each of StorageOptions::retention_rules was applied. Not stored: applying one again finds nothing.
using RulesApplied = std::vector<std::optional<std::int32_t>>;

/// Deletes what the rules say, each when another day is over. With the maintenance mutex held.
Status ApplyRetentionRules(Engine& engine, TimeMs now, RulesApplied& applied);

/// The first day that may stay when the store is to be no larger than `max_bytes` (0: any size), nothing when all may.
/// The last day always stays. Sizes are RocksDB's estimates. What waits for feeds only does not count: no day would
/// make room for it, and a remote end that is away is no reason to forget what is here.
std::optional<std::int32_t> FirstDayThatFits(Database& database, const Partitions::Days& days, std::uint64_t max_bytes);

/// Bytes of table files that are kept for feeds only: journal records in front of those that a start replays, and
/// exemplars of commits.
std::uint64_t BytesForFeeds(Database& database);

}  // namespace vedette::storage
