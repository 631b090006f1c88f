// `vedette storage inspect|verify|compact`: a data directory that no agent has open.
#include <cstdio>

#include "app/commands.h"
#include "app/offline_store.h"
#include "core/log.h"
#include "storage/rocks/inspect.h"
#include "storage/rocks/verify.h"

namespace vedette::app {
namespace {

double PerSample(std::uint64_t bytes, std::uint64_t samples) {
  return samples == 0 ? 0 : static_cast<double>(bytes) / static_cast<double>(samples);
}

Status Inspect(const std::string& path) {
  VEDETTE_TRY(const storage::StoreReport report, storage::InspectStore(path));
  fmt::print("format version {}, {} series defined, {} journal records, {} deletions under way, {} table files\n\n",
             report.format_version, report.definitions, report.journal_records, report.tombstones, report.table_files);
  fmt::print("{:<10} {:>10} {:>10} {:>10} {:>8} {:>14} {:>11} {:>10} {:>12} {:>12} {:>8}\n", "day", "series", "sealed",
             "packed", "bundles", "samples", "histograms", "tier rows", "chunk bytes", "disk bytes", "B/sample");
  std::uint64_t samples = 0, bytes = 0;
  for (const storage::DayReport& day : report.days) {
    const std::string date = FormatRfc3339(TimeMs(day.day * 86'400'000LL)).substr(0, 10);
    fmt::print("{:<10} {:>10} {:>10} {:>10} {:>8} {:>14} {:>11} {:>10} {:>12} {:>12} {:>8.3f}\n", date, day.series,
               day.loose, day.packed, day.bundles, day.samples, day.histograms, day.tier_rows, day.chunk_bytes,
               day.disk_bytes, PerSample(day.disk_bytes, day.samples));
    samples += day.samples;
  }
  fmt::print("\n{:<10} {:>12}\n", "family", "disk bytes");
  for (const auto& [name, size] : report.family_bytes) {
    fmt::print("{:<10} {:>12}\n", name, size);
    bytes += size;
  }
  fmt::print("{:<10} {:>12}   {:.3f} bytes per sample\n", "all", bytes, PerSample(bytes, samples));
  return Ok();
}

Result<bool> Verify(const StorageCommand& command) {
  VEDETTE_TRY(const storage::VerifyReport report, storage::VerifyStore(command.path, command.repair));
  for (const std::string& problem : report.problems) fmt::print("damaged: {}\n", problem);
  if (report.problem_count > report.problems.size()) {
    fmt::print("... and {} more\n", report.problem_count - report.problems.size());
  }
  for (const std::string& repair : report.repairs) fmt::print("repair: {}\n", repair);
  fmt::print(
      "{} table files, {} series, {} chunks, {} bundles, {} samples, {} index rows, {} journal records, {} tier rows "
      "read: {}\n",
      report.table_files, report.series, report.chunks, report.bundles, report.samples, report.index_rows,
      report.journal_records, report.tier_rows,
      report.problem_count == 0 ? "no damage" : fmt::format("{} damaged places", report.problem_count));
  return report.problem_count == 0;
}

Result<bool> Run(const StorageCommand& command) {
  ConfigureLogging(LogLevel::kWarn, LogFormat::kLogfmt);
  switch (command.what) {
    case StorageCommand::What::kInspect:
      VEDETTE_CHECK(Inspect(command.path));
      return true;
    case StorageCommand::What::kVerify:
      return Verify(command);
    case StorageCommand::What::kCompact:
      break;
  }
  VEDETTE_TRY(const OfflineStore store, OfflineStore::Open(command.path, false));
  VEDETTE_CHECK(store->Flush());
  return true;
}

}  // namespace

int StorageTool(const StorageCommand& command) {
  const auto good = Run(command);
  if (!good) fmt::print(stderr, "vedette storage: {}\n", good.error().message);
  return good && *good ? 0 : 1;
}

}  // namespace vedette::app
