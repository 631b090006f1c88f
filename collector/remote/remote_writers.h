// All remote ends that samples are sent to: `remote_write`.
//
// A reload keeps the ends that did not change, with their queues. Each end has its place in the feed of the store under
// its name, or under its URL when it has none (of several such ends with one URL all but one are told apart by their
// headers and relabelling): it is kept over restarts and changes of anything else, and forgotten
// when the end leaves the configuration. Apply() and Stop() are for one thread at a time.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "collector/remote/remote_writer.h"

namespace prometheus {
class Registry;
}

namespace vedette::collector {

class RemoteWriters {
 public:
  struct Services {
    storage::FeedStore& feeds;
    const Clock& clock;
    prometheus::Registry& registry;
    std::function<Result<std::unique_ptr<HttpClient>>(const HttpConfig&, const RequestAuth&)> new_client;
    std::function<std::vector<MetricMetadata>()> metadata;
    Millis poll = Millis(100);
    std::size_t series_bytes = std::size_t{128} << 20;
  };
  explicit RemoteWriters(Services services) : services_(std::move(services)) {}
  ~RemoteWriters();

  /// Errors: of new_client; those in force go on.
  Status Apply(std::span<const RemoteWriteEnd> ends, const Labels& external_labels);
  /// Forgets the places of all other ends: once it is certain that the configuration stays.
  void ForgetOthers();
  /// Sends what the store has by now, unless that fails or takes longer.
  void Stop(Millis flush);

 private:
  SendEnvironment Environment();

  const Services services_;
  std::optional<SendMetricFamilies> metrics_;  // once there is an end
  std::vector<std::unique_ptr<RemoteWriter>> writers_;
};

}  // namespace vedette::collector
