// How long an end is waited for, and how much may wait for it: the arithmetic of remote_writer.cpp, without its clock.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace vedette::collector {

/// How much of a backlog may stay. `limit`: of the end, 0 for none; `room`: how many bytes more the disk takes,
/// negative when it is to get so many back (FeedReader::RoomBytes).
std::uint64_t BacklogMost(std::uint64_t bytes, std::int64_t room, std::size_t limit);

/// Whether a flush at the end of the process still makes sense. One thread.
class FlushWatch {
 public:
  using Span = std::chrono::nanoseconds;

  /// `commits`: that wait for the end when the flush begins; `limit`: how long it may take.
  FlushWatch(Span now, Span limit, std::uint64_t commits) : began_(now), limit_(limit), commits_(commits) {}

  /// False: what is left goes out after the next start. `commits`: that are not done yet; `last_success`: when the end
  /// last took something.
  bool GoesOn(Span now, std::uint64_t commits, Span last_success) const;

 private:
  const Span began_, limit_;
  const std::uint64_t commits_;
};

}  // namespace vedette::collector
