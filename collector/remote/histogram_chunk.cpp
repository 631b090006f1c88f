#include "collector/remote/histogram_chunk.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <memory>
#include <vector>

#include "collector/remote/chunk_bits.h"
#include "collector/remote/xor_chunk.h"
#include "core/numbers.h"
#include "storage/coding.h"

namespace vedette::collector {
namespace {

constexpr unsigned kNumberBits[] = {3, 6, 9, 12, 18, 25, 56, 64};
constexpr std::size_t kChunkHead = 3;
constexpr unsigned char kResetFlags = 0b11000000, kIsReset = 0b10000000, kIsGauge = 0b11000000;
/// Exponents of frexp() that a byte holds, and what makes a byte of them.
constexpr int kLowExponent = -242, kHighExponent = 11, kExponentShift = 243;
/// Bounds of whole thousandths up to here are numbers.
constexpr double kThousandths = 1000, kHighestThousandths = 33'554'430;
/// Buckets of all samples of a chunk that is written: keeps a frame small.
constexpr std::size_t kChunkBuckets = 1 << 15;

double ReadZeroThreshold(ChunkBits& in) {
  const auto byte = static_cast<int>(in.Bits(8));
  if (byte == 0) return 0;
  return byte == 255 ? std::bit_cast<double>(in.Bits(64)) : std::ldexp(0.5, byte - kExponentShift);
}

void WriteZeroThreshold(double threshold, ChunkBitWriter& out) {
  int exponent = 0;
  if (threshold == 0) return out.Bits(0, 8);
  if (std::frexp(threshold, &exponent) != 0.5 || exponent < kLowExponent || exponent > kHighExponent) {
    out.Bits(255, 8);
    return out.Bits(std::bit_cast<std::uint64_t>(threshold), 64);
  }
  out.Bits(static_cast<std::uint64_t>(exponent + kExponentShift), 8);
}

Status ReadChunkSpans(ChunkBits& in, std::vector<std::int32_t>& numbers) {
  const std::uint64_t count = in.Unsigned(kNumberBits);
  if (count > kMaxHistogramBuckets) return Fail(Code::kBadData, "a chunk of histograms with {} spans", count);
  std::vector<BucketSpan> spans;
  for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
    const std::uint64_t length = in.Unsigned(kNumberBits);
    const std::int64_t offset = in.Signed(kNumberBits);
    if (length > kMaxHistogramBuckets || std::abs(offset) > 2 * kMaxBucketNumber) {
      return Fail(Code::kBadData, "a chunk of histograms with a span of {} buckets at {}", length, offset);
    }
    spans.push_back({static_cast<std::int32_t>(offset), static_cast<std::uint32_t>(length)});
  }
  return AppendSpans(spans, numbers);
}

void WriteChunkSpans(std::span<const std::int32_t> numbers, ChunkBitWriter& out) {
  const std::vector<BucketSpan> spans = SpansOf(numbers);
  out.Unsigned(spans.size(), kNumberBits);
  for (const BucketSpan& span : spans) {
    out.Unsigned(span.length, kNumberBits);
    out.Signed(span.offset, kNumberBits);
  }
}

Status ReadBounds(ChunkBits& in, std::vector<double>& bounds) {
  const std::uint64_t count = in.Unsigned(kNumberBits);
  if (count > kMaxHistogramBuckets) return Fail(Code::kBadData, "a chunk of histograms with {} bounds", count);
  for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
    const std::uint64_t number = in.Unsigned(kNumberBits);
    bounds.push_back(number == 0 ? std::bit_cast<double>(in.Bits(64)) : static_cast<double>(number - 1) / kThousandths);
  }
  return Ok();
}

void WriteBounds(std::span<const double> bounds, ChunkBitWriter& out) {
  out.Unsigned(bounds.size(), kNumberBits);
  for (const double bound : bounds) {
    const double scaled = bound * kThousandths;
    const bool is_number = scaled >= 0 && scaled <= kHighestThousandths && std::round(scaled) / kThousandths == bound;
    if (is_number) {
      out.Unsigned(static_cast<std::uint64_t>(std::round(scaled)) + 1, kNumberBits);
    } else {
      out.Unsigned(0, kNumberBits);
      out.Bits(std::bit_cast<std::uint64_t>(bound), 64);
    }
  }
}

Result<std::shared_ptr<const HistogramLayout>> ReadLayout(ChunkBits& in) {
  auto layout = std::make_shared<HistogramLayout>();
  layout->zero_threshold = ReadZeroThreshold(in);
  const std::int64_t schema = in.Signed(kNumberBits);
  if (std::abs(schema) > 100) return Fail(Code::kBadData, "a chunk of histograms of the schema {}", schema);
  layout->schema = static_cast<int>(schema);
  VEDETTE_CHECK(ReadChunkSpans(in, layout->positive));
  VEDETTE_CHECK(ReadChunkSpans(in, layout->negative));
  if (layout->custom()) VEDETTE_CHECK(ReadBounds(in, layout->bounds));
  if (!in.ok()) return Fail(Code::kBadData, "a chunk of histograms ends within its layout");
  if (layout->buckets() > kMaxHistogramBuckets) {
    return Fail(Code::kBadData, "a chunk of histograms with {} buckets", layout->buckets());
  }
  return layout;
}

