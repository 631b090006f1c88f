// The status line and headers of an answer, and what they say about its body.
#pragma once

#include <string>

#include "core/time.h"
#include "dashboards/http/message.h"

namespace vedette::dashboards {

/// Control characters in header values become blanks, so that nothing a handler repeats can split the answer.
/// `close`: the connection ends with this answer. A body that comes in pieces is sent in chunks, or, with `close`,
/// until the end of the connection when `chunks` is false.
std::string ResponseHead(const Response& response, TimeMs now, bool close, bool chunks = true);

/// False for statuses that never have a body (204, 304).
bool MayHaveBody(int status);

}  // namespace vedette::dashboards
