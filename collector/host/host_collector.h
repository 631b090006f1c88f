// The built-in host collector: reads /proc, /sys and statvfs and writes node_exporter's names, labels, HELP and TYPE,
// so that dashboards and rules made for a node_exporter work without one.
//
// The scrape path calls Collect() for an internal target and ingests the text like any other scrape, from one worker
// thread at a time. The collectors are the rows of the table in parts.cpp; differences to node_exporter are listed in
// docs/host_collector.md.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "collector/host/options.h"
#include "core/clock.h"
#include "core/result.h"

namespace vedette::collector {

class HostCollector {
 public:
  /// Errors: as HostOptions::Validate(). Nothing is read yet: a missing file is a failed collector later on.
  /// `clock` outlives the collector.
  static Result<std::unique_ptr<HostCollector>> Open(const HostOptions& options, const Clock& clock);
  virtual ~HostCollector() = default;

  /// One reading of the host in the text format 0.0.4. A collector that fails adds nothing but its
  /// node_scrape_collector_success 0. Cost: well below a millisecond on a small machine, plus whatever a file system
  /// that hangs may take (filesystem_mount_timeout, once). Files stay open in between; one thread at a time.
  virtual std::string Collect() = 0;
};

struct HostCollectorInfo {
  std::string_view name;
  bool on_by_default = true;
  std::string_view help;
};
/// What there is to switch on or off, sorted by name: for the documentation and for error messages.
std::vector<HostCollectorInfo> HostCollectors();

}  // namespace vedette::collector
