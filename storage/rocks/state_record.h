// A batch of the state tables as it is kept for subscribers (docs/storage_format.md, "state").
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "storage/state.h"

namespace vedette::storage {

std::string EncodeStateChanges(const std::vector<StateBatch::Change>& changes);
/// Errors: kCorruption.
Result<std::vector<StateBatch::Change>> DecodeStateChanges(std::string_view bytes);

}  // namespace vedette::storage
