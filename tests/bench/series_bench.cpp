// What a series costs: bytes in memory and on disk, time to make, find and load it. Plain main; prints a table, of
// which docs/storage.md has the figures of one machine.
//
//   series_bench DIRECTORY [series]            names made here, in the manner of exporters
//   series_bench DIRECTORY [series] FILE       names of an exposition page: name{a="b",...} value, one per line
#include <malloc.h>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <prometheus/registry.h>

#include "core/clock.h"
#include "storage/head/series_table.h"
#include "storage/rocks/rocks_storage.h"
#include "tests/bench/bench.h"

namespace vedette::storage {
namespace {

using bench::CpuSeconds;
using bench::Need;

double HeapBytes() {
  const struct mallinfo2 info = mallinfo2();
  return static_cast<double>(info.uordblks) + static_cast<double>(info.hblkhd);
}

/// 10 labels, 125 bytes of text, 500 series per target.
Labels MadeLabels(std::size_t i) {
  const std::string target = std::to_string(i / 500);
  return {{"__name__", "metric_" + std::to_string(i % 97)},
          {"job", "node"},
          {"instance", "host-" + target + ":9100"},
          {"region", "eu-" + std::to_string(i / 500 % 3)},
          {"env", "prod"},
          {"device", "d" + std::to_string(i % 500)},
          {"mode", i % 2 == 0 ? "idle" : "user"},
          {"dc", "dc1"},
          {"team", "infra"},
          {"pod", "svc-" + std::to_string(i / 50 % 40) + "-" + std::to_string(i / 50 * 2654435761U % 1000003)}};
}

/// Of lines without escapes, as the load generator writes them.
Labels ParseLine(const std::string& line) {
  LabelsBuilder builder;
  const std::size_t open = line.find('{'), close = line.rfind('}');
  builder.Set(kMetricName, line.substr(0, std::min(open, line.find(' '))));
  for (std::size_t at = open + 1; open != std::string::npos && at < close;) {
    const std::size_t equal = line.find("=\"", at), end = line.find('"', equal + 2);
    builder.Set(line.substr(at, equal - at), line.substr(equal + 2, end - equal - 2));
    at = end + 2;
  }
  return builder.Build();
}

std::vector<Labels> ReadNames(const char* path, std::size_t series) {
  std::vector<Labels> out;
  std::ifstream file(path);
  for (std::string line; out.size() < series && std::getline(file, line);) {
    if (!line.empty() && line[0] != '#') out.push_back(ParseLine(line));
  }
  return out;
}

void InMemory(const std::vector<Labels>& names) {
  const auto count = static_cast<double>(names.size());
  const double before = HeapBytes();
  auto table = std::make_unique<SeriesTable>();
  double start = CpuSeconds();
  for (std::size_t i = 0; i < names.size(); ++i) table->Insert(SeriesId(i + 1), names[i]);
  const double inserted = (CpuSeconds() - start) / count;
  const double bytes = (HeapBytes() - before) / count;
  start = CpuSeconds();
  std::size_t found = 0;
  for (const Labels& labels : names) found += table->Find(labels) != nullptr ? 1 : 0;
  const double by_labels = (CpuSeconds() - start) / count;
  start = CpuSeconds();
  for (std::size_t i = 0; i < names.size(); ++i) found += table->LabelsOf(*table->Find(SeriesId(i + 1))).size();
  const double made = (CpuSeconds() - start) / count;
  std::printf(
      "table: %.1f B per series (%zu pairs, index %.1f B), insert %.0f ns, find by labels %.0f ns, "
      "make labels %.0f ns (%zu)\n",
      bytes, table->index().pair_count(), static_cast<double>(table->index().allocated_bytes()) / count, inserted * 1e9,
      by_labels * 1e9, made * 1e9, found);
}

std::uint64_t DirectoryBytes(const std::string& path) {
  std::uint64_t total = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
    if (entry.is_regular_file()) total += entry.file_size();
  }
  return total;
}

void InStore(const std::vector<Labels>& names, const std::string& path) {
  std::filesystem::remove_all(path);
  const auto count = static_cast<double>(names.size());
  StorageOptions options;
  options.path = path;
  RocksTuning tuning;
  tuning.maintenance_interval = Millis(0);
  const auto open = [&] {
    static prometheus::Registry registries[4];
    static std::size_t next = 0;
    return Need(RocksStorage::Open(options, SystemClock(), registries[next++], tuning));
  };
  auto store = open();
  std::vector<SeriesId> ids;
  double start = CpuSeconds();
  {
    const auto appender = store->NewAppender();
    for (const Labels& labels : names) ids.push_back(Need(appender->Series(labels)));
  }
  std::printf("store: new series %.0f ns", (CpuSeconds() - start) / count * 1e9);
  start = CpuSeconds();
  const TimeMs now = SystemClock().Now();
  for (std::size_t i = 0; i < ids.size(); i += 500) {
    const std::size_t n = std::min<std::size_t>(500, ids.size() - i);
    const auto appender = store->NewAppender();
    appender->AddRow(now, std::span(ids).subspan(i, n), std::vector<double>(n, 1));
    (void)Need(appender->Commit());
  }
  std::printf(", first commit %.0f ns", (CpuSeconds() - start) / count * 1e9);
  store.reset();
  start = CpuSeconds();
  store = open();
  std::printf(", start from records %.0f ns", (CpuSeconds() - start) / count * 1e9);
  start = CpuSeconds();
  if (!store->RunMaintenance(now)) std::exit(1);
  std::printf(", into blocks %.0f ns", (CpuSeconds() - start) / count * 1e9);
  store.reset();
  start = CpuSeconds();
  store = open();
  std::printf(", start from blocks %.0f ns, ", (CpuSeconds() - start) / count * 1e9);
  if (!store->Flush()) std::exit(1);
  store.reset();
  std::printf("disk %.1f B (a sample of each and its index included)\n",
              static_cast<double>(DirectoryBytes(path)) / count);
}

}  // namespace
}  // namespace vedette::storage

int main(int argc, char** argv) {
  using namespace vedette;
  if (argc < 2) {
    std::fprintf(stderr, "usage: series_bench DIRECTORY [series] [FILE]\n");
    return 2;
  }
  const auto series = static_cast<std::size_t>(argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 200'000);
  std::vector<Labels> names;
  if (argc > 3) {
    names = storage::ReadNames(argv[3], series);
  } else {
    for (std::size_t i = 0; i < series; ++i) names.push_back(storage::MadeLabels(i));
  }
  std::printf("%zu series\n", names.size());
  storage::InMemory(names);
  storage::InStore(names, argv[1]);
  return 0;
}
