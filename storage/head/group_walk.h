// Unsealed rows for one who reads one series after the other: neighbours are decoded together, at a third of the cost.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "storage/head/row_group.h"

namespace vedette::storage {

/// Of one thread and one view.
class GroupWalk {
 public:
  /// As RowGroup::Read().
  void Read(const RowGroup& group, std::size_t column, HeadView view, TimeRange range, Columns& out);

 private:
  std::uint64_t group_ = 0;  // number of the last call's; 0: there was none. Groups come and go, numbers do not return
  std::size_t column_ = 0;
  std::size_t neighbours_ = 0;  // so many calls up to the last were close behind the one before
  // What is decoded.
  bool filled_ = false;
  std::size_t block_ = 0;
  TimeRange range_;
  std::vector<Columns> columns_;
};

}  // namespace vedette::storage
