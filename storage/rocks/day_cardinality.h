// Which series and labels a past day has.
#pragma once

#include <cstdint>

#include "storage/rocks/engine.h"

namespace vedette::storage {

/// Storage::Cardinality() for the day: its index, and the series whose samples of it are in memory only (yesterday's
/// after midnight, and what arrives late). Any thread. Errors: those of the medium.
Result<StoreStats> CountDay(Engine& engine, std::int32_t day, const CardinalityQuery& query);

}  // namespace vedette::storage
