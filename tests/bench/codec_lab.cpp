// The codec laboratory: bytes per sample, encoding and decoding speed by kind of series, beside Gorilla XOR. Plain
// main; prints a table. docs/storage.md, "Codecs", has the figures of one machine.
//
//   codec_lab made                  series as exporters write them, made up here
//   codec_lab text FILE [BLOCK]...  lines of `series value milliseconds`: a loadgen dump, scraped pages with their
//   times codec_lab csv DIRECTORY         every CSV file below it with a column "value": one series each, one minute
//   apart
//
// BLOCK: samples per chunk, several allowed; default 120, 240, 1024, 4096, 5760. Times are those of the quickest of
// some runs: the machine is busy with other things, too.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/numbers.h"
#include "storage/chunk/chunk.h"
#include "storage/chunk/int_codec.h"

namespace vedette::storage {
namespace {

using Set = std::vector<Columns>;

double Seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

/// The quickest of `rounds` runs.
template <class Work>
double Quickest(int rounds, Work work) {
  double best = 1e9;
  for (int i = 0; i < rounds; ++i) {
    const double start = Seconds();
    work();
    best = std::min(best, Seconds() - start);
  }
  return best;
}

/// What a reader of the table knows a series by.
std::string KindOf(std::span<const double> values) {
  std::size_t changes = 0;
  for (std::size_t i = 1; i < values.size(); ++i) changes += values[i] != values[i - 1];
  if (changes == 0) return "constant";
  const auto decimals = AsDecimals(values);
  const std::string form = !decimals ? "floats" : decimals->exponent == 0 ? "integers" : "decimals";
  return form + (changes * 4 < values.size() ? ", rare changes" : "");
}

struct Row {
  std::size_t chunks = 0, samples = 0, bytes = 0, xor_bytes = 0, packed_bytes = 0, codecs[16] = {};
  double encode = 0, decode = 0, xor_decode = 0;
};

/// Without the entropy coder and sparse sequences: packing of decimals, XOR for the rest.
std::size_t PackedBytes(std::span<const double> values, std::size_t xor_bytes) {
  const auto decimals = AsDecimals(values);
  if (!decimals) return xor_bytes;
  std::string bytes;
  EncodeInts(decimals->mantissas, bytes, IntEffort::kPackedOnly);
  return bytes.size() + 16 + decimals->exceptions.size() * 9;
}

void Measure(std::span<const std::int64_t> times, std::span<const double> values, Row& row) {
  std::string bytes, changes;
  Columns out;
  const auto decode = [&](const std::string& chunk) {
    return Quickest(12, [&] {
      out.clear();
      if (!DecodeChunk(chunk, out)) std::abort();
    });
  };
  row.encode += Quickest(3, [&] {
    bytes.clear();
    EncodeChunk(times, values, bytes);
  });
  row.decode += decode(bytes);
  EncodeChunk(times, values, changes, ValueCodec::kXor);
  row.xor_decode += decode(changes);
  row.samples += values.size();
  row.bytes += bytes.size();
  row.xor_bytes += changes.size();
  row.packed_bytes += PackedBytes(values, changes.size());
  ++row.chunks;
  const auto header = ReadChunkHeader(bytes);
  if (header) ++row.codecs[static_cast<std::size_t>(header->value_codec)];
}

std::string Codecs(const Row& row) {
  constexpr const char* kNames[] = {"constant", "integers", "XOR", "bits", "products"};
  std::string out;
  for (std::size_t i = 0; i < std::size(kNames); ++i) {
    if (row.codecs[i] * 20 > row.chunks) out += (out.empty() ? "" : " ") + std::string(kNames[i]);
  }
  return out;
}

void Print(const std::string& name, const Row& row) {
  const auto n = static_cast<double>(row.samples);
  std::printf("| %s | %zu | %s | %.3f | %.3f | %.3f | %.0f | %.0f | %.0f |\n", name.c_str(), row.chunks,
              Codecs(row).c_str(), static_cast<double>(row.bytes) / n, static_cast<double>(row.packed_bytes) / n,
              static_cast<double>(row.xor_bytes) / n, row.encode / n * 1e9, n / row.decode * 1e-6,
              n / row.xor_decode * 1e-6);
}

void Table(const Set& set, std::size_t block) {
  std::map<std::string, Row> rows;
  for (const Columns& series : set) {
    const std::string kind = KindOf(series.values);
    for (std::size_t i = 0; i < series.size(); i += block) {
      const std::size_t n = std::min(block, series.size() - i);
      const auto times = std::span(series.times).subspan(i, n);
      const auto values = std::span(series.values).subspan(i, n);
      Measure(times, values, rows[kind]);
    }
  }
  std::printf("\n%zu series, chunks of %zu\n\n", set.size(), block);
  std::printf("| series | chunks | codecs | B/sample | packed | Gorilla | encode ns | decode M/s | Gorilla M/s |\n");
  std::printf("|---|---|---|---|---|---|---|---|---|\n");
  Row all;
  for (const auto& [kind, row] : rows) {
    Print(kind, row);
    all.chunks += row.chunks;
    all.samples += row.samples;
    all.bytes += row.bytes;
    all.xor_bytes += row.xor_bytes;
    all.packed_bytes += row.packed_bytes;
    all.encode += row.encode;
    all.decode += row.decode;
    all.xor_decode += row.xor_decode;
  }
  if (all.samples != 0) Print("all", all);
}

Set ReadText(const std::string& path) {
  std::ifstream file(path);
  std::unordered_map<std::string, std::size_t> numbers;
  Set set;
  for (std::string line; std::getline(file, line);) {
    const std::size_t time_at = line.rfind(' ');
    const std::size_t value_at = time_at == std::string::npos || time_at == 0 ? time_at : line.rfind(' ', time_at - 1);
    if (line.starts_with('#') || value_at == std::string::npos) continue;
    const auto value = ParseFloat(std::string_view(line).substr(value_at + 1, time_at - value_at - 1));
    if (!value) continue;
    const auto [at, added] = numbers.try_emplace(line.substr(0, value_at), set.size());
    if (added) set.emplace_back();
    Columns& series = set[at->second];
    series.times.push_back(std::strtoll(line.c_str() + time_at + 1, nullptr, 10));
    series.values.push_back(*value);
  }
  return set;
}

std::vector<std::string> Split(const std::string& line) {
  std::vector<std::string> out(1);
  for (const char c : line) {
    if (c == ',') {
      out.emplace_back();
    } else if (c != '\r') {
      out.back().push_back(c);
    }
  }
  return out;
}

Set ReadCsv(const std::string& directory) {
  Set set;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (entry.path().extension() != ".csv") continue;
    std::ifstream file(entry.path());
    std::string line;
    std::getline(file, line);
    const auto names = Split(line);
    const auto column = static_cast<std::size_t>(std::ranges::find(names, "value") - names.begin());
    Columns series;
    while (column < names.size() && std::getline(file, line)) {
      const auto fields = Split(line);
      const auto value = column < fields.size() ? ParseFloat(fields[column]) : std::nullopt;
      if (!value) continue;
      series.times.push_back(static_cast<std::int64_t>(series.size()) * 60'000);
      series.values.push_back(*value);
    }
    if (series.size() >= 100) set.push_back(std::move(series));
  }
  return set;
}

/// One day at 15 s of each.
Set Made() {
  constexpr std::size_t kSamples = 5760;
  std::mt19937_64 random(17);
  const auto uniform = [&] { return static_cast<double>(random() >> 11) * 0x1p-53; };
  Set set;
  const auto add = [&](bool jitter, auto next) {
    Columns series;
    for (std::size_t i = 0; i < kSamples; ++i) {
      series.times.push_back(1'700'000'000'000 + static_cast<std::int64_t>(i) * 15'000 +
                             (jitter ? static_cast<std::int64_t>(random() % 5) - 2 : 0));
      series.values.push_back(next(i));
    }
    set.push_back(std::move(series));
  };
  for (const bool jitter : {false, true}) {
    double requests = 1e6, bytes = 3e10, seconds = 1234.5, level = 50, drift = 0;
    add(jitter, [](std::size_t) { return 1.0; });
    add(jitter, [](std::size_t i) { return static_cast<double>(1024 + i / 60); });
    add(jitter, [&](std::size_t) { return requests += static_cast<double>(random() % 16); });
    add(jitter, [&](std::size_t) { return bytes += static_cast<double>(random() % 3'000'000); });
    add(jitter, [&](std::size_t) { return seconds = std::round((seconds + uniform() * 15) * 100) / 100; });
    add(jitter, [&](std::size_t) { return level = std::round((level + uniform() - 0.5) * 10) / 10; });
    add(jitter, [&](std::size_t) { return 4096 * std::floor(1e6 + uniform() * 2e4); });
    add(jitter, [&](std::size_t) { return std::floor(uniform() * 256) * 0.1; });
    add(jitter, [&](std::size_t) { return drift += 0.1 * std::floor(uniform() * 20); });
    add(jitter, [&](std::size_t) { return uniform(); });
  }
  return set;
}

int Main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "made") {
    for (const Columns& series : Made()) Table({series}, series.size());
    return 0;
  }
  if ((what != "text" && what != "csv") || argc < 3) {
    std::fprintf(stderr, "usage: codec_lab made | text FILE [BLOCK]... | csv DIRECTORY [BLOCK]...\n");
    return 2;
  }
  const Set set = what == "text" ? ReadText(argv[2]) : ReadCsv(argv[2]);
  std::vector<std::size_t> blocks;
  for (int i = 3; i < argc; ++i) blocks.push_back(std::strtoul(argv[i], nullptr, 10));
  if (blocks.empty()) blocks = {120, 240, 1024, 4096, 5760};
  for (const std::size_t block : blocks) Table(set, std::clamp<std::size_t>(block, 1, kMaxChunkSamples));
  return 0;
}

}  // namespace
}  // namespace vedette::storage

int main(int argc, char** argv) { return vedette::storage::Main(argc, argv); }
