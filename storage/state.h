// Durable tables for the other parts: alert states, incidents, the outbox, models. Small rows, few writes, never lost.
//
// Rows live in a table under a text key, ordered by key. A batch is atomic across tables and synced to the disk before
// Write() returns: who was told "accepted" can rely on it.
//
// Every batch has a sequence number, and the store keeps the last batches as they were written. A subscriber remembers
// the number up to which it has seen a table and asks for what came after: each batch once and in order, also across
// restarts. Who stores its position in the same batch as what it derived from the changes acts on each exactly once.
// A subscriber that was away for longer than the history lasts is told so: it takes a view, reads the whole table from
// it, and goes on behind the view's number. Subscribers never hold up writers.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.h"
#include "core/time.h"

namespace vedette::storage {

class StateBatch {
 public:
  void Put(std::string_view table, std::string_view key, std::string_view value) {
    changes_.push_back({std::string(table), std::string(key), std::string(value)});
  }
  void Delete(std::string_view table, std::string_view key) {
    changes_.push_back({std::string(table), std::string(key), std::nullopt});
  }
  bool empty() const { return changes_.empty(); }

  struct Change {
    std::string table, key;
    std::optional<std::string> value;  // nothing: the row goes
  };
  const std::vector<Change>& changes() const { return changes_; }

 private:
  std::vector<Change> changes_;
};

/// How many batches are kept for subscribers: whichever of the two is less. A batch of more bytes than that is in the
/// tables only, and every subscriber has to read them anew.
struct StateHistory {
  std::size_t batches = 10'000;
  std::size_t bytes = 8 << 20;
};

/// One batch, or what it did to the table that was asked for.
struct StateChanges {
  std::uint64_t sequence = 0;               // ascending from batch to batch, with gaps where a write failed
  std::vector<StateBatch::Change> changes;  // in the order in which they were put into the batch
};

struct ChangePage {
  /// The history does not reach back to the number asked for, or the store is younger than it (a backup was restored):
  /// nothing else is filled. Take a view.
  bool too_old = false;
  std::vector<StateChanges> batches;
  std::uint64_t next = 0;  // pass this as `after` the next time, also when there was nothing
};

/// Reading. Calls of `row` may use the store.
class StateReader {
 public:
  virtual ~StateReader() = default;
  virtual Result<std::optional<std::string>> Get(std::string_view table, std::string_view key) const = 0;
  /// Calls `row` for each key that starts with `prefix`, in order, until it returns false.
  virtual Status Scan(std::string_view table, std::string_view prefix,
                      const std::function<bool(std::string_view key, std::string_view value)>& row) const = 0;
};

/// The tables as they were after one batch. Must not outlive its store.
class StateView : public StateReader {
 public:
  /// Of that batch.
  virtual std::uint64_t sequence() const = 0;
};

/// Thread-safe. Table names are short constants of [a-z_]; keys are any bytes.
class StateStore : public StateReader {
 public:
  /// All or nothing, durable on return. Errors: kIo, kUnavailable: nothing was written, as far as this process and its
  /// subscribers see; a batch whose write failed in the disk may be there after a restart, as a whole.
  virtual Status Write(const StateBatch& batch) = 0;

  /// The batches behind number `after` that touched `table` (empty: any table), oldest first, at most `max_batches` (0:
  /// as many as the store finds reasonable).
  virtual Result<ChangePage> Changes(std::string_view table, std::uint64_t after, std::size_t max_batches) const = 0;
  virtual std::unique_ptr<StateView> NewView() const = 0;
  /// Waits until there is a batch behind `after`, `stop` is requested or the time is over; true: there is one.
  virtual bool AwaitChange(std::uint64_t after, const std::stop_token& stop, Millis timeout) const = 0;
};

/// A table of one type. Codec: `static std::string Encode(const T&)` and `static Result<T> Decode(std::string_view)`.
template <class T, class Codec>
class TypedTable {
 public:
  TypedTable(StateStore& store, std::string name) : store_(store), name_(std::move(name)) {}

  const std::string& name() const { return name_; }
  void Put(StateBatch& batch, std::string_view key, const T& row) const { batch.Put(name_, key, Codec::Encode(row)); }
  void Delete(StateBatch& batch, std::string_view key) const { batch.Delete(name_, key); }
  Status Write(const StateBatch& batch) { return store_.Write(batch); }

  Result<std::optional<T>> Get(std::string_view key) const {
    VEDETTE_TRY(const std::optional<std::string> bytes, store_.Get(name_, key));
    if (!bytes) return std::optional<T>();
    auto row = Codec::Decode(*bytes);
    if (!row) return Annotate("table " + name_ + ", key " + std::string(key), std::move(row).error());
    return std::optional<T>(*std::move(row));
  }

  struct RowChange {
    std::uint64_t sequence = 0;
    std::string key;
    std::optional<T> row;  // nothing: it went
  };
  struct RowChangePage {
    bool too_old = false;
    std::vector<RowChange> changes;
    std::uint64_t next = 0;
  };
  /// StateStore::Changes() of this table, decoded.
  Result<RowChangePage> Changes(std::uint64_t after, std::size_t max_batches = 0) const {
    VEDETTE_TRY(const ChangePage page, store_.Changes(name_, after, max_batches));
    RowChangePage out{page.too_old, {}, page.next};
    for (const StateChanges& batch : page.batches) {
      for (const StateBatch::Change& change : batch.changes) {
        std::optional<T> row;
        if (change.value) {
          auto decoded = Codec::Decode(*change.value);
          if (!decoded) return Annotate("table " + name_ + ", key " + change.key, std::move(decoded).error());
          row = *std::move(decoded);
        }
        out.changes.push_back({batch.sequence, change.key, std::move(row)});
      }
    }
    return out;
  }

  /// All rows whose key starts with `prefix`, in key order. A row that cannot be decoded is an error, not skipped.
  Result<std::vector<std::pair<std::string, T>>> All(std::string_view prefix = {}) const {
    std::vector<std::pair<std::string, T>> rows;
    std::optional<Error> problem;
    VEDETTE_CHECK(store_.Scan(name_, prefix, [&](std::string_view key, std::string_view value) {
      auto row = Codec::Decode(value);
      if (!row) {
        problem = Annotate("table " + name_ + ", key " + std::string(key), std::move(row).error());
        return false;
      }
      rows.emplace_back(std::string(key), *std::move(row));
      return true;
    }));
    if (problem) return *std::move(problem);
    return rows;
  }

 private:
  StateStore& store_;
  std::string name_;
};

}  // namespace vedette::storage
