#include "core/unpacker.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <limits>
#include <utility>

namespace vedette {
namespace {

constexpr std::size_t kMinGrowth = 16 << 10;
/// The size of a first output buffer relative to the input: metrics text shrinks about tenfold.
constexpr std::size_t kUsualRatio = 8;
/// The window that RFC 8878 asks every reader to support; a larger one is memory that the sender chooses.
constexpr int kZstdWindowLog = 23;

constexpr std::array<std::pair<std::string_view, Packing>, 4> kNames = {
    {{"gzip", Packing::kGzip}, {"x-gzip", Packing::kGzip}, {"deflate", Packing::kDeflate}, {"zstd", Packing::kZstd}}};

}  // namespace

std::optional<Packing> PackingNamed(std::string_view content_coding) {
  const auto* const found = std::ranges::find(kNames, content_coding, &std::pair<std::string_view, Packing>::first);
  return found == kNames.end() ? std::nullopt : std::optional(found->second);
}

/// What both libraries have in common: growing the text, and its limit.
class Unpacker::Stream {
 public:
  explicit Stream(std::size_t max_bytes)
      : max_bytes_(std::min(max_bytes, std::numeric_limits<std::size_t>::max() / 2)) {}
  virtual ~Stream() = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  virtual Status Read(std::string_view packed, std::string& out) = 0;
  virtual Status Finish() const = 0;

 protected:
  struct Space {
    char* begin = nullptr;
    std::size_t size = 0;
  };

  /// Room at the end of `out` for what `packed` bytes may yield. One byte more than the limit is asked for, which is
  /// how an excess shows.
  Space Grow(std::string& out, std::size_t packed) {
    const std::size_t room = std::min(std::max(kMinGrowth, packed * kUsualRatio), max_bytes_ - produced_ + 1);
    const std::size_t before = out.size();
    out.resize(before + room);
    return {out.data() + before, room};
  }
  /// Gives back what of the `space` was not used.
  Status Settle(std::string& out, const Space& space, std::size_t used) {
    out.resize(out.size() - (space.size - used));
    produced_ += used;
    return produced_ > max_bytes_ ? TooLong() : Ok();
  }
  Status CheckDeclared(unsigned long long bytes) const { return bytes > max_bytes_ - produced_ ? TooLong() : Ok(); }

 private:
  Status TooLong() const { return Fail(Code::kLimit, "decompressed text exceeds {} bytes", max_bytes_); }

  const std::size_t max_bytes_;
  std::size_t produced_ = 0;
};

namespace {

class ZlibStream final : public Unpacker::Stream {
 public:
  ZlibStream(Packing packing, std::size_t max_bytes) : Stream(max_bytes), packing_(packing) {
    constexpr int kGzipWindow = MAX_WBITS + 16;  // zlib's way to ask for the gzip frame
    // Out of memory, or another zlib than compiled for.
    if (inflateInit2(&stream_, packing == Packing::kGzip ? kGzipWindow : MAX_WBITS) != Z_OK) std::abort();
  }
  ~ZlibStream() override { inflateEnd(&stream_); }

  Status Read(std::string_view packed, std::string& out) override {
    if (packing_ == Packing::kGzip || head_.size() == kHeadBytes) return Inflate(packed, out);
    const std::size_t taken = std::min(packed.size(), kHeadBytes - head_.size());
    head_.append(packed.substr(0, taken));
    if (head_.size() < kHeadBytes) return Ok();
    const int first = static_cast<unsigned char>(head_[0]), second = static_cast<unsigned char>(head_[1]);
    const bool framed = (first & 0x0f) == Z_DEFLATED && (first * 256 + second) % 31 == 0;
    if (!framed) inflateReset2(&stream_, -MAX_WBITS);
    VEDETTE_CHECK(Inflate(head_, out));
    return Inflate(packed.substr(taken), out);
  }

  Status Finish() const override {
    if (member_open_) return Fail(Code::kBadData, "{} stream is cut short", Name());
    return Ok();
  }

 private:
  static constexpr std::size_t kHeadBytes = 2;  // of zlib's frame

  Status Inflate(std::string_view packed, std::string& out) {
    while (!packed.empty()) {
      if (!member_open_) {
        if (packing_ == Packing::kDeflate) return Fail(Code::kBadData, "damaged deflate stream: bytes behind its end");
        inflateReset(&stream_);
        member_open_ = true;
      }
      const uInt offered = Clamp(packed.size());
      stream_.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(packed.data()));  // zlib does not write there
      stream_.avail_in = offered;
      VEDETTE_CHECK(Drain(out));
      packed.remove_prefix(offered - stream_.avail_in);
    }
    return Ok();
  }

