// A file into closed days and out again: how fast `vedette import` reads a format, what the samples take on disk by
// family, how fast a raw scan through the storage interface is. Plain main; prints lines.
//
//   bulk_bench DIRECTORY text|openmetrics|jsonl|csv FILE     imports FILE into a new store, flushes, scans
//   bulk_bench DIRECTORY                                     scans a store that is there
//
// Times are CPU times of the process, background work included; a file is read from the page cache.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <prometheus/registry.h>

#include "collector/bulk/importer.h"
#include "core/clock.h"
#include "storage/rocks/rocks_storage.h"
#include "tests/bench/bench.h"

namespace vedette::storage {
namespace {

using bench::CpuSeconds;
using bench::Need;
using bench::NeedOk;

std::unique_ptr<RocksStorage> OpenStore(const std::string& path, prometheus::Registry& registry) {
  StorageOptions options;
  options.path = path;
  options.retention = std::chrono::hours(24 * 36'500);
  return Need(RocksStorage::Open(options, SystemClock(), registry));
}

/// The samples alone: parsing without a store.
class NowhereWriter final : public BulkWriter {
 public:
  Result<SeriesId> Series(const Labels&) override { return SeriesId(++last_); }
  Status Add(SeriesId, Columns& samples) override {
    samples.clear();
    return Ok();
  }
  Status AddHistograms(SeriesId, HistogramColumns& samples) override {
    samples.clear();
    return Ok();
  }
  Result<BulkOutcome> Flush() override { return BulkOutcome(); }

 private:
  std::uint64_t last_ = 0;
};

std::uint64_t ImportInto(BulkWriter& writer, collector::BulkFormat format, const std::string& path) {
  collector::Importer importer(writer, format);
  std::ifstream file(path, std::ios::binary);
  std::vector<char> buffer(1 << 20);
  while (file.read(buffer.data(), static_cast<std::streamsize>(buffer.size())) || file.gcount() > 0) {
    NeedOk(importer.Feed({buffer.data(), static_cast<std::size_t>(file.gcount())}));
  }
  const collector::ImportReport report = Need(importer.Finish());
  if (report.bad_lines != 0) std::printf("%llu bad lines\n", static_cast<unsigned long long>(report.bad_lines));
  return report.samples;
}

void Import(const std::string& path, const std::string& format_name, const std::string& file) {
  const collector::BulkFormat format = Need(collector::ParseBulkFormat(format_name));
  std::filesystem::remove_all(path);
  double start = CpuSeconds();
  NowhereWriter nowhere;
  const auto samples = static_cast<double>(ImportInto(nowhere, format, file));
  const double parsed = CpuSeconds() - start;
  prometheus::Registry registry;
  const auto store = OpenStore(path, registry);
  start = CpuSeconds();
  (void)ImportInto(*store->NewBulkWriter(), format, file);
  const double stored = CpuSeconds() - start;
  start = CpuSeconds();
  NeedOk(store->Flush());
  std::printf("import of %.1f M samples: %.1f ns CPU each, %.2f M/s per core; parsing alone %.1f ns; flush %.1f ns\n",
              samples * 1e-6, stored / samples * 1e9, samples / stored * 1e-6, parsed / samples * 1e9,
              (CpuSeconds() - start) / samples * 1e9);
}

void Scan(const std::string& path) {
  prometheus::Registry registry;
  const auto store = OpenStore(path, registry);
  for (int round = 0; round < 8; ++round) {
    double start = CpuSeconds();
    const auto querier = store->NewQuerier(TimeRange());
    std::vector<SeriesEntry> found = Need(querier->Select({}));
    const double selected = CpuSeconds() - start;
    // In turns: by labels, as queries read, and as they lie on disk, which is what a scan is.
    const bool by_id = round % 2 == 1;
    if (by_id) std::ranges::sort(found, {}, &SeriesEntry::id);
    Columns out;
    std::size_t samples = 0;
    start = CpuSeconds();
    for (const SeriesEntry& entry : found) {
      out.clear();
      NeedOk(querier->Read(entry.id, TimeRange(), out));
      samples += out.size();
    }
    const double read = CpuSeconds() - start;
    std::printf("scan %d, by %s: %zu series selected in %.1f ms CPU, %.1f M samples read, %.1f M/s per core\n", round,
                by_id ? "id" : "labels", found.size(), selected * 1e3, static_cast<double>(samples) * 1e-6,
                static_cast<double>(samples) / read * 1e-6);
    if (round == 0) {
      std::uint64_t bytes = 0;
      for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
        if (entry.is_regular_file()) bytes += entry.file_size();
      }
      std::printf("directory: %.4f B/sample\n", static_cast<double>(bytes) / static_cast<double>(samples));
    }
  }
}

}  // namespace
}  // namespace vedette::storage

int main(int argc, char** argv) {
  if (argc != 2 && argc != 4) {
    std::fprintf(stderr, "usage: bulk_bench DIRECTORY [text|openmetrics|jsonl|csv FILE]\n");
    return 2;
  }
  if (argc == 4) vedette::storage::Import(argv[1], argv[2], argv[3]);
  vedette::storage::Scan(argv[1]);
  return 0;
}
