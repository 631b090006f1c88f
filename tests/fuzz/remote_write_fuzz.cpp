// Any bytes as a remote-write request of both versions, compressed or not: no crash, no memory beyond the limits, and
// what is stored is what a store may hold.
#include <cstdint>
#include <string_view>

#include <prometheus/registry.h>
#include <snappy.h>

#include "collector/push/remote_write.h"
#include "core/clock.h"
#include "storage/memory/memory_storage.h"

namespace {

void Ingest(std::string_view body, vedette::collector::WriteFormat format) {
  const vedette::Clock& clock = vedette::SystemClock();
  const auto store = vedette::storage::NewMemoryStorage({}, clock);
  prometheus::Registry registry;
  vedette::collector::PushOptions options;
  options.max_decoded_bytes = 1 << 20;
  options.max_request_bytes = 32 << 20;
  options.series_cache_entries = 64;
  vedette::collector::Intake intake(*store, clock, registry, options);
  vedette::collector::RemoteWriteReceiver receiver(intake);
  for (int i = 0; i < 2; ++i) static_cast<void>(receiver.Ingest(body, format));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto message =
      (data[0] & 1) != 0 ? vedette::collector::WriteMessage::kVersion1 : vedette::collector::WriteMessage::kVersion2;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  if ((data[0] & 2) != 0) {
    Ingest(bytes, {message, (data[0] & 4) != 0});
    return 0;
  }
  std::string compressed;
  snappy::Compress(bytes.data(), bytes.size(), &compressed);
  Ingest(compressed, {message});
  return 0;
}
