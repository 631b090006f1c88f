// Gzip and zlib streams for HTTP bodies. core/unpacker.h reads them; see also Gzip() and Gunzip() in
// core/http_client.h.
#pragma once

#include <string>
#include <string_view>

namespace vedette {

/// How a compressed stream is framed.
enum class ZFormat { kGzip, kZlib };

/// `level` 1 (fast) to 9 (small).
std::string Compress(std::string_view text, ZFormat format, int level);

}  // namespace vedette
