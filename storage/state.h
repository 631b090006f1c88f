// Durable tables for the other parts: alert states, incidents, the outbox, models. Small rows, few writes, never lost.
//
// Rows live in a table under a text key, ordered by key. A batch is atomic across tables and synced to the disk before
// Write() returns: who was told "accepted" can rely on it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.h"

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

/// Thread-safe. Table names are short constants of [a-z_]; keys are any bytes.
class StateStore {
 public:
  virtual ~StateStore() = default;

  /// All or nothing, durable on return. Errors: kIo, kUnavailable.
  virtual Status Write(const StateBatch& batch) = 0;
  virtual Result<std::optional<std::string>> Get(std::string_view table, std::string_view key) const = 0;
  /// Calls `row` for each key that starts with `prefix`, in order, until it returns false.
  virtual Status Scan(std::string_view table, std::string_view prefix,
                      const std::function<bool(std::string_view key, std::string_view value)>& row) const = 0;
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
