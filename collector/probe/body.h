// Bodies of HTTP replies as they were before they were compressed, and what of them a module finds good or bad. Costs
// CPU time by the megabyte: for worker threads.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "collector/probe/memory.h"
#include "core/result.h"
#include "core/search_regex.h"

namespace vedette::collector {

/// Called with each piece of a text.
using BodyPiece = std::function<Status(std::string_view)>;

/// `algorithm`: gzip, deflate (without a frame, as Go reads it), identity or empty. Errors: kBadData for damaged bytes,
/// kLimit when the text would be larger than `max_bytes`; what `take` says.
Status Decompress(std::string_view algorithm, std::string_view body, std::size_t max_bytes, const BodyPiece& take);
Result<std::string> DecompressedBody(std::string_view algorithm, std::string_view body, std::size_t max_bytes);

/// Owns what it needs: the probe may be over before it is done.
struct BodyTask {
  std::string body, compression;
  std::size_t max_bytes = 0;
  std::vector<SearchRegex> bad, wanted;  // none: the text is only counted
  std::shared_ptr<ProbeShare> memory;
};
struct BodyVerdict {
  Status status;                // whether the body could be read
  std::size_t bytes = 0;        // of the text
  std::string problem, regexp;  // which expression says that it is bad; empty: good
};
BodyVerdict JudgeBody(BodyTask& task);

}  // namespace vedette::collector
