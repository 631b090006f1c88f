#include "storage/chunk/histogram_codec.h"

#include <algorithm>
#include <bit>
#include <cassert>

#include "storage/chunk/value_codec.h"

namespace vedette::storage {
namespace {

/// First byte. Stored: never reused. Bits 1 and 2: Histogram::reset.
enum HistogramFlag : std::uint8_t {
  kIntegerCounts = 1,
  kResetBits = 6,
  kSameLayout = 8,    // as the one before, and integers or not likewise: counts are coded against its counts
  kStaleMarker = 16,  // nothing follows
};
constexpr unsigned kResetShift = 1;

std::int64_t AsWhole(double value) { return static_cast<std::int64_t>(value); }

/// Runs of neighbours: gap from the end of the run before (signed), length.
void PutNumbers(std::span<const std::int32_t> numbers, std::string& out) {
  const std::vector<BucketSpan> spans = SpansOf(numbers);
  PutVarint(out, spans.size());
  for (const BucketSpan& span : spans) {
    PutSigned(out, span.offset);
    PutVarint(out, span.length);
  }
}

bool GetNumbers(ByteReader& in, std::size_t most, std::vector<std::int32_t>& numbers) {
  const auto count = in.Varint();
  if (!count || *count > in.size()) return false;
  std::int64_t next = 0;
  for (std::uint64_t i = 0; i < *count; ++i) {
    const auto gap = in.Signed();
    const auto length = in.Varint();
    if (!gap || !length || *gap < -kMaxBucketNumber || *gap > 2 * std::int64_t{kMaxBucketNumber}) return false;
    next += *gap;
    if (*length > most - numbers.size() || next < -kMaxBucketNumber || next > kMaxBucketNumber) return false;
    for (std::uint64_t n = 0; n < *length; ++n) numbers.push_back(static_cast<std::int32_t>(next++));
  }
  return true;
}

/// The count is mostly the sum of the buckets: what is stored is the difference. Wraps around, in both directions.
std::int64_t SumOfBuckets(const Histogram& histogram) {
  std::int64_t sum = AsWhole(histogram.zero_count);
  for (const double count : histogram.counts) sum = WrapAdd(sum, AsWhole(count));
  return sum;
}

std::uint64_t BitsOf(double value) { return std::bit_cast<std::uint64_t>(value); }

/// Which counts differ from those before, a bit each, then those.
void PutChanges(const Histogram& histogram, const Histogram& before, std::string& out) {
  const std::size_t bitmap = out.size();
  out.resize(bitmap + (histogram.counts.size() + 7) / 8);
  for (std::size_t i = 0; i < histogram.counts.size(); ++i) {
    const double now = histogram.counts[i], last = before.counts[i];
    if (BitsOf(now) == BitsOf(last)) continue;
    out[bitmap + i / 8] = static_cast<char>(static_cast<std::uint8_t>(out[bitmap + i / 8]) | 1U << i % 8);
    if (histogram.integers) {
      PutSigned(out, WrapSub(AsWhole(now), AsWhole(last)));
    } else {
      PutValue(out, now);
    }
  }
}

bool GetChanges(ByteReader& in, bool integers, std::vector<double>& counts) {
  const auto bitmap = in.Bytes((counts.size() + 7) / 8);
  if (!bitmap) return false;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if ((static_cast<std::uint8_t>((*bitmap)[i / 8]) >> i % 8 & 1U) == 0) continue;
    if (integers) {
      const auto change = in.Signed();
      if (!change) return false;
      counts[i] = static_cast<double>(WrapAdd(AsWhole(counts[i]), *change));
    } else {
      const auto value = GetValue(in);
      if (!value) return false;
      counts[i] = *value;
    }
  }
  return true;
}

bool GetCounts(ByteReader& in, bool integers, std::size_t buckets, std::vector<double>& counts) {
  if (buckets > in.size()) return false;  // a byte each at least
  counts.clear();
  std::int64_t last = 0;
  for (std::size_t i = 0; i < buckets; ++i) {
    if (integers) {
      const auto step = in.Signed();
      if (!step) return false;
      last = WrapAdd(last, *step);
      counts.push_back(static_cast<double>(last));
    } else {
      const auto value = GetValue(in);
      if (!value) return false;
      counts.push_back(*value);
    }
  }
  return true;
}

void PutTotals(const Histogram& histogram, std::string& out) {
  if (histogram.integers) {
    PutVarint(out, static_cast<std::uint64_t>(AsWhole(histogram.zero_count)));
    PutSigned(out, WrapSub(AsWhole(histogram.count), SumOfBuckets(histogram)));
  } else {
    PutValue(out, histogram.zero_count);
    PutValue(out, histogram.count);
  }
  PutValue(out, histogram.sum);
}

bool GetTotals(ByteReader& in, Histogram& out) {
  if (out.integers) {
    const auto zeros = in.Varint();
    const auto rest = in.Signed();
    if (!zeros || !rest || *zeros > static_cast<std::uint64_t>(kMaxHistogramCount)) return false;
    out.zero_count = static_cast<double>(*zeros);
    out.count = static_cast<double>(WrapAdd(SumOfBuckets(out), *rest));
  } else {
    const auto zeros = GetValue(in), count = GetValue(in);
    if (!zeros || !count) return false;
    out.zero_count = *zeros;
    out.count = *count;
  }
  const auto sum = GetValue(in);
  if (sum) out.sum = *sum;
  return sum.has_value();
}

/// Before SumOfBuckets() makes integers of them.
bool AreExact(const std::vector<double>& counts) {
  return std::ranges::all_of(counts, [](double v) { return v >= 0 && v <= kMaxHistogramCount; });
}

}  // namespace

