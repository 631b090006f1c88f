// Bytes and nanoseconds per native histogram, on histograms as targets expose them: `histogram_lab`.
//
// The yardstick is Prometheus' histogram chunk, rebuilt here as a count of its bits: per chunk the layout, per sample
// the change of the change of each count in variable-length bits, and the XOR of the sums.
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "storage/chunk/histogram_chunk.h"
#include "storage/chunk/histogram_codec.h"
#include "tests/unit/storage/random_histogram.h"

namespace {

using namespace vedette;
using namespace vedette::storage;

/// Bits of a signed number in Prometheus' variable-length form.
int VarbitBits(std::int64_t v) {
  const auto within = [&](int bits) {
    return v >= -(std::int64_t{1} << (bits - 1)) + 1 && v <= std::int64_t{1} << (bits - 1);
  };
  if (v == 0) return 1;
  if (within(3)) return 5;
  if (within(6)) return 9;
  if (within(9)) return 13;
  if (within(12)) return 17;
  if (within(18)) return 24;
  if (within(25)) return 32;
  return within(56) ? 64 : 72;
}

/// Of a chunk that starts with these; Prometheus starts a new one when a bucket appears or after 120 samples or so.
double YardstickBytes(std::span<const Histogram> histograms) {
  std::int64_t bits = 8 * 12;
  std::vector<std::int64_t> last, step;
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < histograms.size(); ++i) {
    const Histogram& h = histograms[i];
    if (i == 0) bits += 8 * static_cast<std::int64_t>(4 * SpansOf(h.layout->positive).size());
    bits += 1;  // the time of a regular scrape
    std::vector<std::int64_t> now{static_cast<std::int64_t>(h.count), static_cast<std::int64_t>(h.zero_count)};
    std::int64_t before = 0;
    for (const double count : h.counts) {  // buckets as differences from the one before
      now.push_back(static_cast<std::int64_t>(count) - before);
      before = static_cast<std::int64_t>(count);
    }
    for (std::size_t b = 0; b < now.size(); ++b) {
      const std::int64_t change = i == 0 ? now[b] : now[b] - last[b];
      bits += VarbitBits(i < 2 ? change : change - step[b]);
      if (i == 0) continue;
      step.resize(now.size());
      step[b] = change;
    }
    last = now;
    const std::uint64_t changed = sum ^ std::bit_cast<std::uint64_t>(h.sum);
    if (i == 0) {
      bits += 64;
    } else {
      bits += changed == 0 ? 1 : 2 + std::max(1, 64 - std::countl_zero(changed) - std::countr_zero(changed));
    }
    sum = std::bit_cast<std::uint64_t>(h.sum);
  }
  return static_cast<double>(bits) / 8;
}

double YardstickOf(std::span<const Histogram> histograms, std::size_t most) {
  double bytes = 0;
  for (std::size_t at = 0; at < histograms.size();) {
    std::size_t n = 1;
    while (at + n < histograms.size() && n < most && histograms[at + n].layout == histograms[at].layout) ++n;
    bytes += YardstickBytes(histograms.subspan(at, n));
    at += n;
  }
  return bytes;
}

double Seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

void Measure(const char* name, int schema, double per_step, std::size_t per_chunk) {
  constexpr std::size_t kSamples = 5760;
  GrowingHistogram growing(42, schema, per_step);
  std::vector<Histogram> histograms;
  std::vector<std::int64_t> times;
  for (int i = 0; i < 1000; ++i) (void)growing.Next();  // most buckets have been hit
  for (std::size_t i = 0; i < kSamples; ++i) {
    histograms.push_back(growing.Next());
    times.push_back(1'700'000'000'000 + static_cast<std::int64_t>(i) * 15'000);
  }
  std::string journal;
  for (const Histogram& h : histograms) PutHistogram(h, nullptr, journal);
  std::string open;
  for (std::size_t i = 0; i < kSamples; ++i) {
    PutHistogram(histograms[i], i % per_chunk == 0 ? nullptr : &histograms[i - 1], open);
  }
  std::vector<std::string> chunks;
  const double start = Seconds();
  for (std::size_t at = 0, n = 0; at < kSamples; at += n) {
    const auto rest = std::span(histograms).subspan(at);
    n = FitHistograms(rest, per_chunk);
    EncodeHistogramChunk(std::span(times).subspan(at, n), rest.first(n), chunks.emplace_back());
  }
  const double encoded = Seconds();
  std::size_t bytes = 0;
  HistogramColumns out;
  for (const std::string& chunk : chunks) {
    bytes += chunk.size();
    out.clear();
    if (!DecodeHistogramChunk(chunk, out)) std::abort();
  }
  const double decoded = Seconds();
  const auto per = [](double v) { return v / static_cast<double>(kSamples); };
  std::printf("| %s | %zu | %zu | %.1f | %.1f | %.1f | %.1f | %.0f | %.0f |\n", name, histograms.back().counts.size(),
              per_chunk, per(static_cast<double>(journal.size())), per(static_cast<double>(open.size())),
              per(YardstickOf(histograms, 120)), per(static_cast<double>(bytes)), 1e9 * per(encoded - start),
              1e9 * per(decoded - encoded));
}

}  // namespace

int main() {
  std::printf(
      "| histogram | buckets | samples per chunk | journal B | open B | Prometheus B | chunk B | encode ns | decode ns "
      "|\n");
  std::printf("|---|---|---|---|---|---|---|---|---|\n");
  for (const std::size_t per_chunk : {std::size_t{240}, std::size_t{5760}}) {
    Measure("quiet, 0.5 per scrape, schema 3", 3, 0.5, per_chunk);
    Measure("20 per scrape, schema 3", 3, 20, per_chunk);
    Measure("500 per scrape, schema 3", 3, 500, per_chunk);
    Measure("500 per scrape, schema 5", 5, 500, per_chunk);
  }
}
