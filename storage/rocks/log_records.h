// The frame of records that RocksDB's logs and manifests share, as far as it takes to tell where a file is damaged.
//
//     block of 32,768 bytes: fragments, then up to 6 bytes of zeros
//     fragment: CRC32C of type and payload, masked (4 bytes, little-endian), length (2), type (1), payload
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace vedette::storage {

/// So many bytes from the front are whole fragments. What follows is a torn end, or damage.
std::size_t WholeFragments(std::string_view file);

inline constexpr std::size_t kLogBlockBytes = 32'768;

/// Gives fragments that say they are of a recycled log, which ours never are, the usual type: RocksDB 9.10 reads such a
/// one behind others again and again, for ever. If a flipped bit in the type was all that is wrong, it is put right;
/// otherwise the checksum tells. `blocks`: from the start of a block on.
void MendRecycledFragments(std::span<char> blocks);

/// What a log says about itself. Numbers are those of RocksDB's write batches.
struct LogSummary {
  std::size_t size = 0;     // of what was read
  std::size_t whole = 0;    // WholeFragments()
  bool followed = false;    // whole fragments follow what is damaged: it is no torn end
  std::uint64_t first = 0;  // number of the first batch; 0: there is none
  std::uint64_t next = 0;   // of the batch that has to follow the last whole one
};
/// Goes on with the next blocks of a file; only its last part may end within a block.
void SummarizeMore(std::string_view blocks, LogSummary& log);

}  // namespace vedette::storage
