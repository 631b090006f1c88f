// Any bytes as a chunk: samples in ascending order and within bounds, or an error.
#include <cstdint>
#include <cstdlib>

#include "storage/chunk/chunk.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vedette::storage;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto header = ReadChunkHeader(bytes);
  Columns out;
  const auto decoded = DecodeChunk(bytes, out);
  if (!decoded) return 0;
  if (!header || header->count != out.size() || out.size() > kMaxChunkSamples) std::abort();
  for (std::size_t i = 1; i < out.size(); ++i) {
    if (out.times[i - 1] >= out.times[i]) std::abort();
  }
  // What was read can be written and read again.
  std::string again;
  EncodeChunk(out.times, out.values, again);
  Columns second;
  if (!DecodeChunk(again, second) || second.times != out.times) std::abort();
  return 0;
}
