// The host collector: what a reading costs, by collector, and what it says. Plain main; prints lines.
//
//   host_bench [READINGS] [+COLLECTOR | -COLLECTOR]...        50 readings of this machine
//   host_bench print [OPTION=VALUE | +COLLECTOR | -COLLECTOR]...  one reading as text; options: proc, sys, rootfs,
//   udev,
//                                                             textfile
//
// The share of a core is that of readings every 10 s, user and system time of the process, from getrusage().
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

#include "collector/host/host_collector.h"
#include "core/clock.h"
#include "tests/bench/bench.h"

namespace vedette::collector {
namespace {

void Apply(std::string_view argument, HostOptions& options) {
  const std::string name(argument.substr(1));
  if (argument.starts_with('+')) options.collectors[name] = true;
  if (argument.starts_with('-')) options.collectors[name] = false;
  const std::size_t equals = argument.find('=');
  if (equals == std::string_view::npos) return;
  const std::map<std::string_view, std::string*> texts{{"proc", &options.proc_path},
                                                       {"sys", &options.sys_path},
                                                       {"rootfs", &options.rootfs_path},
                                                       {"udev", &options.udev_data_path},
                                                       {"textfile", &options.textfile_directory}};
  const auto text = texts.find(argument.substr(0, equals));
  if (text != texts.end()) *text->second = argument.substr(equals + 1);
}

void PrintCost(const HostOptions& options, int readings) {
  const auto host = bench::Need(HostCollector::Open(options, SystemClock()));
  std::size_t series = 0;
  for (int warm_up = 0; warm_up < 2; ++warm_up) {
    const std::string text = host->Collect();
    series = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  }
  const double before = bench::CpuSeconds();
  for (int i = 0; i < readings; ++i) host->Collect();
  const double each = (bench::CpuSeconds() - before) / readings;
  constexpr double kInterval = 10;
  std::printf("%zu lines, %.3f ms of CPU a reading, %.4f %% of a core every 10 s\n", series, each * 1e3,
              each / kInterval * 100);
}

int Main(int argc, char** argv) {
  HostOptions options;
  const bool print = argc > 1 && std::string_view(argv[1]) == "print";
  int readings = 50;
  for (int i = 1; i < argc; ++i) {
    Apply(argv[i], options);
    if (const int number = std::atoi(argv[i]); number > 0) readings = number;
  }
  if (print) {
    std::fputs(bench::Need(HostCollector::Open(options, SystemClock()))->Collect().c_str(), stdout);
    return 0;
  }
  PrintCost(options, readings);
  for (const HostCollectorInfo& info : HostCollectors()) {
    const auto choice = options.collectors.find(std::string(info.name));
    if (choice == options.collectors.end() ? !info.on_by_default : !choice->second) continue;
    HostOptions one = options;
    for (const HostCollectorInfo& other : HostCollectors()) {
      one.collectors[std::string(other.name)] = other.name == info.name;
    }
    std::printf("%-18.*s ", static_cast<int>(info.name.size()), info.name.data());
    PrintCost(one, readings);
  }
  return 0;
}

}  // namespace
}  // namespace vedette::collector

int main(int argc, char** argv) { return vedette::collector::Main(argc, argv); }
