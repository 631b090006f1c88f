// Any bytes as a chunk of native histograms, and as one histogram: valid samples within bounds, or an error. What was
// read can be written again.
#include <cstdint>
#include <cstdlib>

#include "storage/chunk/histogram_chunk.h"
#include "storage/chunk/histogram_codec.h"

namespace {

using namespace vedette;
using namespace vedette::storage;

void Must(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  ByteReader in(bytes);
  Histogram one, other;
  if (GetHistogram(in, nullptr, one)) {
    Must(ValidateHistogram(one).has_value());
    std::string again;
    PutHistogram(one, nullptr, again);
    ByteReader second(again);
    Must(GetHistogram(second, nullptr, other) && SameHistogram(one, other));
    if (GetHistogram(in, &one, other)) Must(ValidateHistogram(other).has_value());
  }

  HistogramColumns out;
  if (!DecodeHistogramChunk(bytes, out)) return 0;
  Must(out.size() == out.histograms.size());
  for (std::size_t i = 1; i < out.size(); ++i) Must(out.times[i - 1] < out.times[i]);
  for (const Histogram& histogram : out.histograms) Must(ValidateHistogram(histogram).has_value());
  // Hostile layouts may be too large once they are united.
  const std::size_t n = FitHistograms(out.histograms, out.size());
  std::string again;
  EncodeHistogramChunk(std::span(out.times).first(n), std::span(out.histograms).first(n), again);
  HistogramColumns second;
  Must(DecodeHistogramChunk(again, second).has_value() && second.size() == n);
  for (std::size_t i = 0; i < n; ++i) Must(SameHistogram(out.histograms[i], second.histograms[i]));
  return 0;
}
