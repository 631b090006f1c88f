// What samples cost: bytes and decode speed per codec on series as exporters write them, then the whole store: commits,
// disk, scan, restart. Plain main; prints a table. docs/storage_format.md has the figures of one machine.
//
//   storage_bench codecs
//   storage_bench store DIRECTORY [series] [scrapes]
//   storage_bench fill DIRECTORY [series] [scrapes]   ends as by kill -9, with all of it in the journal (to 299
//   scrapes) storage_bench open DIRECTORY [times]              starts on a copy of what `fill` left
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include <prometheus/registry.h>

#include "core/clock.h"
#include "storage/chunk/chunk.h"
#include "storage/chunk/open_chunk.h"
#include "storage/rocks/rocks_storage.h"
#include "tests/bench/bench.h"

namespace vedette::storage {
namespace {

using bench::CpuSeconds;
using bench::Need;
using bench::NeedOk;
using bench::ResidentMiB;

double Now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

struct Kind {
  const char* name;
  std::function<double(int, std::mt19937_64&)> next;
};

/// Value number i of a fresh series.
std::vector<Kind> Kinds() {
  double requests = 1e6, bytes = 3e10, seconds = 1234.5, level = 50;
  const auto uniform = [](std::mt19937_64& r) { return static_cast<double>(r() >> 11) * 0x1p-53; };
  return {
      {"constant (up, limits)", [](int, std::mt19937_64&) { return 1.0; }},
      {"gauge that rarely moves", [](int i, std::mt19937_64&) { return static_cast<double>(1024 + i / 60); }},
      {"counter, steady", [=](int, std::mt19937_64& r) mutable { return requests += static_cast<double>(r() % 20); }},
      {"counter of bytes",
       [=](int, std::mt19937_64& r) mutable { return bytes += static_cast<double>(r() % 3'000'000); }},
      {"cpu seconds, 2 decimals",
       [=](int, std::mt19937_64& r) mutable { return seconds = std::round((seconds + uniform(r) * 15) * 100) / 100; }},
      {"gauge, 1 decimal",
       [=](int, std::mt19937_64& r) mutable { return level = std::round((level + uniform(r) - 0.5) * 10) / 10; }},
      {"gauge of bytes", [=](int, std::mt19937_64& r) { return 4096 * std::floor(1e6 + uniform(r) * 2e4); }},
      {"float noise (17 digits)", [=](int, std::mt19937_64& r) { return uniform(r); }},
  };
}

Columns MakeSeries(const Kind& kind, std::size_t n, bool jitter) {
  std::mt19937_64 random(17);
  Columns out;
  for (std::size_t i = 0; i < n; ++i) {
    const std::int64_t noise = jitter ? static_cast<std::int64_t>(random() % 5) - 2 : 0;
    out.times.push_back(1'700'000'000'000 + static_cast<std::int64_t>(i) * 15'000 + noise);
    out.values.push_back(kind.next(static_cast<int>(i), random));
  }
  return out;
}

const char* CodecName(const ChunkHeader& header) {
  constexpr const char* kNames[] = {"constant", "integers", "xor", "bits", "products"};
  return kNames[static_cast<std::size_t>(header.value_codec)];
}

void Codecs() {
  std::printf("%-26s %-9s %9s %9s %9s %9s %11s %11s\n", "series, 240 samples", "codec", "B/sample", "jitter",
              "xor only", "4096", "encode ns", "decode M/s");
  for (const Kind& kind : Kinds()) {
    const auto size = [&](std::size_t n, bool jitter, std::optional<ValueCodec> forced) {
      const Columns samples = MakeSeries(kind, n, jitter);
      std::string bytes;
      EncodeChunk(samples.times, samples.values, bytes, forced);
      return static_cast<double>(bytes.size()) / static_cast<double>(n);
    };
    const Columns samples = MakeSeries(kind, 240, false);
    std::string bytes;
    constexpr int kRounds = 2'000;
    double start = CpuSeconds();
    for (int i = 0; i < kRounds; ++i) {
      bytes.clear();
      EncodeChunk(samples.times, samples.values, bytes);
    }
    const double encode = (CpuSeconds() - start) / kRounds / 240;
    Columns out;
    start = CpuSeconds();
    for (int i = 0; i < 10 * kRounds; ++i) {
      out.clear();
      NeedOk(DecodeChunk(bytes, out));
    }
    const double decode = (CpuSeconds() - start) / (10 * kRounds) / 240;
    std::printf("%-26s %-9s %9.3f %9.3f %9.3f %9.3f %11.1f %11.0f\n", kind.name,
                CodecName(Need(ReadChunkHeader(bytes))), size(240, false, {}), size(240, true, {}),
                size(240, false, ValueCodec::kXor), size(4096, false, {}), encode * 1e9, 1e-6 / decode);
  }
}

std::uint64_t DirectoryBytes(const std::string& path) {
  std::uint64_t total = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
    if (entry.is_regular_file()) total += entry.file_size();
  }
  return total;
}

/// 10 labels, some shared, some per target, one per series; 500 series per target.
Labels SeriesLabels(std::size_t i) {
  const std::string target = std::to_string(i / 500);
  return {{"__name__", "metric_" + std::to_string(i % 97)}, {"job", "node"}, {"instance", "host-" + target + ":9100"},
          {"region", "eu-" + std::to_string(i / 500 % 3)},  {"env", "prod"}, {"device", "d" + std::to_string(i % 500)},
          {"mode", i % 2 == 0 ? "idle" : "user"},           {"dc", "dc1"},   {"team", "infra"}};
}

struct Bench {
  StorageOptions options;
  prometheus::Registry registry;
  std::unique_ptr<RocksStorage> store;
  std::vector<SeriesId> ids;

