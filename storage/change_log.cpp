#include "storage/change_log.h"

#include <algorithm>

namespace vedette::storage {
namespace {

/// Changes that begin within so many milliseconds are one note.
constexpr std::uint64_t kNear = 1000;
/// Beyond so many notes every second one is joined with its neighbour.
constexpr std::size_t kMostNotes = 1024;

}  // namespace

ChangeLog::Change::Change(ChangeLog& log, TimeMs from) : log_(log), from_(from) {
  const std::lock_guard lock(log_.mutex_);
  log_.under_way_.push_back(from_);
}

ChangeLog::Change::~Change() {
  const std::lock_guard lock(log_.mutex_);
  std::vector<TimeMs>& under_way = log_.under_way_;
  *std::ranges::find(under_way, from_) = under_way.back();
  under_way.pop_back();
  log_.NoteOver(from_);
}

void ChangeLog::NoteOver(TimeMs from) {
  ++number_;
  while (!notes_.empty() && notes_.back().from >= from) notes_.pop_back();
  // Ascending, so that the difference is not negative; as unsigned numbers it always fits.
  if (!notes_.empty() &&
      static_cast<std::uint64_t>(from.ms) - static_cast<std::uint64_t>(notes_.back().from.ms) < kNear) {
    notes_.back().number = number_;
    return;
  }
  notes_.push_back({number_, from});
  if (notes_.size() <= kMostNotes) return;
  // The earlier time with the later number.
  std::size_t kept = 0;
  for (std::size_t i = 0; i + 1 < notes_.size(); i += 2) notes_[kept++] = {notes_[i + 1].number, notes_[i].from};
  if (notes_.size() % 2 != 0) notes_[kept++] = notes_.back();
  notes_.resize(kept);
}

std::uint64_t ChangeLog::Now() const {
  const std::lock_guard lock(mutex_);
  return number_;
}

TimeMs ChangeLog::ChangedSince(std::uint64_t number) const {
  const std::lock_guard lock(mutex_);
  const auto first = std::ranges::upper_bound(notes_, number, {}, &Note::number);
  TimeMs earliest = first == notes_.end() ? TimeMs::Max() : first->from;
  for (const TimeMs from : under_way_) earliest = std::min(earliest, from);
  return earliest;
}

}  // namespace vedette::storage