  /// Until the input is used up or the member ends.
  Status Drain(std::string& out) {
    for (;;) {
      const Space space = Grow(out, stream_.avail_in);
      const uInt room = Clamp(space.size);
      stream_.next_out = reinterpret_cast<Bytef*>(space.begin);
      stream_.avail_out = room;
      const int code = inflate(&stream_, Z_NO_FLUSH);
      VEDETTE_CHECK(Settle(out, space, room - stream_.avail_out));
      if (code == Z_STREAM_END) {
        member_open_ = false;
        return Ok();
      }
      if (code == Z_BUF_ERROR) return Ok();  // the input is used up
      if (code != Z_OK) {
        return Fail(Code::kBadData, "damaged {} stream: {}", Name(),
                    stream_.msg == nullptr ? "no reason given" : stream_.msg);
      }
      if (stream_.avail_in == 0 && stream_.avail_out > 0) return Ok();
    }
  }

  std::string_view Name() const { return packing_ == Packing::kGzip ? "gzip" : "deflate"; }
  static uInt Clamp(std::size_t size) {
    return static_cast<uInt>(std::min<std::size_t>(size, std::numeric_limits<uInt>::max()));
  }

  const Packing packing_;
  std::string head_;  // of deflate: it tells whether there is a frame
  z_stream stream_{};
  bool member_open_ = true;  // its end has not been seen
};

class ZstdStream final : public Unpacker::Stream {
 public:
  explicit ZstdStream(std::size_t max_bytes) : Stream(max_bytes), context_(ZSTD_createDCtx()) {
    if (context_ == nullptr) std::abort();  // out of memory
    ZSTD_DCtx_setParameter(context_, ZSTD_d_windowLogMax, kZstdWindowLog);
  }
  ~ZstdStream() override { ZSTD_freeDCtx(context_); }

  Status Read(std::string_view packed, std::string& out) override {
    ZSTD_inBuffer input{packed.data(), packed.size(), 0};
    bool full = true;  // there may be more text than there was room for
    while (input.pos < input.size || full) {
      if (at_start_ && input.pos == input.size) break;
      if (at_start_) VEDETTE_CHECK(CheckFrame(packed.substr(input.pos)));
      const Space space = Grow(out, input.size - input.pos);
      ZSTD_outBuffer output{space.begin, space.size, 0};
      const std::size_t left = ZSTD_decompressStream(context_, &output, &input);
      VEDETTE_CHECK(Settle(out, space, output.pos));
      if (ZSTD_isError(left) != 0) return Fail(Code::kBadData, "damaged zstd stream: {}", ZSTD_getErrorName(left));
      at_start_ = left == 0;
      full = !at_start_ && output.pos == output.size;
      seen_ = true;
    }
    return Ok();
  }

  Status Finish() const override {
    if (!seen_ || !at_start_) return Fail(Code::kBadData, "zstd stream is cut short");
    return Ok();
  }

 private:
  /// `packed`: the start of a frame, if it is all here.
  Status CheckFrame(std::string_view packed) const {
    const unsigned long long declared = ZSTD_getFrameContentSize(packed.data(), packed.size());
    if (declared == ZSTD_CONTENTSIZE_UNKNOWN || declared == ZSTD_CONTENTSIZE_ERROR) return Ok();
    return CheckDeclared(declared);
  }

  ZSTD_DCtx* const context_;
  bool at_start_ = true;  // of a frame
  bool seen_ = false;
};

std::unique_ptr<Unpacker::Stream> NewStream(Packing packing, std::size_t max_bytes) {
  if (packing == Packing::kZstd) return std::make_unique<ZstdStream>(max_bytes);
  return std::make_unique<ZlibStream>(packing, max_bytes);
}

}  // namespace

Unpacker::Unpacker(Packing packing, std::size_t max_bytes) : stream_(NewStream(packing, max_bytes)) {}
Unpacker::~Unpacker() = default;
Unpacker::Unpacker(Unpacker&&) noexcept = default;
Unpacker& Unpacker::operator=(Unpacker&&) noexcept = default;

Status Unpacker::Read(std::string_view packed, std::string& out) { return stream_->Read(packed, out); }
Status Unpacker::Finish() const { return stream_->Finish(); }

}  // namespace vedette
