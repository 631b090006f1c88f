#include "collector/probe/body.h"

#include <zlib.h>

#include <algorithm>

#include "core/http_client.h"

namespace vedette::collector {
namespace {

Result<std::string> InflateRaw(std::string_view body, std::size_t max_bytes) {
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return Fail(Code::kIo, "zlib does not start");
  stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(body.data()));  // zlib does not write there
  stream.avail_in = static_cast<uInt>(body.size());
  std::string out;
  int code = Z_OK;
  while (code == Z_OK && out.size() <= max_bytes) {
    constexpr std::size_t kStep = 64 << 10;
    const std::size_t used = out.size();
    out.resize(used + kStep);
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + used);
    stream.avail_out = kStep;
    code = inflate(&stream, Z_NO_FLUSH);
    out.resize(used + kStep - stream.avail_out);
  }
  inflateEnd(&stream);
  if (out.size() > max_bytes) return Fail(Code::kLimit, "http: response body too large");
  if (code != Z_STREAM_END) return Fail(Code::kBadData, "flate: corrupt input");
  return out;
}

}  // namespace

Result<std::string> DecompressedBody(std::string_view algorithm, const std::string& body, std::size_t max_bytes) {
  if (algorithm == "gzip") return Gunzip(body, max_bytes);
  if (algorithm == "deflate") return InflateRaw(body, max_bytes);
  return body;
}

}  // namespace vedette::collector
