// Protobuf by hand: what the tests of the receivers send.
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

namespace vedette::test::wire {

inline std::string Varint(std::uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  return out + static_cast<char>(value);
}
inline std::uint64_t ZigZag(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}
inline std::string Tag(int field, int type) { return Varint(static_cast<std::uint64_t>(field) << 3 | type); }
inline std::string Bytes(int field, std::string_view bytes) {
  return Tag(field, 2) + Varint(bytes.size()) + std::string(bytes);
}
inline std::string Int(int field, std::int64_t value) {
  return Tag(field, 0) + Varint(static_cast<std::uint64_t>(value));
}
inline std::string SInt(int field, std::int64_t value) { return Tag(field, 0) + Varint(ZigZag(value)); }
/// The eight bytes of a fixed64.
inline std::string Raw64(std::uint64_t value) {
  std::string raw;
  for (int i = 0; i < 8; ++i) raw += static_cast<char>(value >> (8 * i));
  return raw;
}
inline std::string RawDouble(double value) { return Raw64(std::bit_cast<std::uint64_t>(value)); }
inline std::string Fixed(int field, std::uint64_t value) { return Tag(field, 1) + Raw64(value); }
inline std::string Double(int field, double value) { return Tag(field, 1) + RawDouble(value); }

/// A span of buckets.
inline std::string Span(int field, std::int32_t offset, std::uint32_t length) {
  return Bytes(field, SInt(1, offset) + Int(2, length));
}

}  // namespace vedette::test::wire
