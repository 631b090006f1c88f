// Answers and requests of remote read, and the notes of remote write: bytes that others wrote. The first byte chooses.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "collector/remote/histogram_proto.h"
#include "collector/remote/read_message.h"
#include "collector/remote/send_progress.h"
#include "collector/remote/xor_chunk.h"
#include "storage/rocks/feeds.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vedette::collector;
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 7) {
    case 0: {
      bool has_histograms = false;
      (void)DecodeReadStream(bytes, 1 << 20, has_histograms);
      break;
    }
    case 1:
      (void)DecodeReadResponse(bytes);
      break;
    case 2:
      (void)DecodeReadRequest(bytes);
      break;
    case 3: {
      vedette::storage::Columns samples;
      if (!DecodeXorChunk(bytes, samples) || samples.size() > kXorChunkSamples || samples.size() == 0) break;
      // What was read is written and read again.
      vedette::storage::Columns again;
      if (!DecodeXorChunk(EncodeXorChunk(samples.times, samples.values), again) || again.times != samples.times)
        abort();
      break;
    }
    case 4:
      (void)SendProgress::Parse(bytes);
      break;
    case 5: {
      std::vector<vedette::storage::FeedExemplar> exemplars;
      (void)vedette::storage::DecodeFeedExemplars(bytes, exemplars);
      break;
    }
    default:
      (void)ReadHistogramMessage(bytes);
  }
  return 0;
}
