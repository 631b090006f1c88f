// Any bytes as a packed body, in pieces of any size, and as a snappy block: no crash, nothing beyond the limit.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "collector/push/write_request.h"
#include "core/unpacker.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kLimit = 1 << 20;
  if (size < 2) return 0;
  const std::size_t piece = std::size_t{data[1]} + 1;
  const std::string_view packed(reinterpret_cast<const char*>(data) + 2, size - 2);
  if (data[0] % 4 == 3) {
    const auto plain = vedette::collector::DecompressSnappy(packed, kLimit);
    if (plain && plain->size > kLimit) std::abort();
    return 0;
  }
  vedette::Unpacker unpacker(static_cast<vedette::Packing>(data[0] % 4), kLimit);
  std::string out;
  for (std::size_t at = 0; at < packed.size(); at += piece) {
    if (!unpacker.Read(packed.substr(at, piece), out)) break;
  }
  static_cast<void>(unpacker.Finish());
  if (out.size() > kLimit + 1) std::abort();
  return 0;
}
