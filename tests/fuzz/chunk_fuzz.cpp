// Any bytes as a chunk: samples in ascending order and within bounds, or an error. What was read can be written again.
#include <cstdint>
#include <cstdlib>

#include "core/numbers.h"
#include "storage/chunk/chunk.h"
#include "storage/chunk/merge.h"

namespace {

using namespace vedette;
using namespace vedette::storage;

void Must(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto header = ReadChunkHeader(bytes);
  Columns out;
  const auto decoded = DecodeChunk(bytes, out);
  if (!decoded) return 0;
  Must(header && header->count == out.size() && out.size() <= kMaxChunkSamples);
  for (std::size_t i = 1; i < out.size(); ++i) Must(out.times[i - 1] < out.times[i]);

  const TimeRange part{TimeMs(out.times[out.size() / 3]), TimeMs(out.times[out.size() / 2])};
  Columns cut = out, read;
  CutToRange(cut, 0, part);
  Must(DecodeChunkRange(bytes, part, read) && read.times == cut.times && SameBits(read.values, cut.values));

  std::string again;
  EncodeChunk(out.times, out.values, again);
  Columns second;
  Must(DecodeChunk(again, second) && second.times == out.times && SameBits(second.values, out.values));
  return 0;
}
