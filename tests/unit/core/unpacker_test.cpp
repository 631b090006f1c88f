#include "core/unpacker.h"

#include <string>
#include <string_view>

#include <zstd.h>

#include "core/gzip.h"
#include "core/http_client.h"
#include "tests/support/catch.h"

namespace vedette {
namespace {

std::string Zstd(std::string_view text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

/// With pieces of one size and no declared length.
std::string ZstdStream(std::string_view text) {
  ZSTD_CCtx* const context = ZSTD_createCCtx();
  std::string out(ZSTD_compressBound(text.size()) + 64, '\0');
  ZSTD_inBuffer input{text.data(), text.size(), 0};
  ZSTD_outBuffer output{out.data(), out.size(), 0};
  ZSTD_compressStream2(context, &output, &input, ZSTD_e_continue);
  while (ZSTD_compressStream2(context, &output, &input, ZSTD_e_end) != 0) {
  }
  ZSTD_freeCCtx(context);
  out.resize(output.pos);
  return out;
}

Result<std::string> Unpack(Packing packing, std::string_view packed, std::size_t max_bytes, std::size_t piece) {
  Unpacker unpacker(packing, max_bytes);
  std::string out;
  for (std::size_t at = 0; at < packed.size(); at += piece) VEDETTE_CHECK(unpacker.Read(packed.substr(at, piece), out));
  VEDETTE_CHECK(unpacker.Finish());
  return out;
}

TEST_CASE("packed bodies are read in pieces, in several parts and within their limit", "[http]") {
  const std::string text(300'000, 'x');
  const auto check = [&](Packing packing, const std::string& packed, const std::string& plain) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{2}, std::size_t{1000}, packed.size()}) {
      CHECK(MustHave(Unpack(packing, packed, plain.size(), piece)) == plain);
      CHECK(Unpack(packing, packed, plain.size() - 1, piece).error().code == Code::kLimit);
      CHECK(Unpack(packing, packed.substr(0, packed.size() - 1), 1 << 20, piece).error().code == Code::kBadData);
    }
  };
  const std::string zlib = Compress(text, ZFormat::kZlib, 6);
  check(Packing::kGzip, Gzip(text) + Gzip("tail"), text + "tail");
  check(Packing::kDeflate, zlib, text);
  constexpr std::size_t kHead = 2, kSum = 4;
  check(Packing::kDeflate, zlib.substr(kHead, zlib.size() - kHead - kSum), text);
  check(Packing::kZstd, Zstd(text) + ZstdStream("tail"), text + "tail");
  CHECK(MustHave(Gunzip(Gzip(""), 0)).empty());
  CHECK(MustHave(Unpack(Packing::kZstd, Zstd(""), 0, 100)).empty());
}

TEST_CASE("what is not packed as it says, or has no end, is refused", "[http]") {
  for (const Packing packing : {Packing::kGzip, Packing::kDeflate, Packing::kZstd}) {
    CHECK(Unpack(packing, "not packed at all", 1 << 20, 100).error().code == Code::kBadData);
    CHECK(Unpack(packing, "", 1 << 20, 100).error().code == Code::kBadData);
    CHECK(Unpack(packing, "x", 1 << 20, 100).error().code == Code::kBadData);
  }
  CHECK(Unpack(Packing::kDeflate, Compress("a", ZFormat::kZlib, 6) + "b", 1 << 20, 100).error().code == Code::kBadData);
}

TEST_CASE("bombs end at the limit, by what they say or by what they do", "[http]") {
  const std::string zeros(64 << 20, '\0');
  const std::string gzip = Gzip(zeros, 9), zstd = Zstd(zeros), quiet = ZstdStream(zeros);
  std::string out;
  CHECK(Unpacker(Packing::kGzip, 1 << 20).Read(gzip, out).error().code == Code::kLimit);
  CHECK(out.size() <= (1 << 20) + 1);
  out.clear();
  CHECK(Unpacker(Packing::kZstd, 1 << 20).Read(zstd, out).error().code == Code::kLimit);
  CHECK(out.empty());  // it declares its size
  CHECK(Unpacker(Packing::kZstd, 1 << 20).Read(quiet, out).error().code == Code::kLimit);
  CHECK(out.size() <= (1 << 20) + 1);
}

TEST_CASE("content codings by their names", "[http]") {
  CHECK(PackingNamed("gzip") == Packing::kGzip);
  CHECK(PackingNamed("x-gzip") == Packing::kGzip);
  CHECK(PackingNamed("deflate") == Packing::kDeflate);
  CHECK(PackingNamed("zstd") == Packing::kZstd);
  CHECK_FALSE(PackingNamed("br"));
  CHECK_FALSE(PackingNamed(""));
}

}  // namespace
}  // namespace vedette
