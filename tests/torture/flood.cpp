#include "tests/torture/flood.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <vector>

#include <prometheus/registry.h>
#include <unistd.h>

#include "core/clock.h"
#include "storage/rocks/rocks_storage.h"
#include "tests/support/temp_dir.h"

namespace vedette::test {
namespace {

constexpr std::uint64_t kKnownSeries = 1'000;
constexpr std::uint64_t kBatch = 500;
constexpr std::uint64_t kLook = 250'000;

std::uint64_t ResidentBytes() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t pages = 0, resident = 0;
  file >> pages >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

Labels KnownLabels(std::uint64_t i) {
  return {{"__name__", "known"}, {"i", std::to_string(i)}, {"instance", "host-" + std::to_string(i / 100)}};
}

/// A label that grows without end, as a request id would.
Labels FloodLabels(std::uint64_t i) {
  return {{"__name__", "http_requests_total"},
          {"instance", "host-" + std::to_string(i / kBatch % 100)},
          {"job", "web"},
          {"path", "/user/" + std::to_string(i * 2654435761U % 100'000'007)},
          {"request", std::to_string(i)}};
}

std::uint64_t CountRefused(prometheus::Registry& registry) {
  double out = 0;
  for (const auto& family : registry.Collect()) {
    if (family.name != "vedette_storage_refused_total") continue;
    for (const auto& metric : family.metric) {
      if (metric.label.at(0).value == "max_series") out += metric.counter.value;
    }
  }
  return static_cast<std::uint64_t>(out);
}

Status CheckKnown(const storage::Storage& store, std::uint64_t rows) {
  const auto querier = store.NewQuerier({});
  const Matcher known = Matcher::Equal("__name__", "known");
  VEDETTE_TRY(const auto found, querier->Select(std::span(&known, 1)));
  if (found.size() != kKnownSeries) return Fail(Code::kInternal, "{} known series are found", found.size());
  storage::Columns got;
  for (const storage::SeriesEntry& entry : found) {
    got.clear();
    VEDETTE_CHECK(querier->Read(entry.id, {}, got));
    if (got.size() != rows) {
      return Fail(Code::kInternal, "{} has {} of {} samples", entry.labels.ToString(), got.size(), rows);
    }
  }
  return Ok();
}

}  // namespace

std::string FloodReport::ToString() const {
  return fmt::format(
      "{} new series taken, {} refused, {} counted, {} samples of known series, {:.1f} s, peak RSS {} MiB", created,
      refused, counted, known_samples, seconds, peak_rss >> 20);
}

Result<FloodReport> Flood(const FloodOptions& options) {
  const TempDir dir;
  prometheus::Registry registry;
  storage::StorageOptions limits;
  limits.path = dir.Sub("data");
  limits.max_series = options.max_series;
  limits.max_series_bytes = options.max_series_bytes;
  limits.min_free_disk_bytes = 0;
  VEDETTE_TRY(const auto store, storage::RocksStorage::Open(limits, SystemClock(), registry));
  const auto appender = store->NewAppender();
  std::vector<storage::SeriesId> known;
  for (std::uint64_t i = 0; i < kKnownSeries; ++i) {
    VEDETTE_TRY(const storage::SeriesId id, appender->Series(KnownLabels(i)));
    known.push_back(id);
  }
  FloodReport report;
  const std::int64_t begin = SystemClock().Now().ms;
  const auto start = std::chrono::steady_clock::now();
  const auto elapsed = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); };
  std::uint64_t rows = 0;
  const auto scrape_known = [&]() -> Status {
    appender->AddRow(TimeMs(begin + static_cast<std::int64_t>(rows)), known,
                     std::vector<double>(known.size(), static_cast<double>(rows)));
    ++rows;
    VEDETTE_TRY(const storage::AppendOutcome outcome, appender->Commit());
    report.known_samples += outcome.stored;
    return Ok();
  };
  for (std::uint64_t at = 0; at < options.series;) {
    std::vector<storage::SeriesId> ids;
    for (std::uint64_t i = 0; i < kBatch && at < options.series; ++i, ++at) {
      const auto id = appender->Series(FloodLabels(at));
      if (id) {
        ids.push_back(*id);
      } else if (id.error().code == Code::kLimit) {
        ++report.refused;
      } else {
        return id.error();
      }
    }
    report.created += ids.size();
    if (!ids.empty()) {
      appender->AddRow(SystemClock().Now(), ids, std::vector<double>(ids.size(), 1));
      VEDETTE_TRY(const storage::AppendOutcome outcome, appender->Commit());
      if (outcome.stored != ids.size()) return Fail(Code::kInternal, "{} of {} stored", outcome.stored, ids.size());
    }
    if (at % (kBatch * 20) == 0) VEDETTE_CHECK(scrape_known());
    if (at % kLook != 0) continue;
    report.peak_rss = std::max(report.peak_rss, ResidentBytes());
    report.seconds = elapsed();
    report.counted = CountRefused(registry);
    if (options.progress) options.progress(report.ToString());
  }
  report.seconds = elapsed();
  report.counted = CountRefused(registry);
  if (report.counted != report.refused)
    return Fail(Code::kInternal, "refusals were not counted: {}", report.ToString());
  if (report.known_samples != rows * kKnownSeries) return Fail(Code::kInternal, "known series were refused");
  VEDETTE_CHECK(CheckKnown(*store, rows));
  return report;
}

}  // namespace vedette::test
