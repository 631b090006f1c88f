#include "collector/push/wire_histogram.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "collector/push/wire.h"

namespace vedette::collector {
namespace {

using Type = WireReader::Type;

/// Schemas up to this one follow the same rule and can be brought down to 8.
constexpr int kHighestReserved = 52, kLowestReserved = -9;

bool ReadSpan(WireReader& reader, std::vector<BucketSpan>& spans) {
  BucketSpan span;
  WireReader fields(reader.Bytes());
  while (fields.Next()) {
    if (fields.Is(1, Type::kVarint)) {
      span.offset = static_cast<std::int32_t>(fields.ZigZag());
    } else if (fields.Is(2, Type::kVarint)) {
      span.length = static_cast<std::uint32_t>(fields.Varint());
    } else {
      fields.SkipUnknown(1U << 1 | 1U << 2);
    }
  }
  spans.push_back(span);
  return fields.ok();
}

bool ReadDoubles(WireReader& reader, std::vector<double>& out) {
  return reader.Repeated(Type::kFixed64, [&](WireReader& items) { out.push_back(items.Double()); });
}
bool ReadDeltas(WireReader& reader, std::vector<std::int64_t>& out) {
  return reader.Repeated(Type::kVarint, [&](WireReader& items) { out.push_back(items.ZigZag()); });
}

/// The lists; false: not one of them, nothing was read.
bool ReadList(WireReader& reader, WireHistogram& out, bool& good) {
  switch (reader.field()) {
    case 8:
    case 11:
      if (reader.type() != Type::kBytes) return false;
      good = ReadSpan(reader, reader.field() == 8 ? out.negative_spans : out.positive_spans);
      return true;
    case 9:
      return ReadDeltas(reader, out.negative_deltas);
    case 10:
      return ReadDoubles(reader, out.negative_counts);
    case 12:
      return ReadDeltas(reader, out.positive_deltas);
    case 13:
      return ReadDoubles(reader, out.positive_counts);
    case 16:
      return ReadDoubles(reader, out.bounds);
    default:
      return false;
  }
}

/// Prometheus' sentence about spans, before anything of their length is made.
Status CheckSpans(std::span<const BucketSpan> spans, std::size_t buckets, bool first_too) {
  std::uint64_t named = 0;
  for (std::size_t i = 0; i < spans.size(); ++i) {
    if ((i > 0 || first_too) && spans[i].offset < 0) {
      return Fail(Code::kBadData, "span number {} with offset {}: histogram has a span whose offset is negative", i + 1,
                  spans[i].offset);
    }
    named += spans[i].length;
  }
  if (named == buckets) return Ok();
  return Fail(
      Code::kBadData,
      "spans need {} buckets, have {} buckets: histogram spans specify different number of buckets than provided",
      named, buckets);
}

/// Counts of one sign: running sums of the deltas of an integer histogram. `total` grows by all of them.
Result<std::vector<double>> CountsOf(const WireHistogram& wire, bool positive, std::uint64_t& total) {
  const auto refuse = [](std::size_t i, auto count) {
    return Fail(
        Code::kBadData,
        "bucket number {} has observation count of {}: histogram has a bucket whose observation count is negative",
        i + 1, count);
  };
  if (wire.is_float) {
    const std::vector<double>& counts = positive ? wire.positive_counts : wire.negative_counts;
    for (std::size_t i = 0; i < counts.size(); ++i) {
      if (counts[i] < 0) return refuse(i, counts[i]);
    }
    return counts;
  }
  const std::vector<std::int64_t>& deltas = positive ? wire.positive_deltas : wire.negative_deltas;
  std::vector<double> counts;
  counts.reserve(deltas.size());
  std::uint64_t last = 0;  // wraps as the sender's numbers do
  for (std::size_t i = 0; i < deltas.size(); ++i) {
    last += static_cast<std::uint64_t>(deltas[i]);
    if (static_cast<std::int64_t>(last) < 0) return refuse(i, static_cast<std::int64_t>(last));
    total += last;
    counts.push_back(static_cast<double>(last));
  }
  return counts;
}

Status CheckBounds(const WireHistogram& wire) {
  const auto fail = [](std::string_view what) { return Fail(Code::kBadData, "custom buckets: {}", what); };
  for (std::size_t i = 0; i < wire.bounds.size(); ++i) {
    if (std::isnan(wire.bounds[i])) return fail("histogram custom bounds must not be NaN");
    if (i > 0 && wire.bounds[i] <= wire.bounds[i - 1]) {
      return fail(fmt::format(
          "previous bound is {:f} and current is {:f}: histogram custom bounds must be in strictly increasing order",
          wire.bounds[i - 1], wire.bounds[i]));
    }
  }
  if (!wire.bounds.empty() && wire.bounds.back() == std::numeric_limits<double>::infinity()) {
    return fail("last +Inf bound must not be explicitly defined: histogram custom bounds must be finite");
  }
  const std::size_t buckets = wire.is_float ? wire.positive_counts.size() : wire.positive_deltas.size();
  if (const Status good = CheckSpans(wire.positive_spans, buckets, true); !good) return fail(good.error().message);
  std::uint64_t reach = 0;
  for (const BucketSpan& span : wire.positive_spans) {
    reach += std::uint64_t{span.length} + static_cast<std::uint32_t>(span.offset);
  }
  if (wire.bounds.size() + 1 < reach) {
    return fail(fmt::format(
        "only {} custom bounds defined which is insufficient to cover total span length of {}: histogram custom bounds "
        "are too few",
        wire.bounds.size(), reach));
  }
  if (wire.zero_count != 0 || wire.zero_count_int != 0) return fail("must have zero count of 0");
  if (wire.zero_threshold != 0) return fail("must have zero threshold of 0");
  if (!wire.negative_spans.empty()) return fail("must not have negative spans");
  if (!wire.negative_deltas.empty() || !wire.negative_counts.empty()) return fail("must not have negative buckets");
  return Ok();
}

Status CheckExponential(const WireHistogram& wire) {
  if (wire.schema < HistogramLayout::kLowestSchema || wire.schema > kHighestReserved) {
    return Fail(Code::kBadData,
                "histogram has an {} schema, which must be between {} and {} for exponential buckets, or -53 for "
                "custom buckets, got schema {}",
                wire.schema < kLowestReserved || wire.schema > kHighestReserved ? "unknown" : "invalid",
                HistogramLayout::kLowestSchema, HistogramLayout::kHighestSchema, wire.schema);
  }
  const auto side = [&](std::string_view name, std::span<const BucketSpan> spans, std::size_t buckets) -> Status {
    const Status good = CheckSpans(spans, buckets, false);
    return good ? Ok() : Status(Annotate(fmt::format("{} side", name), good.error()));
  };
  VEDETTE_CHECK(
      side("positive", wire.positive_spans, wire.is_float ? wire.positive_counts.size() : wire.positive_deltas.size()));
  VEDETTE_CHECK(
      side("negative", wire.negative_spans, wire.is_float ? wire.negative_counts.size() : wire.negative_deltas.size()));
  if (wire.is_float && wire.zero_count < 0) {
    return Fail(Code::kBadData,
                "zero bucket has observation count of {}: histogram has a bucket whose observation count is negative",
                wire.zero_count);
  }
  if (!wire.bounds.empty()) {
    return Fail(Code::kBadData, "histogram with exponential schema must not have custom bounds");
  }
  return Ok();
}

/// Of an integer histogram: what the buckets hold against the total.
Status CheckTotal(std::uint64_t in_buckets, std::uint64_t count, double sum) {
  if (std::isnan(sum) ? in_buckets <= count : in_buckets == count) return Ok();
  return Fail(Code::kBadData, "{} observations found in buckets, but the Count field is {}: histogram's observation {}",
              in_buckets, count,
              std::isnan(sum)
                  ? "count should be at least the number of observations found in the buckets"
                  : "count should equal the number of observations found in the buckets (in absence of NaN)");
}

}  // namespace

Status ReadWireHistogram(std::string_view bytes, WireHistogram& out) {
  WireReader reader(bytes);
  bool good = true;
  while (good && reader.Next()) {
    if (reader.Is(1, Type::kVarint)) {
      out.is_float = false;
      out.count_int = static_cast<std::uint64_t>(reader.Varint());
    } else if (reader.Is(2, Type::kFixed64)) {
      out.is_float = true;
      out.count = reader.Double();
    } else if (reader.Is(3, Type::kFixed64)) {
      out.sum = reader.Double();
    } else if (reader.Is(4, Type::kVarint)) {
      out.schema = static_cast<std::int32_t>(reader.ZigZag());
    } else if (reader.Is(5, Type::kFixed64)) {
      out.zero_threshold = reader.Double();
    } else if (reader.Is(6, Type::kVarint)) {
      out.zero_count_int = static_cast<std::uint64_t>(reader.Varint());
    } else if (reader.Is(7, Type::kFixed64)) {
      out.zero_count = reader.Double();
    } else if (reader.Is(14, Type::kVarint)) {
      out.reset = static_cast<std::uint64_t>(reader.Varint());
    } else if (reader.Is(15, Type::kVarint)) {
      out.time = TimeMs(reader.Varint());
    } else if (reader.Is(17, Type::kVarint)) {
      out.start = TimeMs(reader.Varint());
    } else if (!ReadList(reader, out, good)) {
      reader.SkipUnknown(0x3fffe);  // 1 to 17
    }
  }
  return good && reader.ok() ? Ok() : Status(Fail(Code::kBadData, "malformed protobuf in a histogram"));
}

Result<std::vector<std::int32_t>> NumberBuckets(std::span<const BucketSpan> spans, int by,
                                                std::vector<double>& counts) {
  std::vector<std::int32_t> numbers;
  numbers.reserve(std::min(counts.size(), kMaxHistogramBuckets));
  std::int64_t next = 0;
  std::size_t from = 0;
  for (const BucketSpan& span : spans) {
    next += span.offset;
    for (std::uint32_t i = 0; i < span.length; ++i, ++next, ++from) {
      const std::int64_t number = by > 0 ? ((next - 1) >> by) + 1 : next;
      if (!numbers.empty() && numbers.back() == number) {
        counts[numbers.size() - 1] += counts[from];
        continue;
      }
      if (number < -kMaxBucketNumber || number > kMaxBucketNumber || numbers.size() == kMaxHistogramBuckets) {
        return Fail(Code::kBadData, "histogram with a span of {} buckets up to number {}", span.length, number);
      }
      counts[numbers.size()] = counts[from];
      numbers.push_back(static_cast<std::int32_t>(number));
    }
  }
  counts.resize(numbers.size());
  return numbers;
}

Result<Histogram> HistogramBuilder::Build(const WireHistogram& wire) {
  const bool custom = wire.schema == HistogramLayout::kCustomSchema;
  VEDETTE_CHECK(custom ? CheckBounds(wire) : CheckExponential(wire));
  if (wire.is_float && wire.count < 0) {
    return Fail(Code::kBadData, "observation count is  {}: histogram's observation count is negative", wire.count);
  }
  std::uint64_t in_buckets = wire.zero_count_int;
  auto negative = CountsOf(wire, false, in_buckets);
  if (!negative) return Annotate("negative side", std::move(negative).error());
  auto positive = CountsOf(wire, true, in_buckets);
  if (!positive) return Annotate("positive side", std::move(positive).error());
  if (!wire.is_float) VEDETTE_CHECK(CheckTotal(in_buckets, wire.count_int, wire.sum));

  HistogramLayout layout;
  layout.schema = wire.schema;
  layout.zero_threshold = wire.zero_threshold;
  layout.bounds = wire.bounds;
  const int by = std::max(0, wire.schema - HistogramLayout::kHighestSchema);
  layout.schema -= by;
  VEDETTE_TRY(layout.positive, NumberBuckets(wire.positive_spans, by, *positive));
  VEDETTE_TRY(layout.negative, NumberBuckets(wire.negative_spans, by, *negative));
  if (!last_ || *last_ != layout) last_ = std::make_shared<const HistogramLayout>(std::move(layout));

  Histogram out;
  out.layout = last_;
  out.integers = !wire.is_float;
  out.reset = wire.reset <= 3 ? static_cast<CounterReset>(wire.reset) : CounterReset::kUnknown;
  out.count = wire.is_float ? wire.count : static_cast<double>(wire.count_int);
  out.zero_count = wire.is_float ? wire.zero_count : static_cast<double>(wire.zero_count_int);
  out.sum = wire.sum;
  out.counts = *std::move(positive);
  out.counts.insert(out.counts.end(), negative->begin(), negative->end());
  VEDETTE_CHECK(ValidateHistogram(out));
  return out;
}

}  // namespace vedette::collector
