// Many short byte strings, each named by 32 bits: one byte of size in front of each, no allocation of its own.
//
// Strings are only added. The owner counts what it no longer needs with Discard(), and when MostlyDead() says so moves
// the living ones to a new arena. Not thread-safe; views stay valid as long as the arena.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace vedette::storage {

class ByteArena {
 public:
  using Ref = std::uint32_t;

  /// Whether strings of so many bytes altogether, `count` of them, can be added: an arena holds 4 GiB.
  bool Fits(std::size_t bytes, std::size_t count) const;

  /// Only what Fits().
  Ref Add(std::string_view bytes);
  std::string_view Get(Ref ref) const;

  /// A string of `size` bytes is not needed any more.
  void Discard(std::size_t size) { dead_ += size + 1; }
  bool MostlyDead() const { return dead_ > kBlockBytes && dead_ > used_ / 3; }

  std::size_t allocated_bytes() const { return blocks_.size() * kBlockBytes; }

 private:
  static constexpr std::size_t kBlockBits = 16;
  static constexpr std::size_t kBlockBytes = std::size_t{1} << kBlockBits;
  static constexpr std::size_t kMaxBlocks = std::size_t{1} << (32 - kBlockBits);

  struct Block {
    std::unique_ptr<char[]> owned;  // null: part of the large one before it
    char* bytes = nullptr;
  };
  void AddBlocks(std::size_t count);

  std::vector<Block> blocks_;
  std::size_t free_at_ = kBlockBytes;  // in the last block
  std::size_t used_ = 0, dead_ = 0;    // bytes
};

}  // namespace vedette::storage
