#include "collector/push/unpack.h"

#include <optional>

#include "collector/media_type.h"
#include "core/unpacker.h"

namespace vedette::collector {

Status UnpackBody(std::string_view body, std::string_view encoding, std::size_t limit, PushBatch& batch,
                  std::string& buffer, std::string_view& plain) {
  const std::string token = NormalizedToken(encoding);
  const std::optional<Packing> packing = PackingNamed(token);
  if (!packing && !token.empty() && token != "identity") {
    return Fail(Code::kBadData,
                "unsupported compression: {}. Only \"gzip\", \"deflate\", \"zstd\" or no compression supported",
                std::string_view(token).substr(0, 200));
  }
  VEDETTE_CHECK(batch.Charge(body.size()));
  plain = body;
  if (packing) {
    constexpr std::size_t kPiece = 4096;
    VEDETTE_CHECK(batch.Charge(UnpackingBytes(*packing)));
    Unpacker reader(*packing, limit);
    while (!body.empty()) {
      const std::string_view piece = body.substr(0, kPiece);
      const std::size_t before = buffer.size();
      VEDETTE_CHECK(reader.Read(piece, buffer));
      VEDETTE_CHECK(batch.Charge(buffer.size() - before));
      body.remove_prefix(piece.size());
    }
    VEDETTE_CHECK(reader.Finish());
    plain = buffer;
  }
  if (plain.size() > limit) return Fail(Code::kLimit, "request of more than {} bytes", limit);
  return Ok();
}

}  // namespace vedette::collector
