#include "storage/rocks/log_records.h"

#include <algorithm>
#include <cstdint>

#include "storage/crc32c.h"

namespace vedette::storage {
namespace {

constexpr std::size_t kFragmentHeaderBytes = 7;

/// CRC32C as RocksDB stores it: rotated and shifted, so that a checksum of checksums is not degenerate.
std::uint32_t MaskedCrc(std::string_view bytes) {
  const std::uint32_t crc = Crc32c(bytes);
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8U;
}

std::uint64_t LittleEndian(std::string_view bytes) {
  std::uint64_t out = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) out |= std::uint64_t{static_cast<std::uint8_t>(bytes[i])} << (8 * i);
  return out;
}

constexpr std::size_t kBatchHeaderBytes = 12;
constexpr std::uint8_t kFullFragment = 1, kFirstFragment = 2;

/// The types of fragments in logs that are written over older ones.
bool IsRecycled(std::uint8_t type) { return (type >= 5 && type <= 8) || type == 11 || type == 131; }

/// The size of the whole fragment at `at`; 0: there is none.
std::size_t FragmentAt(std::string_view file, std::size_t at) {
  const std::size_t left = kLogBlockBytes - at % kLogBlockBytes;
  if (left < kFragmentHeaderBytes || file.size() - at < kFragmentHeaderBytes) return 0;
  const std::size_t length = LittleEndian(file.substr(at + 4, 2));
  const std::size_t whole = kFragmentHeaderBytes + length;
  const auto type = static_cast<std::uint8_t>(file[at + 6]);
  if (type == 0 || whole > left || whole > file.size() - at) return 0;
  return LittleEndian(file.substr(at, 4)) == MaskedCrc(file.substr(at + 6, length + 1)) ? whole : 0;
}

/// Calls `visit` with the place and size of each whole fragment from the front; returns where the last one ends.
template <class Visit>
std::size_t VisitFragments(std::string_view file, Visit visit) {
  std::size_t at = 0;
  while (at < file.size()) {
    const std::size_t left = kLogBlockBytes - at % kLogBlockBytes;
    if (left < kFragmentHeaderBytes) {
      // Nobody reads the trailer, so nothing in it is damage.
      at = std::min(at + left, file.size());
      continue;
    }
    const std::size_t size = FragmentAt(file, at);
    if (size == 0) return at;
    visit(at, size);
    at += size;
  }
  return at;
}

bool BlockStartsWhole(std::string_view file, std::size_t from) {
  for (std::size_t at = from; at < file.size(); at += kLogBlockBytes) {
    if (FragmentAt(file, at) != 0) return true;
  }
  return false;
}

/// Behind a damaged place: anywhere in the rest of its block, or where later blocks start.
bool HasWholeFragment(std::string_view file, std::size_t from) {
  const std::size_t block_end = std::min(from - from % kLogBlockBytes + kLogBlockBytes, file.size());
  for (std::size_t at = from + 1; at < block_end; ++at) {
    if (FragmentAt(file, at) != 0) return true;
  }
  return BlockStartsWhole(file, block_end);
}

}  // namespace

std::size_t WholeFragments(std::string_view file) {
  return VisitFragments(file, [](std::size_t, std::size_t) {});
}

void MendRecycledFragments(std::span<char> blocks) {
  for (std::size_t begin = 0; begin < blocks.size(); begin += kLogBlockBytes) {
    const auto block = blocks.subspan(begin, std::min(kLogBlockBytes, blocks.size() - begin));
    std::size_t at = 0;
    while (at + kFragmentHeaderBytes <= block.size()) {
      char& type = block[at + 6];
      if (IsRecycled(static_cast<std::uint8_t>(type))) type = static_cast<char>(kFullFragment);
      at += kFragmentHeaderBytes + LittleEndian({block.data() + at + 4, 2});
    }
  }
}

void SummarizeMore(std::string_view blocks, LogSummary& log) {
  if (log.whole < log.size) {
    log.followed = log.followed || BlockStartsWhole(blocks, 0);
  } else {
    const std::size_t whole = VisitFragments(blocks, [&](std::size_t at, std::size_t size) {
      const auto type = static_cast<std::uint8_t>(blocks[at + 6]);
      if ((type != kFullFragment && type != kFirstFragment) || size < kFragmentHeaderBytes + kBatchHeaderBytes) return;
      const std::string_view batch = blocks.substr(at + kFragmentHeaderBytes, kBatchHeaderBytes);
      const std::uint64_t number = LittleEndian(batch.substr(0, 8));
      if (log.first == 0) log.first = number;
      log.next = number + LittleEndian(batch.substr(8, 4));
    });
    log.whole += whole;
    log.followed = whole < blocks.size() && HasWholeFragment(blocks, whole);
  }
  log.size += blocks.size();
}

}  // namespace vedette::storage
