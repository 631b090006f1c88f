// From which time on the samples of a store changed since some moment: whoever keeps answers learns which of them still
// hold. One note per commit, deletion or import, none per sample.
//
// An answer is kept with the number that Now() gave before its querier was made. It holds for what lies before
// ChangedSince(number). A change is under way from before anything of it is visible until after all of it is, so that
// whatever the querier did not see is found later. Thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

#include "core/time.h"

namespace vedette::storage {

class ChangeLog {
 public:
  /// While it lives, samples at `from` and later may come, change or go.
  class Change {
   public:
    Change(ChangeLog& log, TimeMs from);
    ~Change();
    Change(const Change&) = delete;
    Change& operator=(const Change&) = delete;

   private:
    ChangeLog& log_;
    const TimeMs from_;
  };

  /// The number of the last change that is over.
  std::uint64_t Now() const;

  /// The earliest time whose samples may have changed after change number `number`, those under way included. A second
  /// too early at times, and more so for a number of long ago. TimeMs::Max(): none.
  TimeMs ChangedSince(std::uint64_t number) const;

 private:
  struct Note {
    std::uint64_t number = 0;
    TimeMs from;
  };
  void NoteOver(TimeMs from);

  mutable std::mutex mutex_;
  std::uint64_t number_ = 0;
  std::vector<TimeMs> under_way_;
  /// Numbers and times ascend: of several changes those that no later one goes behind.
  std::vector<Note> notes_;
};

}  // namespace vedette::storage
