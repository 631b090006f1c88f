// Files that a module names: passwords, tokens, bodies. For worker threads.
#pragma once

#include <cstddef>
#include <string>

#include "core/result.h"

namespace vedette::collector {

/// Errors: kIo for what cannot be read or is no regular file, kLimit for more than `max_bytes`.
Result<std::string> ReadProbeFile(const std::string& path, std::size_t max_bytes);
/// Without the line breaks at its end.
Result<std::string> ReadProbeSecret(const std::string& path);

}  // namespace vedette::collector
