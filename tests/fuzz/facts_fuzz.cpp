// Any bytes as rows of facts and tiers: an error, or something that is written back the same.
#include <cstdint>
#include <cstdlib>

#include "storage/chunk/tier_codec.h"
#include "storage/fact_codec.h"
#include "storage/rocks/fact_keys.h"

namespace {

void Must(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vedette;
  using namespace vedette::storage;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto labels = DecodeLabels(bytes)) Must(DecodeLabels(EncodeLabels(*labels)) == labels);
  if (const auto exemplar = DecodeExemplar(bytes)) {
    const auto again = DecodeExemplar(EncodeExemplar(*exemplar));
    Must(again && again->labels == exemplar->labels);
  }
  if (const auto info = DecodeInfo(bytes)) Must(DecodeInfo(EncodeInfo(*info)).has_value());
  if (const auto key = ParseMetadataKey(bytes)) Must(EncodeMetadataKey(*key) == bytes);
  if (const auto key = ParseExemplarKey(bytes)) Must(EncodeExemplarKey(*key) == bytes);
  if (const auto key = ParseStartKey(bytes)) Must(EncodeStartKey(*key) == bytes);
  const Millis step(300'000);
  if (const auto row = DecodeTierRow(bytes, step)) {
    const auto again = DecodeTierRow(EncodeTierRow(*row, step), step);
    Must(again && again->buckets.size() == row->buckets.size() && again->seal == row->seal);
  }
  return 0;
}
