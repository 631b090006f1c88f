// The state tables in RocksDB, and the last batches as they were written (storage/state.h).
//
// One batch is written at a time: its place in RocksDB's log is its sequence number. Subscribers read from snapshots.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <utility>

#include "storage/rocks/database.h"
#include "storage/state.h"

namespace vedette::storage {

class RocksState final : public StateStore {
 public:
  RocksState(Database& database, const StateHistory& limits) : database_(database), limits_(limits) {}

  /// Reads which batches are kept. Once, before anything else.
  Status Recover();

  Status Write(const StateBatch& batch) override;
  Result<std::optional<std::string>> Get(std::string_view table, std::string_view key) const override;
  Status Scan(std::string_view table, std::string_view prefix,
              const std::function<bool(std::string_view, std::string_view)>& row) const override;
  Result<ChangePage> Changes(std::string_view table, std::uint64_t after, std::size_t max_batches) const override;
  std::unique_ptr<StateView> NewView() const override;
  bool AwaitChange(std::uint64_t after, const std::stop_token& stop, Millis timeout) const override;

 private:
  struct Kept {
    std::uint64_t sequence = 0;
    std::size_t bytes = 0;
  };

  Database& database_;
  const StateHistory limits_;
  std::mutex write_mutex_;  // guards the next three
  std::deque<Kept> kept_;
  std::size_t kept_bytes_ = 0;
  std::uint64_t next_ = 1;
  mutable std::mutex mutex_;
  mutable std::condition_variable_any written_;
  std::uint64_t last_ = 0;  // guarded by mutex_
};

}  // namespace vedette::storage
