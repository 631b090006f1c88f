// Any bytes as lines of InfluxDB's protocol: no crash, and every line is looked at once.
#include <cstdint>
#include <string_view>

#include <prometheus/registry.h>

#include "collector/push/influx.h"
#include "core/clock.h"
#include "storage/memory/memory_storage.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const vedette::Clock& clock = vedette::SystemClock();
  const auto store = vedette::storage::NewMemoryStorage({}, clock);
  prometheus::Registry registry;
  vedette::collector::PushOptions push;
  push.series_cache_entries = 64;
  vedette::collector::Intake intake(*store, clock, registry, push);
  vedette::collector::InfluxReceiver receiver(intake);
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  for (int i = 0; i < 2; ++i) static_cast<void>(receiver.Ingest({body, "", "s", "db"}));
  return 0;
}
