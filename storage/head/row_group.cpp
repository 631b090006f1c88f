#include "storage/head/row_group.h"

#include <algorithm>
#include <cassert>

namespace vedette::storage {

std::uint16_t RowGroup::AddColumn(SeriesId id) {
  assert(ids_.size() < kMaxRowColumns);
  has_last_ = false;
  const std::lock_guard lock(mutex_);
  ids_.push_back(id);
  return static_cast<std::uint16_t>(ids_.size() - 1);
}

void RowGroup::ForgetColumn(std::uint16_t column) {
  const std::lock_guard lock(mutex_);
  ids_[column] = SeriesId::kNone;
}

std::size_t RowGroup::MatchLast(std::span<const SeriesId> ids) const {
  if (!has_last_ || ids.size() < last_values_) return 0;
  if (order_.empty()) {
    return std::equal(ids_.begin(), ids_.begin() + static_cast<std::ptrdiff_t>(last_values_), ids.begin())
               ? last_values_
               : 0;
  }
  for (std::size_t i = 0; i < order_.size(); ++i) {
    if (ids_[order_[i]] != ids[i]) return 0;
  }
  return order_.size();
}

void RowGroup::DraftLast(TimeMs time, std::span<const double> values, std::uint64_t commit_hint, RowDrafts& out) {
  if (order_.empty()) return Code(time, values, {}, values.size(), commit_hint, out);
  thread_local std::vector<double> by_column;
  by_column.resize(ids_.size());
  for (std::size_t i = 0; i < order_.size(); ++i) by_column[order_[i]] = values[i];
  Code(time, by_column, order_present_, values.size(), commit_hint, out);
}

void RowGroup::Draft(TimeMs time, std::span<const std::uint16_t> columns, std::span<const double> values,
                     std::uint64_t commit_hint, RowDrafts& out) {
  const bool all = columns.size() == ids_.size();
  bool in_order = all;
  for (std::size_t i = 0; in_order && i < columns.size(); ++i) in_order = columns[i] == i;
  order_.clear();
  order_present_.clear();
  if (!in_order) order_.assign(columns.begin(), columns.end());
  if (!all) {
    order_present_.resize((ids_.size() + 63) / 64, 0);
    for (const std::uint16_t column : columns) order_present_[column / 64] |= std::uint64_t{1} << (column % 64);
  }
  has_last_ = true;
  DraftLast(time, values, commit_hint, out);
}

void RowGroup::Code(TimeMs time, std::span<const double> by_column, const ColumnBits& present, std::size_t values,
                    std::uint64_t commit_hint, RowDrafts& out) {
  const bool in_reach =
      static_cast<std::uint64_t>(time.ms) - static_cast<std::uint64_t>(block_time_) < kRowBlockReach &&
      commit_hint - block_commit_ < kRowBlockReach;
  RowDraft& draft = out.rows.emplace_back();
  draft.group = this;
  const bool wanted = wants_new_block_.exchange(false, std::memory_order_relaxed);
  draft.opens_block = must_open_ || wanted || !in_reach || block_rows_ >= kMaxBlockRows;
  if (draft.opens_block) {
    block_ = next_block_.fetch_add(1);
    block_time_ = time.ms;
    block_commit_ = commit_hint;
    block_rows_ = segment_rows_ = known_columns_ = 0;
    must_open_ = false;
  }
  const bool key = draft.opens_block || segment_rows_ >= kSegmentRows;
  if (key) segment_rows_ = 0;
  draft.block = block_;
  draft.first_column = known_columns_;
  draft.columns = known_columns_ = static_cast<std::uint32_t>(ids_.size());
  draft.ordinal = block_rows_++;
  ++segment_rows_;
  draft.time = time;
  draft.values = values;
  chains_.Resize(ids_.size());
  draft.begin = out.bytes.size();
  chains_.Encode(by_column, present, key, out.bytes);
  draft.end = out.bytes.size();
  last_time_ = time.ms;
  last_values_ = values;
  refused_.store(0, std::memory_order_relaxed);
}

void RowGroup::Apply(const RowDraft& draft, std::string_view row, std::uint64_t commit) {
  applied_time_ = draft.time.ms;
  const std::lock_guard lock(mutex_);
  if (draft.opens_block) {
    for (Held& held : blocks_) held.open = false;
    if (first_block_ == 0) first_block_ = draft.block;
    blocks_.push_back({std::make_shared<RowBlock>(draft.block), true, 0});
  }
  blocks_.back().block->Append(draft.time, commit, row);
}

void RowGroup::Abort() {
  must_open_ = true;
  has_last_ = false;
  last_time_ = applied_time_;
}

void RowGroup::CloseBlock() {
  must_open_ = true;
  wants_new_block_.store(false, std::memory_order_relaxed);
  const std::lock_guard lock(mutex_);
  for (Held& held : blocks_) held.open = false;
}

void RowGroup::RestoreColumns(std::size_t first, std::span<const SeriesId> ids) {
  ids_.resize(std::max(ids_.size(), first + ids.size()), SeriesId::kNone);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] != SeriesId::kNone) ids_[first + i] = ids[i];
  }
}

