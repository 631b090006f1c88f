#include "storage/head/group_walk.h"

#include <algorithm>

namespace vedette::storage {
namespace {

/// Whoever comes to the third neighbour is taken to go on.
constexpr std::size_t kWalking = 2, kNear = 3;

void AppendAll(const Columns& from, Columns& out) {
  out.times.insert(out.times.end(), from.times.begin(), from.times.end());
  out.values.insert(out.values.end(), from.values.begin(), from.values.end());
}

}  // namespace

void GroupWalk::Read(const RowGroup& group, std::size_t column, HeadView view, TimeRange range, Columns& out) {
  const bool same = group_ == group.number();
  const bool near = same && column > column_ && column - column_ <= kNear;
  neighbours_ = near ? neighbours_ + 1 : 0;
  const std::size_t block = column / kRowBlockColumns;
  filled_ = filled_ && same && block_ == block && range_ == range;
  group_ = group.number();
  column_ = column;
  if (!filled_) {
    if (neighbours_ < kWalking) return group.Read(column, view, range, out);
    columns_.resize(kRowBlockColumns);
    for (Columns& one : columns_) one.clear();
    group.ReadBlock(block, view, range, columns_);
    filled_ = true;
    block_ = block;
    range_ = range;
  }
  AppendAll(columns_[column % kRowBlockColumns], out);
}

}  // namespace vedette::storage
