#include "core/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <cstdlib>
#include <limits>

#include "core/http_client.h"
#include "core/unpacker.h"

namespace vedette {
namespace {

constexpr int kGzipWindow = 15 + 16;  // zlib's way to ask for the gzip frame
constexpr int kZlibWindow = 15;
constexpr int kMemoryLevel = 8;
constexpr std::size_t kMinGrowth = 16 << 10;
/// The size of a first output buffer relative to the input: metrics text shrinks about tenfold.
constexpr std::size_t kUsualRatio = 8;

Bytef* Input(std::string_view text) {
  return const_cast<Bytef*>(reinterpret_cast<const Bytef*>(text.data()));  // zlib does not write there
}

uInt Clamp(std::size_t size) {
  return static_cast<uInt>(std::min<std::size_t>(size, std::numeric_limits<uInt>::max()));
}

}  // namespace

std::string Compress(std::string_view text, ZFormat format, int level) {
  z_stream stream{};
  const int window = format == ZFormat::kGzip ? kGzipWindow : kZlibWindow;
  if (deflateInit2(&stream, level, Z_DEFLATED, window, kMemoryLevel, Z_DEFAULT_STRATEGY) != Z_OK) std::abort();
  std::string out;
  int code = Z_OK;
  do {
    if (stream.avail_in == 0 && !text.empty()) {
      stream.next_in = Input(text);
      stream.avail_in = Clamp(text.size());
      text.remove_prefix(stream.avail_in);
    }
    const std::size_t before = out.size();
    const std::size_t room = std::max(kMinGrowth, std::size_t{stream.avail_in} / kUsualRatio);
    out.resize(before + room);
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + before);
    stream.avail_out = Clamp(room);
    const uInt asked = stream.avail_out;
    code = deflate(&stream, text.empty() ? Z_FINISH : Z_NO_FLUSH);
    out.resize(before + (asked - stream.avail_out));
  } while (code != Z_STREAM_END);
  deflateEnd(&stream);
  return out;
}

Result<std::string> Gunzip(std::string_view compressed, std::size_t max_bytes) {
  Unpacker reader(Packing::kGzip, max_bytes);
  std::string out;
  VEDETTE_CHECK(reader.Read(compressed, out));
  VEDETTE_CHECK(reader.Finish());
  return out;
}

std::string Gzip(std::string_view text, int level) { return Compress(text, ZFormat::kGzip, level); }

}  // namespace vedette
