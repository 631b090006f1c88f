#include "collector/remote/send_limits.h"

#include <algorithm>

namespace vedette::collector {
namespace {

/// A backlog that is not worth losing for the sake of the disk: about what the head keeps of the journal anyway.
constexpr std::uint64_t kTooLittle = 64 << 20;
/// An end that says nothing for so long while we stop is not waited for.
constexpr std::chrono::seconds kMostSilence{10};
/// Before that the speed of a flush says little: an end may take seconds for a request.
constexpr std::chrono::seconds kLearnSpeed{10};

}  // namespace

std::uint64_t BacklogMost(std::uint64_t bytes, std::int64_t room, std::size_t limit) {
  std::uint64_t most = limit == 0 ? UINT64_MAX : limit;
  if (room < 0) {
    const std::uint64_t gives = ~static_cast<std::uint64_t>(room) + 1;
    most = std::min(most, std::max(kTooLittle, bytes - std::min(bytes, gives)));
  }
  return most;
}

bool FlushWatch::GoesOn(Span now, std::uint64_t commits, Span last_success) const {
  if (now - std::max(began_, last_success) > kMostSilence) return false;
  const Span spent = now - began_;
  if (spent < kLearnSpeed || commits == 0) return true;
  if (commits >= commits_) return false;
  const double needs =
      static_cast<double>(spent.count()) * static_cast<double>(commits) / static_cast<double>(commits_ - commits);
  return needs <= static_cast<double>((limit_ - spent).count());
}

}  // namespace vedette::collector
