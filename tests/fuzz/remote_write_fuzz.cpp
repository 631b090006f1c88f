// Any bytes as a remote-write request, compressed or not: no crash, no memory beyond the declared limit.
#include <cstdint>
#include <string_view>

#include "collector/push/write_request.h"

namespace {

void Read(std::string_view message) {
  const auto status = vedette::collector::ReadWriteRequest(message, [](vedette::collector::PushedSeries& series) {
    if (series.ReadLabels() && vedette::collector::NormalizeLabels(series.labels)) {
      static_cast<void>(vedette::Labels::FromSorted(series.labels).ToString());
    }
    return vedette::Ok();
  });
  static_cast<void>(status);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Read(bytes);
  if (const auto message = vedette::collector::DecompressSnappy(bytes, 1 << 20)) Read(*message);
  return 0;
}
