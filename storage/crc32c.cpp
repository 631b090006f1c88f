#include "storage/crc32c.h"

#include <array>
#include <bit>
#include <cstring>

#include "storage/chunk/cpu.h"

namespace vedette::storage {
namespace {

constexpr std::uint32_t kPolynomial = 0x82f63b78U;  // reflected

/// kTables[k][b]: the register after byte b and k zero bytes behind it, so that eight bytes are looked up at once.
constexpr auto kTables = [] {
  std::array<std::array<std::uint32_t, 256>, 8> out{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0U);
    out[0][i] = crc;
  }
  for (std::size_t k = 1; k < 8; ++k) {
    for (std::size_t i = 0; i < 256; ++i) out[k][i] = (out[k - 1][i] >> 8) ^ out[0][out[k - 1][i] & 0xff];
  }
  return out;
}();

std::uint32_t OneByte(std::uint32_t crc, char byte) {
  return (crc >> 8) ^ kTables[0][(crc ^ static_cast<std::uint8_t>(byte)) & 0xff];
}

std::uint64_t EightBytes(const char* at) {
  std::uint64_t out = 0;
  std::memcpy(&out, at, sizeof out);
  if constexpr (std::endian::native == std::endian::big) out = __builtin_bswap64(out);
  return out;
}

#ifdef VEDETTE_X86
__attribute__((target("sse4.2"))) std::uint32_t ByInstruction(std::string_view bytes) {
  std::uint64_t crc = ~0U;
  std::size_t i = 0;
  for (; i + 8 <= bytes.size(); i += 8) crc = __builtin_ia32_crc32di(crc, EightBytes(bytes.data() + i));
  auto out = static_cast<std::uint32_t>(crc);
  for (; i < bytes.size(); ++i) out = __builtin_ia32_crc32qi(out, static_cast<unsigned char>(bytes[i]));
  return ~out;
}
#endif

}  // namespace

std::uint32_t Crc32cByTable(std::string_view bytes) {
  std::uint32_t crc = ~0U;
  std::size_t i = 0;
  for (; i + 8 <= bytes.size(); i += 8) {
    const std::uint64_t word = EightBytes(bytes.data() + i) ^ crc;
    crc = 0;
    for (std::size_t k = 0; k < 8; ++k) crc ^= kTables[7 - k][(word >> (8 * k)) & 0xff];
  }
  for (; i < bytes.size(); ++i) crc = OneByte(crc, bytes[i]);
  return ~crc;
}

std::uint32_t Crc32c(std::string_view bytes) {
#ifdef VEDETTE_X86
  if (__builtin_cpu_supports("sse4.2") != 0) return ByInstruction(bytes);
#endif
  return Crc32cByTable(bytes);
}

}  // namespace vedette::storage
