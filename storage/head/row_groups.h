// All groups of the head, and the numbers by which the journal names them and their blocks.
//
// A group is named by pointer from its series. It is freed only while no commit is on its way and the series table is
// locked, so that whoever holds either may use such a pointer.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "storage/head/row_group.h"

namespace vedette::storage {

class RowGroups {
 public:
  RowGroup& Create();
  /// By number, ascending.
  std::vector<RowGroup*> All() const;
  void Erase(const RowGroup& group);

  // While the journal is replayed.
  /// The group of that number, made when it is not there.
  RowGroup& Restore(std::uint64_t number);
  void NoteBlock(std::uint64_t number) {
    if (number >= next_block_) next_block_ = number + 1;
  }

 private:
  mutable std::mutex mutex_;
  std::uint64_t next_group_ = 1;
  std::atomic<std::uint64_t> next_block_{1};
  std::map<std::uint64_t, std::unique_ptr<RowGroup>> groups_;
};

}  // namespace vedette::storage
