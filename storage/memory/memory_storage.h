// The store and the state tables in memory only: for unit tests, PromQL scripts and small tools.
//
// Both keep the rules of storage/storage.h to the letter: queriers are snapshots, duplicates resolve the same way, the
// retention and the limits hold. Thread-safe. Nothing survives, nothing is compressed: 24 bytes per sample.
#pragma once

#include <memory>

#include "core/clock.h"
#include "storage/admin.h"
#include "storage/options.h"
#include "storage/state.h"
#include "storage/storage.h"

namespace vedette::storage {

class MemoryStore : public Storage, public StoreAdmin {};

/// `clock` decides what is too old or too new and must outlive the store, the store its appenders and queriers.
std::unique_ptr<MemoryStore> NewMemoryStorage(const StorageOptions& options, const Clock& clock);

/// `history`: what is kept for subscribers.
std::unique_ptr<StateStore> NewMemoryStateStore(const StateHistory& history = {});

}  // namespace vedette::storage