/// One number of every sample, as a difference of differences.
class CountReader {
 public:
  std::int64_t Read(ChunkBits& in, bool first, bool is_unsigned = false) {
    if (first) {
      value_ = is_unsigned ? static_cast<std::int64_t>(in.Unsigned(kNumberBits)) : in.Signed(kNumberBits);
    } else {
      step_ = storage::WrapAdd(step_, in.Signed(kNumberBits));
      value_ = storage::WrapAdd(value_, step_);
    }
    return value_;
  }

 private:
  std::int64_t value_ = 0, step_ = 0;
};

class CountWriter {
 public:
  void Write(std::int64_t value, bool first, ChunkBitWriter& out, bool is_unsigned = false) {
    if (first) {
      is_unsigned ? out.Unsigned(static_cast<std::uint64_t>(value), kNumberBits) : out.Signed(value, kNumberBits);
    } else {
      out.Signed(storage::WrapSub(storage::WrapSub(value, value_), step_), kNumberBits);
      step_ = storage::WrapSub(value, value_);
    }
    value_ = value;
  }

 private:
  std::int64_t value_ = 0, step_ = 0;
};

/// A float of every sample: the first as it is, the others XORed.
struct FloatReader {
  std::uint64_t bits = 0;
  XorWindow window;
  double Read(ChunkBits& in, bool first) {
    bits = first ? in.Bits(64) : ReadXor(in, bits, window);
    return std::bit_cast<double>(bits);
  }
};
struct FloatWriter {
  std::uint64_t bits = 0;
  XorWindow window;
  void Write(double value, bool first, ChunkBitWriter& out) {
    const auto next = std::bit_cast<std::uint64_t>(value);
    first ? out.Bits(next, 64) : WriteXor(out, bits, next, window);
    bits = next;
  }
};

/// What the samples before leave to the next one. One of `counts` and `floats` is used, by the kind of chunk.
struct ReaderState {
  CountReader time, count, zero;
  FloatReader sum, float_count, float_zero;
  std::vector<CountReader> buckets;
  std::vector<FloatReader> float_buckets;
};

Histogram ReadHistogram(ChunkBits& in, bool first, bool integers, const std::shared_ptr<const HistogramLayout>& layout,
                        ReaderState& state) {
  Histogram out;
  out.layout = layout;
  out.integers = integers;
  if (integers) {
    out.count = static_cast<double>(state.count.Read(in, first, true));
    out.zero_count = static_cast<double>(state.zero.Read(in, first, true));
  } else {
    out.count = state.float_count.Read(in, first);
    out.zero_count = state.float_zero.Read(in, first);
  }
  out.sum = state.sum.Read(in, first);
  if (IsStaleNan(out.sum)) return StaleHistogram();
  out.counts.reserve(layout->buckets());
  if (!integers) {
    for (FloatReader& bucket : state.float_buckets) out.counts.push_back(bucket.Read(in, first));
    return out;
  }
  std::int64_t left = 0;
  for (std::size_t i = 0; i < state.buckets.size(); ++i) {
    if (i == layout->positive.size()) left = 0;
    left = storage::WrapAdd(left, state.buckets[i].Read(in, first));
    out.counts.push_back(static_cast<double>(left));
  }
  return out;
}

CounterReset ResetOf(unsigned char flags, bool first) {
  if (flags == kIsGauge) return CounterReset::kGauge;
  if (!first) return CounterReset::kNotReset;
  return flags == kIsReset ? CounterReset::kReset : CounterReset::kUnknown;
}

/// Both have the same layout, and no count of `next` is lower; or they are of gauges.
bool ContinuesCounting(const Histogram& before, const Histogram& next) {
  if (before.layout != next.layout && *before.layout != *next.layout) return false;
  if (next.reset == CounterReset::kGauge && before.reset == CounterReset::kGauge) return true;
  if (next.reset == CounterReset::kGauge || before.reset == CounterReset::kGauge) return false;
  if (next.reset == CounterReset::kReset || next.count < before.count || next.zero_count < before.zero_count) {
    return false;
  }
  return std::ranges::equal(before.counts, next.counts, std::ranges::less_equal{});
}

}  // namespace

std::size_t SampleWeight(const Histogram& histogram) {
  constexpr std::size_t kBytesPerSample = 16, kBytesWithoutBuckets = 168;
  return (kBytesWithoutBuckets + sizeof(double) * histogram.counts.size() + 8) / kBytesPerSample;
}

