#include "app/process_metrics.h"

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "core/clock.h"
#include "core/version.h"

namespace vedette::app {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;

MetricFamily Single(std::string name, std::string help, MetricType type, double value) {
  MetricFamily family;
  family.name = std::move(name);
  family.help = std::move(help);
  family.type = type;
  prometheus::ClientMetric metric;
  if (type == MetricType::Counter) {
    metric.counter.value = value;
  } else {
    metric.gauge.value = value;
  }
  family.metric.push_back(std::move(metric));
  return family;
}

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// Second number of /proc/self/statm, in pages.
double ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  double total = 0, resident = 0;
  statm >> total >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
}

double OpenFiles() {
  std::error_code error;
  double count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", error)) ++count;
  return count > 0 ? count - 1 : 0;  // less the one that was open for looking
}

double MaxFiles() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<double>(limit.rlim_cur);
}

class ProcessMetrics final : public prometheus::Collectable {
 public:
  std::vector<MetricFamily> Collect() const override {
    MetricFamily build =
        Single("vedette_build_info", "Constant 1, labelled with what this binary is.", MetricType::Gauge, 1);
    prometheus::ClientMetric::Label version, revision;
    version.name = "version";
    version.value = kVersion;
    revision.name = "revision";
    revision.value = kRevision;
    build.metric.front().label = {version, revision};
    return {std::move(build),
            Single("process_cpu_seconds_total", "User and system CPU time.", MetricType::Counter, CpuSeconds()),
            Single("process_resident_memory_bytes", "Resident memory.", MetricType::Gauge, ResidentBytes()),
            Single("process_open_fds", "Open file descriptors.", MetricType::Gauge, OpenFiles()),
            Single("process_max_fds", "Limit of open file descriptors.", MetricType::Gauge, MaxFiles()),
            Single("process_start_time_seconds", "Start of the process in Unix seconds.", MetricType::Gauge, started_)};
  }

 private:
  const double started_ = SystemClock().Now().Seconds();
};

}  // namespace

std::unique_ptr<prometheus::Collectable> NewProcessMetrics() { return std::make_unique<ProcessMetrics>(); }

}  // namespace vedette::app
