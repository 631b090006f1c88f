// Bits of the chunks of Prometheus' store: from the high end of each byte, numbers in the lengths that its coders know.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace vedette::collector {

/// Reads; behind the end everything is 0 and ok() is false.
class ChunkBits {
 public:
  explicit ChunkBits(std::string_view bytes) : bytes_(bytes) {}

  bool ok() const { return ok_; }
  bool Bit() { return Bits(1) != 0; }
  std::uint64_t Bits(unsigned count);
  /// Seven bits to a byte, low ones first.
  std::uint64_t Varint();
  /// A number behind so many ones as the place of its length in `widths`; without any it is 0, and behind the most
  /// there is no zero. Of a width under 64, values above the middle stand for negative ones.
  std::int64_t Signed(std::span<const unsigned> widths);
  std::uint64_t Unsigned(std::span<const unsigned> widths);

 private:
  unsigned WidthOf(std::span<const unsigned> widths);

  std::string_view bytes_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

class ChunkBitWriter {
 public:
  explicit ChunkBitWriter(std::string& out) : out_(out) {}

  void Bits(std::uint64_t value, unsigned count);
  void Varint(std::uint64_t value);
  void Signed(std::int64_t value, std::span<const unsigned> widths);
  void Unsigned(std::uint64_t value, std::span<const unsigned> widths);

 private:
  void Width(std::size_t place, std::span<const unsigned> widths, std::uint64_t value);

  std::string& out_;
  unsigned free_ = 0;
};

/// Where the changed bits of the value before were.
struct XorWindow {
  unsigned leading = 0, trailing = 0;
  bool is_set = false;
};
/// A value XORed with the one before: 0 the same; 10 the changed bits lie in the last window; 11 + 5 bits leading zeros
/// + 6 bits length (0: 64).
std::uint64_t ReadXor(ChunkBits& in, std::uint64_t before, XorWindow& window);
void WriteXor(ChunkBitWriter& out, std::uint64_t before, std::uint64_t value, XorWindow& window);

}  // namespace vedette::collector
