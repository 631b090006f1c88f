#include "collector/probe/body.h"

#include <zlib.h>

#include <algorithm>
#include <utility>

#include "core/unpacker.h"

namespace vedette::collector {
namespace {

constexpr std::size_t kBodyStep = 64 << 10;
constexpr std::string_view kBodyTooLarge = "http: response body too large";

Status InflateRaw(std::string_view body, std::size_t max_bytes, const BodyPiece& take) {
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return Fail(Code::kIo, "zlib does not start");
  stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(body.data()));  // zlib does not write there
  stream.avail_in = static_cast<uInt>(body.size());
  std::vector<char> piece(kBodyStep);
  std::size_t total = 0;
  int code = Z_OK;
  Status status = Ok();
  while (code == Z_OK && total <= max_bytes && status) {
    stream.next_out = reinterpret_cast<Bytef*>(piece.data());
    stream.avail_out = kBodyStep;
    code = inflate(&stream, Z_NO_FLUSH);
    const std::size_t size = kBodyStep - stream.avail_out;
    total += size;
    if (total <= max_bytes) status = take({piece.data(), size});
  }
  inflateEnd(&stream);
  if (!status) return status;
  if (total > max_bytes) return Fail(Code::kLimit, "{}", kBodyTooLarge);
  if (code != Z_STREAM_END) return Fail(Code::kBadData, "flate: corrupt input");
  return Ok();
}

Status InflateGzip(std::string_view body, std::size_t max_bytes, const BodyPiece& take) {
  Unpacker reader(Packing::kGzip, max_bytes);
  std::string piece;
  // A little of it may become a lot, but never more than a thousand times as much.
  constexpr std::size_t kBite = 1024;
  for (std::size_t at = 0; at < body.size(); at += kBite) {
    VEDETTE_CHECK(reader.Read(body.substr(at, kBite), piece));
    VEDETTE_CHECK(take(piece));
    piece.clear();
  }
  return reader.Finish();
}

}  // namespace

Status Decompress(std::string_view algorithm, std::string_view body, std::size_t max_bytes, const BodyPiece& take) {
  if (algorithm == "gzip") return InflateGzip(body, max_bytes, take);
  if (algorithm == "deflate") return InflateRaw(body, max_bytes, take);
  if (body.size() > max_bytes) return Fail(Code::kLimit, "{}", kBodyTooLarge);
  return take(body);
}

Result<std::string> DecompressedBody(std::string_view algorithm, std::string_view body, std::size_t max_bytes) {
  std::string text;
  VEDETTE_CHECK(Decompress(algorithm, body, max_bytes, [&text](std::string_view piece) -> Status {
    text += piece;
    return Ok();
  }));
  return text;
}

BodyVerdict JudgeBody(BodyTask& task) {
  BodyVerdict verdict{.status = Ok(), .problem = {}, .regexp = {}};
  const bool keep = !task.bad.empty() || !task.wanted.empty();
  const bool compressed = task.compression == "gzip" || task.compression == "deflate";
  std::string text;
  if (!compressed && task.body.size() <= task.max_bytes) {
    text = std::move(task.body);
    verdict.bytes = text.size();
  } else {
    verdict.status = Decompress(task.compression, task.body, task.max_bytes, [&](std::string_view piece) -> Status {
      verdict.bytes += piece.size();
      if (!keep) return Ok();
      if (!task.memory->Take(piece.size())) return Fail(Code::kUnavailable, "the probes keep too many bytes at once");
      text += piece;
      return Ok();
    });
  }
  if (!verdict.status) return verdict;
  const auto judge = [&](const std::vector<SearchRegex>& regexps, bool when_found, const char* problem) {
    const auto found =
        std::ranges::find_if(regexps, [&](const SearchRegex& regexp) { return regexp.Found(text) == when_found; });
    if (found == regexps.end()) return true;
    verdict.problem = problem;
    verdict.regexp = found->pattern();
    return false;
  };
  if (judge(task.bad, true, "Body matched regular expression")) {
    judge(task.wanted, false, "Body did not match regular expression");
  }
  return verdict;
}

}  // namespace vedette::collector
