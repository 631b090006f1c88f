// The labels of many series, from memory, from the cache, or from the family `series` by one walk.
#pragma once

#include <span>
#include <vector>

#include "storage/rocks/engine.h"

namespace vedette::storage {

/// `ids`: ascending. One set per id; the empty one for a series that has no definition. Errors: kIo, kCorruption naming
/// the series.
Result<std::vector<Labels>> ReadLabels(Engine& engine, std::span<const SeriesId> ids,
                                       const rocksdb::Snapshot* snapshot);

}  // namespace vedette::storage
