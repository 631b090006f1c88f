// Any bytes as a bundle: parts with samples in ascending order and within bounds, or an error. What was read can be
// written again, and a part reads the same alone, in a range and after others.
#include <cstdint>
#include <cstdlib>

#include "core/numbers.h"
#include "storage/chunk/bundle.h"
#include "storage/chunk/merge.h"

namespace {

using namespace vedette;
using namespace vedette::storage;

void Must(bool condition) {
  if (!condition) std::abort();
}

/// Of all parts together: a few bytes may stand for many samples.
constexpr std::size_t kMostSamples = 1 << 18;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  BundleReader reader;
  if (!reader.Open(bytes)) return 0;
  std::size_t total = 0;
  for (const BundlePart& part : reader.parts()) total += part.count;
  if (total > kMostSamples) return 0;
  BundleEncoder encoder;
  std::vector<Columns> all;
  for (std::size_t i = 0; i < reader.parts().size(); ++i) {
    const BundlePart& part = reader.parts()[i];
    Columns out;
    if (!reader.Decode(i, out)) return 0;
    Must(out.size() == part.count && out.size() <= kMaxChunkSamples);
    for (std::size_t k = 1; k < out.size(); ++k) Must(out.times[k - 1] < out.times[k]);
    const TimeRange range{TimeMs(out.times[out.size() / 3]), TimeMs(out.times[out.size() / 2])};
    Columns cut = out, read;
    CutToRange(cut, 0, range);
    BundleReader fresh;
    Must(fresh.Open(bytes) && fresh.Decode(i, range, read).has_value());
    Must(read.times == cut.times && SameBits(read.values, cut.values));
    encoder.Add(part.series, part.seal, out.times, out.values);
    all.push_back(std::move(out));
  }
  const std::string again = encoder.Take();
  Must(reader.Open(again).has_value() && reader.parts().size() == all.size());
  for (std::size_t i = all.size(); i-- > 0;) {
    Columns out;
    Must(reader.Decode(i, out) && out.times == all[i].times && SameBits(out.values, all[i].values));
  }
  return 0;
}
