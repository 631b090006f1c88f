#include "storage/head/row_groups.h"

#include <algorithm>

namespace vedette::storage {

RowGroup& RowGroups::Create() {
  const std::lock_guard lock(mutex_);
  const std::uint64_t number = next_group_++;
  return *(groups_[number] = std::make_unique<RowGroup>(number, next_block_));
}

std::vector<RowGroup*> RowGroups::All() const {
  const std::lock_guard lock(mutex_);
  std::vector<RowGroup*> out;
  out.reserve(groups_.size());
  for (const auto& [number, group] : groups_) out.push_back(group.get());
  return out;
}

void RowGroups::Erase(const RowGroup& group) {
  const std::lock_guard lock(mutex_);
  groups_.erase(group.number());
}

RowGroup& RowGroups::Restore(std::uint64_t number) {
  const std::lock_guard lock(mutex_);
  next_group_ = std::max(next_group_, number + 1);
  auto& group = groups_[number];
  if (!group) group = std::make_unique<RowGroup>(number, next_block_);
  return *group;
}

}  // namespace vedette::storage
