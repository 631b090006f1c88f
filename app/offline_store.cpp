#include "app/offline_store.h"

#include <prometheus/registry.h>

#include <filesystem>

#include "core/clock.h"
#include "core/log.h"

namespace vedette::app {

Result<OfflineStore> OfflineStore::Open(const std::string& path, bool make) {
  ConfigureLogging(LogLevel::kWarn, LogFormat::kLogfmt);
  std::error_code error;
  if (!make && !std::filesystem::exists(path + "/db/CURRENT", error)) {
    return Fail(Code::kNotFound, "{} is not a data directory", path);
  }
  storage::StorageOptions options;
  options.path = path;
  options.retention = Millis(0);
  storage::RocksTuning tuning;
  tuning.maintenance_interval = Millis(0);
  OfflineStore out;
  out.registry_ = std::make_shared<prometheus::Registry>();
  VEDETTE_TRY(out.store_, storage::RocksStorage::Open(options, SystemClock(), *out.registry_, tuning));
  return out;
}

}  // namespace vedette::app
