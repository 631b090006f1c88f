// CRC32C (Castagnoli), the checksum of RocksDB's logs.
#pragma once

#include <cstdint>
#include <string_view>

namespace vedette::storage {

/// Reference: RFC 3720, appendix B.4. Cost: 8 bytes at a time, with the processor's instruction where there is one.
std::uint32_t Crc32c(std::string_view bytes);

/// The same without the instruction, for processors that lack it.
std::uint32_t Crc32cByTable(std::string_view bytes);

}  // namespace vedette::storage