void PutLayout(const HistogramLayout& layout, std::string& out) {
  PutSigned(out, layout.schema);
  if (layout.custom()) {
    PutVarint(out, layout.bounds.size());
    for (const double bound : layout.bounds) PutValue(out, bound);
  } else {
    PutValue(out, layout.zero_threshold);
  }
  PutNumbers(layout.positive, out);
  if (!layout.custom()) PutNumbers(layout.negative, out);
}

bool GetLayout(ByteReader& in, std::size_t most_buckets, HistogramLayout& layout) {
  const auto schema = in.Signed();
  if (!schema || *schema < HistogramLayout::kCustomSchema || *schema > HistogramLayout::kHighestSchema) return false;
  layout.schema = static_cast<int>(*schema);
  if (layout.custom()) {
    const auto count = in.Varint();
    if (!count || *count > in.size() || *count > kMaxHistogramBuckets) return false;
    for (std::uint64_t i = 0; i < *count; ++i) {
      const auto bound = GetValue(in);
      if (!bound) return false;
      layout.bounds.push_back(*bound);
    }
    return GetNumbers(in, most_buckets, layout.positive);
  }
  const auto threshold = GetValue(in);
  if (!threshold) return false;
  layout.zero_threshold = *threshold;
  return GetNumbers(in, most_buckets, layout.positive) &&
         GetNumbers(in, most_buckets - layout.positive.size(), layout.negative);
}

void PutHistogram(const Histogram& histogram, const Histogram* before, std::string& out) {
  if (IsStaleHistogram(histogram)) {
    out.push_back(static_cast<char>(kStaleMarker));
    return;
  }
  const bool same = before != nullptr && before->integers == histogram.integers && !IsStaleHistogram(*before) &&
                    (before->layout == histogram.layout || *before->layout == *histogram.layout);
  out.push_back(static_cast<char>((histogram.integers ? kIntegerCounts : 0) | (same ? kSameLayout : 0) |
                                  static_cast<unsigned>(histogram.reset) << kResetShift));
  if (same) {
    PutChanges(histogram, *before, out);
  } else {
    PutLayout(*histogram.layout, out);
    std::int64_t last = 0;
    for (const double count : histogram.counts) {
      if (histogram.integers) {
        PutSigned(out, WrapSub(AsWhole(count), last));
        last = AsWhole(count);
      } else {
        PutValue(out, count);
      }
    }
  }
  PutTotals(histogram, out);
}

bool GetHistogram(ByteReader& in, const Histogram* before, Histogram& out) {
  const auto flags = in.Byte();
  if (!flags || (*flags & ~(kIntegerCounts | kResetBits | kSameLayout | kStaleMarker)) != 0) return false;
  if ((*flags & kStaleMarker) != 0) {
    out = StaleHistogram();
    return *flags == kStaleMarker;
  }
  const bool integers = (*flags & kIntegerCounts) != 0;
  if ((*flags & kSameLayout) != 0) {
    if (before == nullptr || before->integers != integers || IsStaleHistogram(*before)) return false;
    if (&out != before) out = *before;
    if (!GetChanges(in, integers, out.counts)) return false;
  } else {
    auto layout = std::make_shared<HistogramLayout>();
    if (!GetLayout(in, kMaxHistogramBuckets, *layout)) return false;
    if (!GetCounts(in, integers, layout->buckets(), out.counts)) return false;
    out.layout = std::move(layout);
  }
  out.integers = integers;
  out.reset = static_cast<CounterReset>((*flags & kResetBits) >> kResetShift);
  if (integers && !AreExact(out.counts)) return false;
  return GetTotals(in, out) && !IsStaleHistogram(out) && ValidateHistogram(out).has_value();
}

}  // namespace vedette::storage
