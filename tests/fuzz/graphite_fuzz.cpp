// Any bytes as lines of Graphite: no crash, and the second time as the first.
#include <prometheus/registry.h>

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "collector/push/graphite.h"
#include "core/clock.h"
#include "storage/memory/memory_storage.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const vedette::Clock& clock = vedette::SystemClock();
  const auto store = vedette::storage::NewMemoryStorage({}, clock);
  prometheus::Registry registry;
  vedette::collector::PushOptions push;
  push.series_cache_entries = 64;
  vedette::collector::Intake intake(*store, clock, registry, push);
  vedette::collector::GraphiteReceiver receiver(intake);
  const std::string_view lines(reinterpret_cast<const char*>(data), size);
  const auto first = receiver.Ingest(lines), second = receiver.Ingest(lines);
  if (first.samples != second.samples || first.dropped != second.dropped) std::abort();
  return 0;
}
