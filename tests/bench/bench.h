// What the benchmarks measure themselves by, and how they end: they are programs with nobody to report to.
#pragma once

#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "core/result.h"

namespace vedette::bench {

/// CPU time of the process: other work on the machine does not count.
inline double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

inline double ResidentMiB() {
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  long pages = 0, resident = 0;
  if (file != nullptr) {
    if (std::fscanf(file, "%ld %ld", &pages, &resident) != 2) resident = 0;
    std::fclose(file);
  }
  return static_cast<double>(resident) * 4096 / (1 << 20);
}

/// Ends the program with the message of a failure.
inline void NeedOk(const Status& status) {
  if (status) return;
  std::fprintf(stderr, "%s\n", status.error().message.c_str());
  std::exit(1);
}
template <class T>
T Need(Result<T> result) {
  if (!result) NeedOk(std::move(result).error());
  return *std::move(result);
}

}  // namespace vedette::bench
