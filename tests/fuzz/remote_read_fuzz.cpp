// Answers and requests of remote read, and the notes of remote write: bytes that others wrote. The first byte chooses.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "collector/remote/histogram_chunk.h"
#include "collector/remote/histogram_proto.h"
#include "collector/remote/read_message.h"
#include "collector/remote/send_progress.h"
#include "collector/remote/xor_chunk.h"
#include "storage/rocks/feeds.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vedette::collector;
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  // Few bytes may stand for many samples.
  std::size_t left = 1 << 20;
  const auto hold = [&](std::size_t samples) -> vedette::Status {
    if (samples > left) return vedette::Fail(vedette::Code::kLimit, "too many");
    left -= samples;
    return vedette::Ok();
  };
  ReadBudget budget(hold);
  switch (data[0] % 9) {
    case 0: {
      ReadStreamDecoder stream(1 << 20, budget);
      if (stream.Read(bytes.substr(0, bytes.size() / 2)) && stream.Read(bytes.substr(bytes.size() / 2))) {
        (void)std::move(stream).Finish();
      }
      break;
    }
    case 1:
      (void)DecodeReadResponse(bytes, budget);
      break;
    case 7:
    case 8: {
      const bool integers = data[0] % 9 == 7;
      vedette::storage::HistogramColumns samples;
      if (!DecodeHistogramChunk(bytes, integers, hold, samples) || samples.size() == 0) break;
      const std::size_t n = FitHistogramChunk(samples.histograms);
      const std::span histograms = std::span(samples.histograms).first(n);
      vedette::storage::HistogramColumns again;
      const std::string chunk = EncodeHistogramChunk(std::span(samples.times).first(n), histograms);
      if (!DecodeHistogramChunk(chunk, IsIntegerChunk(histograms.front()), hold, again)) break;
      for (std::size_t i = 0; i < n; ++i) {
        if (!vedette::SameHistogram(again.histograms[i], histograms[i])) abort();
      }
      break;
    }
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
