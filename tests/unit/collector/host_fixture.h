// A made-up /proc and /sys in a temporary directory, and a host collector that reads it.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

#include "collector/host/host_collector.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"
#include "tests/support/temp_dir.h"

namespace vedette::collector {

class HostFixture {
 public:
  /// Only the named collectors are on.
  explicit HostFixture(std::initializer_list<std::string_view> on) {
    options.proc_path = dir.Sub("proc");
    options.sys_path = dir.Sub("sys");
    options.rootfs_path = dir.Sub("root");
    options.udev_data_path = dir.Sub("udev");
    for (const HostCollectorInfo& info : HostCollectors()) options.collectors[std::string(info.name)] = false;
    for (const std::string_view name : on) options.collectors[std::string(name)] = true;
  }

  void Write(std::string_view name, std::string_view text) const { dir.Write(name, text); }

  /// The text up to the collectors' own series; the whole text stays in `last`.
  std::string Collect() {
    if (!collector) collector = MustHave(HostCollector::Open(options, clock));
    last = collector->Collect();
    return last.substr(0, last.find("# HELP node_scrape_collector_duration_seconds"));
  }
  bool Succeeded(std::string_view name) const {
    return last.find("node_scrape_collector_success{collector=\"" + std::string(name) + "\"} 1\n") != std::string::npos;
  }

  test::TempDir dir;
  test::FakeClock clock;
  HostOptions options;
  std::unique_ptr<HostCollector> collector;
  std::string last;
};

/// `name value` lines of a text, without the comments: what most tests compare.
inline std::string SamplesOf(std::string_view text) {
  std::string samples;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    if (text.front() != '#') samples += text.substr(0, end);
    text.remove_prefix(end);
  }
  return samples;
}

}  // namespace vedette::collector
