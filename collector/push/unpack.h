// Bodies that came packed or plain.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "collector/push/intake.h"
#include "core/result.h"

namespace vedette::collector {

/// `plain` views `body`, or `buffer` when the body is unpacked into it: piece by piece, so that memory is charged to
/// the batch as it is taken. `encoding`: a Content-Encoding. Errors: kBadData for another one and for damaged input,
/// kLimit beyond `limit` bytes, and those of the batch.
Status UnpackBody(std::string_view body, std::string_view encoding, std::size_t limit, PushBatch& batch,
                  std::string& buffer, std::string_view& plain);

}  // namespace vedette::collector
