// Deleting by matcher and range: a tombstone at once, the rows themselves afterwards.
#pragma once

#include <span>

#include "core/matcher.h"
#include "storage/rocks/engine.h"

namespace vedette::storage {

/// Storage::Delete(), with the engine's maintenance mutex held. `oldest`: samples before it are beyond the retention.
Status DeleteSamples(Engine& engine, std::span<const Matcher> matchers, TimeRange range, TimeMs oldest);

/// Takes off the disk and out of the index what the tombstones of this moment cover, and then the tombstones. Takes the
/// maintenance mutex for moments only; the caller holds the re-packing mutex.
Status CleanTombstones(Engine& engine);

}  // namespace vedette::storage