Status DecodeHistogramChunk(std::string_view chunk, bool integers,
                            const std::function<Status(std::size_t weight)>& hold, storage::HistogramColumns& out) {
  if (chunk.size() < kChunkHead) return Fail(Code::kBadData, "a chunk of histograms of {} bytes", chunk.size());
  const std::size_t count = storage::GetBigEndian<std::uint16_t>(chunk);
  const auto flags = static_cast<unsigned char>(static_cast<unsigned char>(chunk[2]) & kResetFlags);
  if (count == 0) return Ok();
  ChunkBits in(chunk.substr(kChunkHead));
  VEDETTE_TRY(const std::shared_ptr<const HistogramLayout> layout, ReadLayout(in));
  ReaderState state;
  integers ? state.buckets.resize(layout->buckets()) : state.float_buckets.resize(layout->buckets());
  std::int64_t before = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::int64_t time = state.time.Read(in, i == 0);
    Histogram histogram = ReadHistogram(in, i == 0, integers, layout, state);
    if (!in.ok()) return Fail(Code::kBadData, "a chunk of {} histograms ends behind {}", count, i);
    if (i > 0 && time <= before) {
      return Fail(Code::kBadData, "the times of a chunk do not ascend: {} after {}", time, before);
    }
    if (!IsStaleHistogram(histogram)) histogram.reset = ResetOf(flags, i == 0);
    VEDETTE_CHECK(ValidateHistogram(histogram));
    VEDETTE_CHECK(hold(SampleWeight(histogram)));
    out.times.push_back(time);
    out.histograms.push_back(std::move(histogram));
    before = time;
  }
  return Ok();
}

bool IsIntegerChunk(const Histogram& first) { return IsStaleHistogram(first) || first.integers; }

std::size_t FitHistogramChunk(std::span<const Histogram> histograms) {
  const Histogram& first = histograms.front();
  if (IsStaleHistogram(first)) return 1;
  const std::size_t most = std::clamp<std::size_t>(kChunkBuckets / (first.counts.size() + 1), 1, kXorChunkSamples);
  std::size_t n = 1;
  while (n < histograms.size() && n < most) {
    const Histogram& next = histograms[n];
    if (IsStaleHistogram(next) || next.integers != first.integers) break;
    if (!ContinuesCounting(histograms[n - 1], next)) break;
    ++n;
  }
  return n;
}

std::string EncodeHistogramChunk(std::span<const std::int64_t> times, std::span<const Histogram> histograms) {
  const Histogram& first = histograms.front();
  const bool integers = IsIntegerChunk(first);
  const HistogramLayout empty, &layout = IsStaleHistogram(first) ? empty : *first.layout;
  // Other counters that went back are for the reader to find: it does so where it is told nothing.
  unsigned char flags = first.reset == CounterReset::kReset ? kIsReset : 0;
  if (first.reset == CounterReset::kGauge) flags = kIsGauge;
  std::string out;
  storage::PutBigEndian(out, static_cast<std::uint16_t>(times.size()));
  out.push_back(static_cast<char>(flags));
  ChunkBitWriter bits(out);
  WriteZeroThreshold(layout.zero_threshold, bits);
  bits.Signed(layout.schema, kNumberBits);
  WriteChunkSpans(layout.positive, bits);
  WriteChunkSpans(layout.negative, bits);
  if (layout.custom()) WriteBounds(layout.bounds, bits);

  CountWriter time, count, zero;
  FloatWriter sum, float_count, float_zero;
  std::vector<CountWriter> buckets(integers ? layout.buckets() : 0);
  std::vector<FloatWriter> float_buckets(integers ? 0 : layout.buckets());
  for (std::size_t i = 0; i < times.size(); ++i) {
    const Histogram& histogram = histograms[i];
    time.Write(times[i], i == 0, bits);
    if (integers) {
      count.Write(static_cast<std::int64_t>(histogram.count), i == 0, bits, true);
      zero.Write(static_cast<std::int64_t>(histogram.zero_count), i == 0, bits, true);
    } else {
      float_count.Write(histogram.count, i == 0, bits);
      float_zero.Write(histogram.zero_count, i == 0, bits);
    }
    sum.Write(histogram.sum, i == 0, bits);
    for (std::size_t b = 0; b < float_buckets.size(); ++b) float_buckets[b].Write(histogram.counts[b], i == 0, bits);
    std::int64_t left = 0;
    for (std::size_t b = 0; b < buckets.size(); ++b) {
      if (b == layout.positive.size()) left = 0;
      const auto whole = static_cast<std::int64_t>(histogram.counts[b]);
      buckets[b].Write(whole - left, i == 0, bits);
      left = whole;
    }
  }
  return out;
}

}  // namespace vedette::collector
