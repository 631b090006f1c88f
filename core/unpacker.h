// Packed HTTP bodies, read piece by piece with a limit on what comes out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"

namespace vedette {

/// Content codings of HTTP that are read.
enum class Packing : std::uint8_t { kGzip, kDeflate, kZstd };

/// The packing that a Content-Encoding names, in lower case and without blanks ("gzip", "x-gzip", "deflate", "zstd").
std::optional<Packing> PackingNamed(std::string_view content_coding);

/// What unpacking takes beside the text, at most.
constexpr std::size_t UnpackingBytes(Packing packing) {
  return packing == Packing::kZstd ? std::size_t{9} << 20 : std::size_t{50} << 10;
}

/// Unpacks a stream. Several gzip members or zstd frames one after another are one text (RFC 1952, RFC 8878); deflate
/// is read with zlib's frame, as HTTP means it, and without, as some send it. Not thread-safe. Memory:
/// UnpackingBytes() plus what is appended.
class Unpacker {
 public:
  /// `max_bytes`: limit of the text over the whole stream.
  Unpacker(Packing packing, std::size_t max_bytes);
  ~Unpacker();
  Unpacker(Unpacker&&) noexcept;
  Unpacker& operator=(Unpacker&&) noexcept;

  /// Appends what `packed` yields to `out`. Errors: kBadData when damaged, kLimit when the text would exceed
  /// `max_bytes`, or says that it will; nothing can be read after an error.
  Status Read(std::string_view packed, std::string& out);
  /// Errors: kBadData when the stream is cut short.
  Status Finish() const;

  class Stream;

 private:
  std::unique_ptr<Stream> stream_;
};

}  // namespace vedette
