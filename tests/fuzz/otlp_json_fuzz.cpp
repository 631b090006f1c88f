// Any bytes as an OTLP request in JSON, under all ways to translate names: no crash, no memory beyond the limits.
#include <cstdint>
#include <string_view>

#include <prometheus/registry.h>

#include "collector/push/otlp/receiver.h"
#include "core/clock.h"
#include "storage/memory/memory_storage.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const vedette::Clock& clock = vedette::SystemClock();
  const auto store = vedette::storage::NewMemoryStorage({}, clock);
  prometheus::Registry registry;
  vedette::collector::PushOptions push;
  push.max_request_bytes = 8 << 20;
  push.series_cache_entries = 64;
  vedette::collector::Intake intake(*store, clock, registry, push);
  vedette::collector::OtlpOptions options;
  options.translation_strategy = static_cast<vedette::collector::OtlpTranslation>(data[0] & 3);
  options.convert_histograms_to_nhcb = (data[0] & 4) != 0;
  options.promote_all_resource_attributes = (data[0] & 8) != 0;
  options.promote_scope_metadata = (data[0] & 16) != 0;
  options.label_name_preserve_multiple_underscores = (data[0] & 32) != 0;
  vedette::collector::OtlpReceiver receiver(intake, options, std::chrono::minutes(5));
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  for (int i = 0; i < 2; ++i) static_cast<void>(receiver.Ingest(body, "application/json", ""));
  return 0;
}
