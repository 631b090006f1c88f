// Strings of bits, least significant first: what the codecs of storage/chunk write and read.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

namespace vedette::storage {

/// The lowest `bits` bits set; 0 to 64.
constexpr std::uint64_t LowBits(unsigned bits) {
  return bits >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1;
}

/// Grows at its end. 16 bytes of state, because every active series has one.
class BitBuffer {
 public:
  /// Appends the lowest `bits` (0 to 64) of `value`.
  void Put(std::uint64_t value, unsigned bits) {
    if (bits > kOneStore) {
      Put(value, 32);
      value >>= 32;
      bits -= 32;
    }
    if (bits_ + 64 + 8 > std::uint64_t{capacity_} * 8) Grow();
    std::uint8_t* at = data_.get() + bits_ / 8;
    std::uint64_t word;
    std::memcpy(&word, at, 8);
    word |= (value & LowBits(bits)) << (bits_ % 8);
    std::memcpy(at, &word, 8);
    bits_ += bits;
  }

  std::string_view bytes() const { return {reinterpret_cast<const char*>(data_.get()), (bits_ + 7) / 8}; }
  std::size_t allocated_bytes() const { return capacity_; }

 private:
  static constexpr unsigned kOneStore = 56;  // with 7 bits of offset this still fits a 64-bit store

  void Grow() {
    // Half as much again keeps both the waste and the number of copies small; the size classes of malloc are 16 bytes.
    const std::uint32_t capacity = (std::max<std::uint32_t>(capacity_ + capacity_ / 2, 48) + 15) & ~15U;
    auto data = std::make_unique<std::uint8_t[]>(capacity);
    if (capacity_ != 0) std::memcpy(data.get(), data_.get(), capacity_);
    data_ = std::move(data);
    capacity_ = capacity;
  }

  std::unique_ptr<std::uint8_t[]> data_;
  std::uint32_t bits_ = 0;
  std::uint32_t capacity_ = 0;
};

/// Reads what BitBuffer wrote, or anything else: past the end it yields zeros and says so in failed().
class BitReader {
 public:
  /// Starts at bit `at`, which may lie behind the end.
  explicit BitReader(std::string_view bytes, std::uint64_t at = 0)
      : bytes_(bytes), size_(std::uint64_t{bytes.size()} * 8), at_(at > size_ ? size_ + 1 : at) {}

  std::uint64_t Get(unsigned bits) {
    if (bits > kOneLoad) {
      const std::uint64_t low = Get(32);
      return low | Get(bits - 32) << 32;
    }
    if (at_ + bits > size_) {
      at_ = size_ + 1;
      return 0;
    }
    const std::uint64_t word = Load() >> (at_ % 8);
    at_ += bits;
    return word & LowBits(bits);
  }
  bool failed() const { return at_ > size_; }
  std::uint64_t position() const { return at_; }

 private:
  static constexpr unsigned kOneLoad = 56;

  std::uint64_t Load() const {
    std::uint64_t word = 0;
    const std::size_t byte = at_ / 8;
    std::memcpy(&word, bytes_.data() + byte, std::min<std::size_t>(8, bytes_.size() - byte));
    return word;
  }

  std::string_view bytes_;
  std::uint64_t size_;
  std::uint64_t at_;
};

}  // namespace vedette::storage
