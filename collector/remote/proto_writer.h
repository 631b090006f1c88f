// Protobuf's wire format, written: just what remote write and remote read need.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "storage/coding.h"

namespace vedette::collector::proto {

enum WireType : std::uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2 };

inline void PutTag(std::string& out, std::uint32_t field, WireType type) {
  storage::PutVarint(out, std::uint64_t{field} << 3 | type);
}
/// Also of int64, whose negative numbers take ten bytes.
inline void PutNumber(std::string& out, std::uint32_t field, std::uint64_t value) {
  PutTag(out, field, kVarint);
  storage::PutVarint(out, value);
}
inline void PutSint(std::string& out, std::uint32_t field, std::int64_t value) {
  PutNumber(out, field, storage::ZigZag(value));
}
inline void PutDouble(std::string& out, std::uint32_t field, double value) {
  PutTag(out, field, kFixed64);
  storage::PutDouble(out, value);
}
inline void PutText(std::string& out, std::uint32_t field, std::string_view text) {
  PutTag(out, field, kBytes);
  storage::PutVarint(out, text.size());
  out.append(text);
}

constexpr std::size_t VarintBytes(std::uint64_t value) {
  std::size_t n = 1;
  for (; value >= 0x80; value >>= 7) ++n;
  return n;
}

}  // namespace vedette::collector::proto
