#include <prometheus/counter.h>

#include <algorithm>
#include <utility>

#include "collector/discovery/discovery_metrics.h"
#include "collector/discovery/discovery_task.h"
#include "collector/discovery/target_files.h"
#include "collector/scrape/async.h"

namespace vedette::collector {
namespace {

/// Change notices of the kernel miss network mounts and symlinked ConfigMaps; looking costs one stat() per file.
constexpr Millis kLookEvery = std::chrono::seconds(5);

class FileTask final : public PolledTask {
 public:
  FileTask(const DiscoveryEnvironment& environment, const FileSdConfig& config)
      : PolledTask(environment, {.what = "target files", .place = {}, .interval = kLookEvery}),
        refresh_(std::max(config.refresh_interval, kLookEvery)),
        failures_(*environment.metrics.file_read_failures),
        files_(config.files) {}

 private:
  boost::asio::awaitable<Answer> Ask() override {
    const auto now = std::chrono::steady_clock::now();
    const bool reread = now >= next_refresh_;
    if (reread) next_refresh_ = now + refresh_;
    TargetFiles::Outcome outcome;
    auto look = [&] { outcome = files_.Look(reread); };
    co_await RunOn(workers(), look);
    if (outcome.failures > 0) failures_.Increment(static_cast<double>(outcome.failures));
    if (!outcome.changed) co_return std::optional<TargetGroups>();
    co_return std::optional(files_.groups());
  }
  void Abort() override {}

  const Millis refresh_;
  prometheus::Counter& failures_;
  TargetFiles files_;
  std::chrono::steady_clock::time_point next_refresh_;
};

}  // namespace

std::unique_ptr<Discovery> NewFileDiscovery(const DiscoveryEnvironment& environment, const FileSdConfig& config) {
  return RunTask(std::make_shared<FileTask>(environment, config));
}

}  // namespace vedette::collector
