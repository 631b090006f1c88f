// Any bytes as a tombstone: an error, or something that is written back as the same tombstone.
#include <cstdint>
#include <cstdlib>

#include "storage/rocks/tombstones.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vedette::storage;
  const auto read = DecodeTombstone(1, {reinterpret_cast<const char*>(data), size});
  if (!read) return 0;
  const auto again = DecodeTombstone(1, EncodeTombstone(*read));
  if (!again || again->series != read->series || again->seal != read->seal || !(again->range == read->range)) {
    std::abort();
  }
  return 0;
}
