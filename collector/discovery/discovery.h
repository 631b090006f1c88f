// Where targets come from. A discovery reports all it knows whenever that changes; the scrape pool does the rest.
//
// Static lists, files and HTTP endpoints are here. Another kind (DNS, Kubernetes) is one more function that returns a
// Discovery, one more list in ScrapeConfig, and a row in scrape_pool.cpp.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "collector/options.h"
#include "core/labels.h"

namespace boost::asio {
class io_context;
class thread_pool;
}  // namespace boost::asio
namespace prometheus {
class Counter;
}

namespace vedette::collector {

/// Targets that were found in one place and share labels.
struct TargetGroup {
  std::string source;           // names the place: "file.json:0"
  std::vector<Labels> targets;  // each with __address__
  Labels labels;                // added to each target, which wins
  bool operator==(const TargetGroup&) const = default;
};

class Discovery {
 public:
  /// Called with all groups, from any thread, never from two at once.
  using Update = std::function<void(std::vector<TargetGroup>)>;

  /// Ends it. An update under way may still arrive a moment later: what `update` refers to must be able to tell.
  virtual ~Discovery() = default;
  /// Once. The first update may come before Start() returns.
  virtual void Start(Update update) = 0;
};

/// A group for each list.
std::vector<TargetGroup> StaticGroups(const std::vector<StaticConfig>& configs);
std::unique_ptr<Discovery> NewStaticDiscovery(const std::vector<StaticConfig>& configs);

/// Looks at the files every few seconds and reads those that changed; reads all of them at each refresh_interval. A
/// file that is broken keeps its last good targets, is logged once per change and counted in `failures`. Reading
/// happens on `workers`.
std::unique_ptr<Discovery> NewFileDiscovery(boost::asio::io_context& io, boost::asio::thread_pool& workers,
                                            const FileSdConfig& config, prometheus::Counter& failures);

/// Asks the endpoint at each refresh_interval. A reply that is not 200, JSON and a list of groups keeps the last good
/// targets, is logged when it begins and counted in `failures`; before there are any, none are reported. `known`: what
/// an earlier discovery of the same endpoint reported last.
std::unique_ptr<Discovery> NewHttpDiscovery(boost::asio::io_context& io, boost::asio::thread_pool& workers,
                                            const HttpSdConfig& config, std::shared_ptr<HttpClient> client,
                                            prometheus::Counter& failures,
                                            std::optional<std::vector<TargetGroup>> known = std::nullopt);

}  // namespace vedette::collector