RowBlock& RowGroup::RestoreBlock(std::uint64_t number) {
  if (!blocks_.empty()) blocks_.back().block->Trim();
  CloseBlock();
  first_block_ = UINT64_MAX;
  blocks_.push_back({std::make_shared<RowBlock>(number), true, 0});
  return *blocks_.back().block;
}

void RowGroup::FinishRestore() {
  if (blocks_.empty() || !blocks_.back().open || blocks_.back().block->empty()) return;
  RowBlock& block = *blocks_.back().block;
  block.Trim();
  must_open_ = false;
  block_ = block.number();
  block_time_ = block.range().min.ms;
  block_commit_ = block.first_commit();
  block_rows_ = static_cast<std::uint32_t>(block.rows());
  segment_rows_ = kSegmentRows;  // a key row next: it needs no values of before
  known_columns_ = static_cast<std::uint32_t>(ids_.size());
  last_time_ = applied_time_ = block.range().max.ms;
  last_values_ = block.last_samples();
}

void RowGroup::Pin(HeadView view, TimeRange range, std::vector<RowPin>& out) const {
  out.clear();
  const std::lock_guard lock(mutex_);
  for (const Held& held : blocks_) {
    if (held.retired_round == 0 || held.retired_round > view.round) held.block->Pin(range, out);
  }
}

void RowGroup::Read(std::size_t column, HeadView view, TimeRange range, Columns& out) const {
  thread_local std::vector<RowPin> pins;
  Pin(view, range, pins);
  for (const RowPin& pin : pins) pin.Read(column, view.commit, range, out);
  pins.clear();
}

void RowGroup::ReadBlock(std::size_t block, HeadView view, TimeRange range, std::span<Columns> out) const {
  std::vector<RowPin> pins;
  Pin(view, range, pins);
  for (const RowPin& pin : pins) pin.ReadBlock(block, view.commit, range, out);
}

bool RowGroup::Has(std::size_t column, TimeRange range) const {
  thread_local std::vector<RowPin> pins;
  pins.clear();
  {
    const std::lock_guard lock(mutex_);
    for (const Held& held : blocks_) held.block->Pin(range, pins);
  }
  // The newest first: a series that lives is found at once.
  const bool found = std::any_of(pins.rbegin(), pins.rend(), [&](const RowPin& pin) { return pin.Has(column, range); });
  pins.clear();
  return found;
}

bool RowGroup::Find(std::size_t column, TimeMs time, double& value) const {
  thread_local Columns found;
  found.clear();
  Read(column, {UINT64_MAX, 0}, {time, time}, found);
  if (found.size() == 0) return false;
  value = found.values.back();
  return true;
}

RowGroup::Extent RowGroup::extent() const {
  Extent out;
  const std::lock_guard lock(mutex_);
  out.columns = ids_.size();
  out.bytes = sizeof *this + ids_.capacity() * (sizeof(SeriesId) + 9 + sizeof(std::uint16_t));
  for (const Held& held : blocks_) {
    ++out.blocks;
    out.bytes += held.block->allocated_bytes();
    if (held.retired_round != 0) continue;
    const TimeRange range = held.block->range();
    out.rows += held.block->rows();
    out.samples += held.block->samples();
    out.range = {std::min(out.range.min, range.min), std::max(out.range.max, range.max)};
    out.first_commit = std::min(out.first_commit, held.block->first_commit());
    if (!held.open) continue;
    out.open_rows = held.block->rows();
    out.open_columns = held.block->last_samples();
    out.open_range = range;
    out.open_is_first = held.block->number() == first_block_;
  }
  return out;
}

std::vector<std::shared_ptr<const RowBlock>> RowGroup::ClosedBlocks() const {
  std::vector<std::shared_ptr<const RowBlock>> out;
  const std::lock_guard lock(mutex_);
  for (const Held& held : blocks_) {
    if (!held.open && held.retired_round == 0) out.push_back(held.block);
  }
  return out;
}

std::vector<SeriesId> RowGroup::CopyIds() const {
  const std::lock_guard lock(mutex_);
  return ids_;
}

void RowGroup::Retire(std::uint64_t block, std::uint64_t round) {
  const std::lock_guard lock(mutex_);
  if (round == 0) {
    std::erase_if(blocks_, [&](const Held& held) { return held.block->number() == block; });
    return;
  }
  for (Held& held : blocks_) {
    if (held.block->number() == block) held.retired_round = round;
  }
}

bool RowGroup::DropRetired(std::uint64_t oldest_round) {
  const std::lock_guard lock(mutex_);
  std::erase_if(blocks_,
                [&](const Held& held) { return held.retired_round != 0 && held.retired_round <= oldest_round; });
  return std::ranges::none_of(blocks_, [](const Held& held) { return held.retired_round != 0; });
}

bool RowGroup::empty() const {
  const std::lock_guard lock(mutex_);
  return blocks_.empty();
}

}  // namespace vedette::storage
