// Numbers as bytes: varints in values, big-endian in keys so that byte order is number order.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace vedette::storage {

inline void PutVarint(std::string& out, std::uint64_t value) {
  char buffer[10];
  std::size_t n = 0;
  while (value >= 0x80) {
    buffer[n++] = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  buffer[n++] = static_cast<char>(value);
  out.append(buffer, n);
}

/// Small magnitudes of either sign become small numbers: 0, -1, 1, -2 -> 0, 1, 2, 3.
constexpr std::uint64_t ZigZag(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}
constexpr std::int64_t UnZigZag(std::uint64_t value) {
  return static_cast<std::int64_t>((value >> 1) ^ (0 - (value & 1)));
}

/// Sums that wrap around instead of being undefined: codecs difference any int64.
constexpr std::int64_t WrapAdd(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}
constexpr std::int64_t WrapSub(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}
/// high - low, for low <= high: it may exceed int64.
constexpr std::uint64_t Distance(std::int64_t high, std::int64_t low) {
  return static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low);
}

/// Reads from the front of bytes that may be damaged: every getter says nullopt instead of reading past the end.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : left_(bytes) {}

  std::size_t size() const { return left_.size(); }
  bool empty() const { return left_.empty(); }
  std::string_view rest() const { return left_; }

  std::optional<std::uint64_t> Varint() {
    if (!left_.empty() && static_cast<std::uint8_t>(left_.front()) < 0x80) {  // most are
      const auto byte = static_cast<std::uint8_t>(left_.front());
      left_.remove_prefix(1);
      return byte;
    }
    return LongVarint();
  }
  std::optional<std::int64_t> Signed() {
    const auto value = Varint();
    if (!value) return std::nullopt;
    return UnZigZag(*value);
  }
  std::optional<std::uint8_t> Byte() {
    if (left_.empty()) return std::nullopt;
    const auto byte = static_cast<std::uint8_t>(left_.front());
    left_.remove_prefix(1);
    return byte;
  }
  std::optional<std::string_view> Bytes(std::size_t n) {
    if (left_.size() < n) return std::nullopt;
    const std::string_view out = left_.substr(0, n);
    left_.remove_prefix(n);
    return out;
  }
  /// Eight bytes as they lie in memory: stored values are little-endian, as every machine Vedette runs on.
  std::optional<double> Double() {
    const auto bytes = Bytes(8);
    if (!bytes) return std::nullopt;
    double value;
    std::memcpy(&value, bytes->data(), 8);
    return value;
  }

 private:
  std::optional<std::uint64_t> LongVarint() {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < left_.size() && i < 10; ++i) {
      const auto byte = static_cast<std::uint8_t>(left_[i]);
      if (i == 9 && byte > 1) return std::nullopt;
      value |= static_cast<std::uint64_t>(byte & 0x7F) << (7 * i);
      if ((byte & 0x80) == 0) {
        left_.remove_prefix(i + 1);
        return value;
      }
    }
    return std::nullopt;
  }

  std::string_view left_;
};

inline void PutSigned(std::string& out, std::int64_t value) { PutVarint(out, ZigZag(value)); }
inline void PutDouble(std::string& out, double value) {
  char buffer[8];
  std::memcpy(buffer, &value, 8);
  out.append(buffer, 8);
}

template <class Unsigned>
void PutBigEndian(std::string& out, Unsigned value) {
  for (int shift = static_cast<int>(sizeof(Unsigned) * 8) - 8; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(value >> shift));
  }
}
/// `bytes` holds at least sizeof(Unsigned).
template <class Unsigned>
Unsigned GetBigEndian(std::string_view bytes) {
  Unsigned value = 0;
  for (std::size_t i = 0; i < sizeof(Unsigned); ++i) {
    value = static_cast<Unsigned>((value << 8) | static_cast<std::uint8_t>(bytes[i]));
  }
  return value;
}

}  // namespace vedette::storage
