#include "storage/index/byte_arena.h"

#include <cstring>

namespace vedette::storage {
namespace {

/// A size below this is one byte; else this byte, and four of size behind it.
constexpr std::size_t kLongMark = 255;
constexpr std::size_t kLongHeader = 5;

std::size_t HeaderOf(std::size_t size) { return size < kLongMark ? 1 : kLongHeader; }

}  // namespace

bool ByteArena::Fits(std::size_t bytes, std::size_t count) const {
  // Each string may leave the rest of a block unused, and takes whole blocks when it is large.
  const std::size_t blocks = (bytes + count * kLongHeader) / kBlockBytes * 2 + 2;
  return blocks_.size() + blocks <= kMaxBlocks;
}

void ByteArena::AddBlocks(std::size_t count) {
  // Not cleared: the system hands out pages as they are written to.
  auto bytes = std::make_unique_for_overwrite<char[]>(count * kBlockBytes);
  for (std::size_t i = 0; i < count; ++i) {
    char* const start = bytes.get() + i * kBlockBytes;
    blocks_.push_back({nullptr, start});
  }
  blocks_[blocks_.size() - count].owned = std::move(bytes);
}

ByteArena::Ref ByteArena::Add(std::string_view bytes) {
  const std::size_t header = HeaderOf(bytes.size());
  const std::size_t need = header + bytes.size();
  std::size_t block = blocks_.size() - 1;
  std::size_t at = free_at_;
  if (need > kBlockBytes - free_at_) {
    block = blocks_.size();
    at = 0;
    AddBlocks((need + kBlockBytes - 1) / kBlockBytes);
  }
  char* const out = blocks_[block].bytes + at;
  if (header == 1) {
    *out = static_cast<char>(bytes.size());
  } else {
    *out = static_cast<char>(kLongMark);
    const auto size = static_cast<std::uint32_t>(bytes.size());
    std::memcpy(out + 1, &size, sizeof size);
  }
  if (!bytes.empty()) std::memcpy(out + header, bytes.data(), bytes.size());
  // Behind a large string the next one starts in the last of its blocks.
  const std::size_t end = at + need;
  free_at_ = end - (blocks_.size() - 1 - block) * kBlockBytes;
  used_ += need;
  return static_cast<Ref>((block << kBlockBits) | at);
}

std::string_view ByteArena::Get(Ref ref) const {
  const char* const at = blocks_[ref >> kBlockBits].bytes + (ref & (kBlockBytes - 1));
  const auto small = static_cast<std::uint8_t>(*at);
  if (small != kLongMark) return {at + 1, small};
  std::uint32_t size = 0;
  std::memcpy(&size, at + 1, sizeof size);
  return {at + kLongHeader, size};
}

}  // namespace vedette::storage
