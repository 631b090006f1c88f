#include <map>
#include <mutex>

#include "storage/memory/memory_storage.h"

namespace vedette::storage {
namespace {

class MemoryStateStore final : public StateStore {
 public:
  Status Write(const StateBatch& batch) override {
    const std::lock_guard lock(mutex_);
    for (const StateBatch::Change& change : batch.changes()) {
      const std::pair key(change.table, change.key);
      if (change.value) {
        rows_[key] = *change.value;
      } else {
        rows_.erase(key);
      }
    }
    return Ok();
  }

  Result<std::optional<std::string>> Get(std::string_view table, std::string_view key) const override {
    const std::lock_guard lock(mutex_);
    const auto row = rows_.find(std::pair(std::string(table), std::string(key)));
    return row == rows_.end() ? std::nullopt : std::optional(row->second);
  }

  Status Scan(std::string_view table, std::string_view prefix,
              const std::function<bool(std::string_view, std::string_view)>& row) const override {
    std::vector<std::pair<std::string, std::string>> found;  // a copy: `row` may call the store
    {
      const std::lock_guard lock(mutex_);
      for (auto at = rows_.lower_bound(std::pair(std::string(table), std::string(prefix)));
           at != rows_.end() && at->first.first == table && at->first.second.starts_with(prefix); ++at) {
        found.emplace_back(at->first.second, at->second);
      }
    }
    for (const auto& [key, value] : found) {
      if (!row(key, value)) break;
    }
    return Ok();
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, std::string> rows_;
};

}  // namespace

std::unique_ptr<StateStore> NewMemoryStateStore() { return std::make_unique<MemoryStateStore>(); }

}  // namespace vedette::storage
