// Gzip and zlib streams with a limit on what comes out: for HTTP bodies in both directions. See also Gzip() and
// Gunzip() in core/http_client.h.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "core/result.h"

namespace vedette {

/// How a compressed stream is framed.
enum class ZFormat { kGzip, kZlib };

/// Decompresses gzip piece by piece; several members one after another are one text, as RFC 1952 has it.
/// Not thread-safe. Memory: about 50 KiB plus what is appended.
class GzipReader {
 public:
  /// `max_bytes`: limit of the text over the whole stream.
  explicit GzipReader(std::size_t max_bytes);
  ~GzipReader();
  GzipReader(GzipReader&&) noexcept;
  GzipReader& operator=(GzipReader&&) noexcept;

  /// Appends what `compressed` yields to `out`. Errors: kBadData when damaged, kLimit when the text would exceed
  /// `max_bytes`; nothing can be read after an error.
  Status Read(std::string_view compressed, std::string& out);
  /// Errors: kBadData when the stream is cut short.
  Status Finish() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// `level` 1 (fast) to 9 (small).
std::string Compress(std::string_view text, ZFormat format, int level);

}  // namespace vedette
