#include "collector/scrape/line_cache.h"

#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <random>

namespace vedette::collector {
namespace {

std::uint64_t HashText(std::string_view text) {
  return XXH3_64bits_withSeed(text.data(), text.size(), LineCache::Seed());
}

}  // namespace

std::uint64_t LineCache::Seed() {
  static const std::uint64_t seed = (std::uint64_t{std::random_device{}()} << 32) | std::random_device{}();
  return seed;
}

LineCache::Key LineCache::KeyOf(std::string_view text) {
  return {HashText(text), static_cast<std::uint32_t>(text.size())};
}

void LineCache::Begin() {
  cursor_ = 0;
  known_ = lines_.size();
  diverged_ = false;
  any_fresh_ = false;
}

LineCache::Line* LineCache::AtCursor() {
  while (diverged_ && cursor_ < known_ && lines_[cursor_].seen) ++cursor_;
  if (cursor_ >= known_) return nullptr;
  // Off the old order the first of two equal lines may be missing: only Find() can tell.
  if (diverged_ && lines_[cursor_].repeated) return nullptr;
  return &lines_[cursor_];
}

LineCache::Line* LineCache::Expected(std::string_view rest) {
  Line* const line = AtCursor();
  if (line == nullptr || rest.size() < line->length) return nullptr;
  return HashText(rest.substr(0, line->length)) == line->hash ? line : nullptr;
}

LineCache::Line* LineCache::Expected(const Key& key) {
  Line* const line = AtCursor();
  return line != nullptr && line->hash == key.hash && line->length == key.length ? line : nullptr;
}

void LineCache::Advance() {
  if (diverged_) {
    lines_[cursor_].seen = true;
    order_.push_back(static_cast<std::uint32_t>(cursor_));
  }
  ++cursor_;
}

LineCache::Line* LineCache::Find(const Key& key) {
  if (!diverged_) Diverge();
  const std::uint32_t index = Slot(key);
  if (index == kNothing) return nullptr;
  Line& line = lines_[index];
  if (line.seen) {
    Line copy = line;
    copy.repeated = true;
    copy.live = copy.fresh = false;
    return Append(copy);
  }
  line.seen = true;
  order_.push_back(index);
  if (index < known_) cursor_ = index + 1;
  return &line;
}

LineCache::Line& LineCache::Add(const Key& key, bool is_comment, MetricType type) {
  if (!diverged_) Diverge();
  if (lines_.size() * 2 >= table_.size()) Grow();
  Line line;
  line.hash = key.hash;
  line.length = key.length;
  line.is_comment = is_comment;
  line.type = type;
  line.seen = true;
  Slot(key) = static_cast<std::uint32_t>(lines_.size());
  return *Append(line);
}

LineCache::Line* LineCache::Append(const Line& line) {
  order_.push_back(static_cast<std::uint32_t>(lines_.size()));
  lines_.push_back(line);
  return &lines_.back();
}

void LineCache::Finish(const Gone& gone) {
  if (diverged_) {
    TakeNewOrder(gone);
  } else {
    for (std::size_t i = cursor_; i < known_; ++i) {
      if (lines_[i].live) gone(lines_[i]);
    }
    lines_.resize(cursor_);
  }
  good_ = lines_.size();
  if (!any_fresh_) return;
  for (Line& line : lines_) {
    line.live = line.live || line.fresh;
    line.fresh = false;
  }
}

void LineCache::TakeNewOrder(const Gone& gone) {
  for (const Line& line : lines_) {
    if (!line.seen && line.live) gone(line);
  }
  std::vector<Line> next;
  next.reserve(order_.size());
  for (const std::uint32_t index : order_) {
    next.push_back(lines_[index]);
    next.back().seen = false;
  }
  lines_ = std::move(next);
  DropTable();
}

void LineCache::Abandon(const Gone& gone) {
  constexpr std::size_t kSpare = 1000;
  if (lines_.size() > 2 * good_ + kSpare) {  // of a target that fails with other lines each time
    lines_.resize(good_);
  } else {
    const auto added = lines_.begin() + static_cast<std::ptrdiff_t>(known_);
    lines_.erase(std::remove_if(added, lines_.end(), [](const Line& line) { return line.repeated; }), lines_.end());
  }
  DropTable();
  diverged_ = false;
  for (Line& line : lines_) {
    if (line.live) gone(line);
    line.live = line.fresh = line.seen = false;
    line.start = 0;
  }
}

void LineCache::Clear(const Gone& gone) {
  known_ = lines_.size();
  Abandon(gone);
  lines_ = std::vector<Line>();
  good_ = 0;
}

/// Gives the memory back, which assigning {} would not: it is as much as that of the lines.
void LineCache::DropTable() {
  order_ = std::vector<std::uint32_t>();
  table_ = std::vector<std::uint32_t>();
}

/// Leaves the beaten track: what was read so far is the beginning of the new order.
void LineCache::Diverge() {
  diverged_ = true;
  order_.clear();
  order_.reserve(lines_.size() + 16);
  for (std::size_t i = 0; i < cursor_; ++i) {
    lines_[i].seen = true;
    order_.push_back(static_cast<std::uint32_t>(i));
  }
  Grow();
}

/// Builds the table for all lines with room for as many again.
void LineCache::Grow() {
  table_.assign(std::bit_ceil(lines_.size() * 4 + 64), kNothing);
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    std::uint32_t& slot = Slot({lines_[i].hash, lines_[i].length});
    if (slot == kNothing) slot = static_cast<std::uint32_t>(i);
  }
}

std::uint32_t& LineCache::Slot(const Key& key) {
  const std::size_t mask = table_.size() - 1;
  for (std::size_t at = key.hash & mask;; at = (at + 1) & mask) {
    const std::uint32_t index = table_[at];
    if (index == kNothing || Key{lines_[index].hash, lines_[index].length} == key) return table_[at];
  }
}

}  // namespace vedette::collector