  void Open() {
    store.reset();
    const double start = Now(), cpu = CpuSeconds();
    store = Need(RocksStorage::Open(options, SystemClock(), registry));
    std::printf("open: %.3f s, %.3f s CPU\n", Now() - start, CpuSeconds() - cpu);
  }

  void Create(std::size_t series) {
    const double start = CpuSeconds();
    const auto appender = store->NewAppender();
    for (std::size_t i = 0; i < series; ++i) ids.push_back(Need(appender->Series(SeriesLabels(i))));
    std::printf("new series: %.2f us each\n", (CpuSeconds() - start) / static_cast<double>(series) * 1e6);
  }

  void Scrape(std::size_t scrapes, std::int64_t end) {
    std::vector<Kind> kinds;
    std::mt19937_64 random(3);
    // One generator per series kind and series would dominate: values are made before the clock starts.
    std::vector<double> values(ids.size());
    for (auto& v : values) v = static_cast<double>(random() % 100'000);
    double spent = 0, wall = 0;
    for (std::size_t n = 0; n < scrapes; ++n) {
      for (std::size_t i = 0; i < ids.size(); ++i) {
        if (i % 2 == 0) continue;  // half never change
        if (i % 10 == 1)
          values[i] += static_cast<double>(random() % 1000) / 8;  // a tenth has fractions
        else
          values[i] += static_cast<double>(random() % 50);
      }
      const std::int64_t time = end - static_cast<std::int64_t>(scrapes - n) * 15'000;
      const double cpu = CpuSeconds(), start = Now();
      const auto appender = store->NewAppender();
      for (std::size_t i = 0; i < ids.size(); i += 500) {
        const std::size_t count = std::min<std::size_t>(500, ids.size() - i);
        appender->AddRow(TimeMs(time), std::span(ids).subspan(i, count), std::span(values).subspan(i, count));
        (void)Need(appender->Commit());
      }
      spent += CpuSeconds() - cpu;
      wall += Now() - start;
    }
    const double samples = static_cast<double>(scrapes * ids.size());
    std::printf("append: %.0f ns CPU per sample (background included), %.2f M samples/s, %.0f commits/s\n",
                spent / samples * 1e9, samples / wall * 1e-6, samples / 500 / wall);
  }

  void Scan(const char* what) {
    const double start = CpuSeconds();
    const auto querier = store->NewQuerier(TimeRange());
    const auto found = Need(querier->Select({}));
    const double selected = CpuSeconds();
    Columns out;
    std::size_t samples = 0;
    for (const SeriesEntry& entry : found) {
      out.clear();
      NeedOk(querier->Read(entry.id, TimeRange(), out));
      samples += out.size();
    }
    std::printf("%s: select of %zu series %.3f s CPU, read %.1f M samples per CPU s (%zu)\n", what, found.size(),
                selected - start, static_cast<double>(samples) / (CpuSeconds() - selected) * 1e-6, samples);
  }
};

void Store(const std::string& path, std::size_t series, std::size_t scrapes) {
  std::filesystem::remove_all(path);
  Bench bench;
  bench.options.path = path;
  bench.Open();
  const double before = ResidentMiB();
  bench.Create(series);
  bench.Scrape(scrapes, SystemClock().Now().ms);
  std::printf("memory: %.0f B per active series\n", (ResidentMiB() - before) * (1 << 20) / static_cast<double>(series));
  bench.Scan("fresh");
  bench.Open();
  const double start = CpuSeconds();
  NeedOk(bench.store->Flush());
  std::printf("flush: %.2f s CPU, %.3f B per sample on disk, index included\n", CpuSeconds() - start,
              static_cast<double>(DirectoryBytes(path)) / static_cast<double>(series * scrapes));
  bench.Scan("flushed");
  const double close = Now();
  bench.store.reset();
  std::printf("close: %.3f s\n", Now() - close);
}

[[noreturn]] void Fill(const std::string& path, std::size_t series, std::size_t scrapes) {
  std::filesystem::remove_all(path);
  Bench bench;
  bench.options.path = path;
  bench.Open();
  bench.Create(series);
  bench.Scrape(scrapes, SystemClock().Now().ms);
  std::fflush(stdout);
  std::_Exit(0);
}

void OpenCopies(const std::string& path, std::size_t times) {
  const std::string copy = path + ".copy";
  for (std::size_t i = 0; i < times; ++i) {
    std::filesystem::remove_all(copy);
    std::filesystem::copy(path, copy, std::filesystem::copy_options::recursive);
    Bench bench;
    bench.options.path = copy;
    bench.Open();
    std::printf("  head of %.0f MiB\n", ResidentMiB());
  }
  std::filesystem::remove_all(copy);
}

}  // namespace
}  // namespace vedette::storage

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "codecs";
  const auto number = [&](int i, std::size_t other) {
    return argc > i ? static_cast<std::size_t>(std::strtoull(argv[i], nullptr, 10)) : other;
  };
  if (what == "codecs") {
    vedette::storage::Codecs();
  } else if (what == "store" && argc > 2) {
    vedette::storage::Store(argv[2], number(3, 100'000), number(4, 240));
  } else if (what == "fill" && argc > 2) {
    vedette::storage::Fill(argv[2], number(3, 100'000), number(4, 240));
  } else if (what == "open" && argc > 2) {
    vedette::storage::OpenCopies(argv[2], number(3, 3));
  } else {
    std::fprintf(stderr, "usage: storage_bench codecs | store|fill DIRECTORY [series] [scrapes] | open DIRECTORY\n");
    return 2;
  }
  return 0;
}
