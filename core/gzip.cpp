#include "core/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <cstdlib>
#include <limits>

#include "core/http_client.h"

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

struct GzipReader::Impl {
  z_stream stream{};
  std::size_t produced = 0;
  std::size_t max_bytes = 0;
  bool member_open = true;  // the trailer of the current member has not been seen

  explicit Impl(std::size_t limit) : max_bytes(limit) {
    if (inflateInit2(&stream, kGzipWindow) != Z_OK) std::abort();  // out of memory or another zlib than compiled for
  }
  ~Impl() { inflateEnd(&stream); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  /// One call of inflate() into freshly grown space at the end of `out`; one byte more than the limit is asked for,
  /// which is how an excess shows.
  int Step(std::string& out) {
    const std::size_t room =
        std::min(std::max(kMinGrowth, std::size_t{stream.avail_in} * kUsualRatio), max_bytes - produced + 1);
    const std::size_t before = out.size();
    out.resize(before + room);
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + before);
    stream.avail_out = Clamp(room);
    const uInt asked = stream.avail_out;
    const int code = inflate(&stream, Z_NO_FLUSH);
    const std::size_t got = asked - stream.avail_out;
    produced += got;
    out.resize(before + got);
    return code;
  }
};

GzipReader::GzipReader(std::size_t max_bytes)
    : impl_(std::make_unique<Impl>(std::min(max_bytes, std::numeric_limits<std::size_t>::max() / 2))) {}
GzipReader::~GzipReader() = default;
GzipReader::GzipReader(GzipReader&&) noexcept = default;
GzipReader& GzipReader::operator=(GzipReader&&) noexcept = default;

Status GzipReader::Read(std::string_view compressed, std::string& out) {
  z_stream& stream = impl_->stream;
  while (!compressed.empty()) {
    stream.next_in = Input(compressed);
    stream.avail_in = Clamp(compressed.size());
    const uInt offered = stream.avail_in;
    if (!impl_->member_open) {
      inflateReset(&stream);
      impl_->member_open = true;
    }
    for (;;) {
      const int code = impl_->Step(out);
      if (impl_->produced > impl_->max_bytes) {
        return Fail(Code::kLimit, "decompressed text exceeds {} bytes", impl_->max_bytes);
      }
      if (code == Z_STREAM_END) {
        impl_->member_open = false;
        break;
      }
      if (code == Z_BUF_ERROR) break;  // the input is used up
      if (code != Z_OK) {
        return Fail(Code::kBadData, "damaged gzip stream: {}", stream.msg == nullptr ? "no reason given" : stream.msg);
      }
      if (stream.avail_in == 0 && stream.avail_out > 0) break;
    }
    compressed.remove_prefix(offered - stream.avail_in);
  }
  return Ok();
}

Status GzipReader::Finish() const {
  if (impl_->member_open) return Fail(Code::kBadData, "gzip stream is cut short");
  return Ok();
}

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
  GzipReader reader(max_bytes);
  std::string out;
  VEDETTE_CHECK(reader.Read(compressed, out));
  VEDETTE_CHECK(reader.Finish());
  return out;
}

std::string Gzip(std::string_view text, int level) { return Compress(text, ZFormat::kGzip, level); }

}  // namespace vedette
