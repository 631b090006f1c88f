// A data directory that no agent has open, for the subcommands that work on one.
#pragma once

#include <memory>
#include <string>

#include "core/result.h"
#include "storage/rocks/rocks_storage.h"

namespace vedette::app {

class OfflineStore {
 public:
  /// Opens the store in `path`. Nothing is dropped for its age, and nothing happens in the background. Errors: those of
  /// RocksStorage::Open(); kNotFound when there is none and `make` does not ask for a new one.
  static Result<OfflineStore> Open(const std::string& path, bool make);

  storage::RocksStorage& operator*() const { return *store_; }
  storage::RocksStorage* operator->() const { return store_.get(); }

 private:
  std::shared_ptr<prometheus::Registry> registry_;  // before the store, which writes to it
  std::unique_ptr<storage::RocksStorage> store_;
};

}  // namespace vedette::app
