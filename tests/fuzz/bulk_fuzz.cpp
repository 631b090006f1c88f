// Any bytes as a file to import, in every format and cut at odd places: never more than bad lines.
#include <cstdint>
#include <cstdlib>

#include "collector/bulk/importer.h"
#include "core/clock.h"
#include "storage/memory/memory_storage.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vedette;
  if (size == 0) return 0;
  const auto format = static_cast<collector::BulkFormat>(data[0] % 4);
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  storage::StorageOptions options;
  options.retention = Millis(0);
  const auto store = storage::NewMemoryStorage(options, SystemClock());
  const auto writer = store->NewBulkWriter();
  collector::Importer importer(*writer, format, 16);
  const std::size_t cut = data[0] / 4U;
  if (!importer.Feed(bytes.substr(0, cut)) || !importer.Feed(bytes.substr(std::min(cut, bytes.size())))) std::abort();
  const auto report = importer.Finish();
  if (!report) std::abort();
  if (report->outcome.stored + report->outcome.too_old + report->outcome.too_new != report->samples) std::abort();
  return 0;
}
