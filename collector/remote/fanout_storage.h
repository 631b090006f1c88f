// The store here and the remote ends behind it, as one storage::Storage: what PromQL, rules and analytics read from
// when there is a `remote_read`.
//
// Writing goes to the store here. A selection is asked of it and of every end that may know more; a sample of the store
// here wins over one of the same series and time from elsewhere. An end that fails leaves a warning, not an error. With
// nobody to ask, queriers are those of the store here. Down-sampled tiers are used only then, and label names and
// values are always those of the store here: remote read has no question for them.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "collector/remote/remote_reader.h"
#include "storage/storage.h"

namespace vedette::collector {

class FanoutStorage final : public storage::Storage {
 public:
  struct Services {
    storage::Storage& local;  // outlives this
    prometheus::Registry& registry;
    std::function<Result<std::unique_ptr<HttpClient>>(const HttpConfig&)> new_client;
    /// From when on the store here has everything.
    std::function<TimeMs()> local_start;
  };
  explicit FanoutStorage(Services services);

  /// Queriers that are open go on with the ends of before. Errors: of new_client; those in force stay.
  Status Apply(std::span<const RemoteReadEnd> ends, const Labels& external_labels);

  std::unique_ptr<storage::Appender> NewAppender(const storage::AppendOptions& options) override {
    return services_.local.NewAppender(options);
  }
  std::unique_ptr<storage::Querier> NewQuerier(TimeRange range) const override;
  /// Those of the store here; null while there are ends.
  storage::ChangeLog* ChangesByTime() const override;
  storage::StoreStats Stats(std::size_t top) const override { return services_.local.Stats(top); }
  Result<storage::StoreStats> Cardinality(const storage::CardinalityQuery& query) const override {
    return services_.local.Cardinality(query);
  }
  Status Flush() override { return services_.local.Flush(); }

 private:
  using Readers = std::vector<std::shared_ptr<const RemoteReader>>;

  const Services services_;
  mutable std::mutex mutex_;
  std::shared_ptr<const Readers> readers_;  // guarded by mutex_
  std::unique_ptr<ReadMetrics> metrics_;    // once there is an end
};

}  // namespace vedette::collector
