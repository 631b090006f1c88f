#include "collector/remote/histogram_proto.h"

#include <span>
#include <vector>

#include "collector/push/wire.h"
#include "collector/remote/proto_writer.h"

namespace vedette::collector {
namespace {

/// Numbers of the fields; of the buckets those of the negative ones, the positive follow three further on.
constexpr std::uint32_t kCountInt = 1, kCountFloat = 2, kSum = 3, kSchema = 4, kZeroThreshold = 5, kZeroInt = 6,
                        kZeroFloat = 7, kSpans = 8, kDeltas = 9, kCounts = 10, kToPositive = 3, kResetHint = 14,
                        kTimestamp = 15, kCustomValues = 16;

void PutSpans(std::uint32_t field, std::span<const std::int32_t> numbers, std::string& out) {
  std::string span;
  for (const BucketSpan& part : SpansOf(numbers)) {
    span.clear();
    if (part.offset != 0) proto::PutSint(span, 1, part.offset);
    if (part.length != 0) proto::PutNumber(span, 2, part.length);
    proto::PutText(out, field, span);
  }
}

void PutBuckets(std::uint32_t shift, bool integers, std::span<const std::int32_t> numbers,
                std::span<const double> counts, std::string& out) {
  if (numbers.empty()) return;
  PutSpans(kSpans + shift, numbers, out);
  std::string packed;
  if (!integers) {
    for (const double count : counts) storage::PutDouble(packed, count);
    proto::PutText(out, kCounts + shift, packed);
    return;
  }
  std::int64_t before = 0;
  for (const double count : counts) {
    const auto whole = static_cast<std::int64_t>(count);
    storage::PutSigned(packed, whole - before);
    before = whole;
  }
  proto::PutText(out, kDeltas + shift, packed);
}

/// Packed or one by one.
void ReadDoubles(WireReader& in, std::vector<double>& out) {
  if (in.type() == WireReader::Type::kFixed64) return out.push_back(in.Double());
  const std::string_view packed = in.Bytes();
  for (std::size_t at = 0; at + 8 <= packed.size(); at += 8) {
    double value = 0;
    std::memcpy(&value, packed.data() + at, 8);
    out.push_back(value);
  }
}

void ReadDeltas(WireReader& in, std::vector<double>& out, std::int64_t& last) {
  const auto add = [&](std::uint64_t coded) {
    last = storage::WrapAdd(last, storage::UnZigZag(coded));
    out.push_back(static_cast<double>(last));
  };
  if (in.type() == WireReader::Type::kVarint) return add(static_cast<std::uint64_t>(in.Varint()));
  storage::ByteReader packed(in.Bytes());
  for (auto value = packed.Varint(); value; value = packed.Varint()) add(*value);
}

BucketSpan ReadSpan(std::string_view bytes) {
  BucketSpan out;
  WireReader in(bytes);
  while (in.Next()) {
    if (in.Is(1, WireReader::Type::kVarint)) {
      out.offset = static_cast<std::int32_t>(storage::UnZigZag(static_cast<std::uint64_t>(in.Varint())));
    } else if (in.Is(2, WireReader::Type::kVarint)) {
      out.length = static_cast<std::uint32_t>(in.Varint());
    } else {
      in.Skip();
    }
  }
  return out;
}

/// The buckets of one sign, as they come.
struct SignedBuckets {
  std::vector<BucketSpan> spans;
  std::vector<double> counts;
  std::int64_t last = 0;

  /// False: it is no field of theirs.
  bool Take(WireReader& in, std::uint32_t shift) {
    const std::uint32_t field = in.field() - shift;
    if (field == kSpans && in.type() == WireReader::Type::kBytes) {
      spans.push_back(ReadSpan(in.Bytes()));
    } else if (field == kDeltas) {
      ReadDeltas(in, counts, last);
    } else if (field == kCounts) {
      ReadDoubles(in, counts);
    } else {
      return false;
    }
    return true;
  }
};

bool IsKnownType(const WireReader& in) {
  return in.type() == WireReader::Type::kVarint || in.type() == WireReader::Type::kBytes ||
         in.type() == WireReader::Type::kFixed64;
}

}  // namespace

void PutHistogramMessage(const Histogram& h, TimeMs time, std::string& out) {
  static const HistogramLayout kNoBuckets;
  const HistogramLayout& layout = h.layout ? *h.layout : kNoBuckets;
  const bool integers = h.integers || IsStaleHistogram(h);
  if (integers) {
    proto::PutNumber(out, kCountInt, static_cast<std::uint64_t>(h.count));
  } else {
    proto::PutDouble(out, kCountFloat, h.count);
  }
  proto::PutDouble(out, kSum, h.sum);
  if (layout.schema != 0) proto::PutSint(out, kSchema, layout.schema);
  if (layout.zero_threshold != 0) proto::PutDouble(out, kZeroThreshold, layout.zero_threshold);
  if (integers) {
    proto::PutNumber(out, kZeroInt, static_cast<std::uint64_t>(h.zero_count));
  } else {
    proto::PutDouble(out, kZeroFloat, h.zero_count);
  }
  const std::span counts(h.counts);
  PutBuckets(0, integers, layout.negative, counts.subspan(layout.positive.size()), out);
  PutBuckets(kToPositive, integers, layout.positive, counts.first(layout.positive.size()), out);
  if (h.reset != CounterReset::kUnknown) proto::PutNumber(out, kResetHint, static_cast<std::uint64_t>(h.reset));
  if (time.ms != 0) proto::PutNumber(out, kTimestamp, static_cast<std::uint64_t>(time.ms));
  if (layout.bounds.empty()) return;
  std::string packed;
  for (const double bound : layout.bounds) storage::PutDouble(packed, bound);
  proto::PutText(out, kCustomValues, packed);
}

Result<TimedHistogram> ReadHistogramMessage(std::string_view bytes) {
  TimedHistogram out;
  Histogram& h = out.histogram;
  h.integers = true;
  auto layout = std::make_shared<HistogramLayout>();
  SignedBuckets negative, positive;
  WireReader in(bytes);
  while (in.Next()) {
    const std::uint32_t field = in.field();
    if (!IsKnownType(in)) {
      in.Skip();
    } else if (negative.Take(in, 0) || positive.Take(in, kToPositive)) {
      continue;
    } else if (in.Is(kCountInt, WireReader::Type::kVarint)) {
      h.count = static_cast<double>(static_cast<std::uint64_t>(in.Varint()));
    } else if (in.Is(kCountFloat, WireReader::Type::kFixed64)) {
      h.count = in.Double();
      h.integers = false;
    } else if (in.Is(kSum, WireReader::Type::kFixed64)) {
      h.sum = in.Double();
    } else if (in.Is(kSchema, WireReader::Type::kVarint)) {
      layout->schema = static_cast<int>(storage::UnZigZag(static_cast<std::uint64_t>(in.Varint())));
    } else if (in.Is(kZeroThreshold, WireReader::Type::kFixed64)) {
      layout->zero_threshold = in.Double();
    } else if (in.Is(kZeroInt, WireReader::Type::kVarint)) {
      h.zero_count = static_cast<double>(static_cast<std::uint64_t>(in.Varint()));
    } else if (in.Is(kZeroFloat, WireReader::Type::kFixed64)) {
      h.zero_count = in.Double();
    } else if (in.Is(kResetHint, WireReader::Type::kVarint)) {
      h.reset = static_cast<CounterReset>(in.Varint() & 3);
    } else if (in.Is(kTimestamp, WireReader::Type::kVarint)) {
      out.time = TimeMs(in.Varint());
    } else if (field == kCustomValues) {
      ReadDoubles(in, layout->bounds);
    } else {
      in.Skip();
    }
  }
  if (!in.ok()) return Fail(Code::kBadData, "malformed histogram");
  VEDETTE_CHECK(AppendSpans(positive.spans, layout->positive));
  VEDETTE_CHECK(AppendSpans(negative.spans, layout->negative));
  if (positive.counts.size() != layout->positive.size() || negative.counts.size() != layout->negative.size()) {
    return Fail(Code::kBadData, "a histogram has {} buckets, but its spans name {}",
                positive.counts.size() + negative.counts.size(), layout->buckets());
  }
  h.counts = std::move(positive.counts);
  h.counts.insert(h.counts.end(), negative.counts.begin(), negative.counts.end());
  h.layout = std::move(layout);
  if (IsStaleHistogram(h)) {
    out.histogram = StaleHistogram();
    return out;
  }
  VEDETTE_CHECK(ValidateHistogram(h));
  return out;
}

}  // namespace vedette::collector
