#include "storage/chunk/tier_codec.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>

#include "core/numbers.h"
#include "storage/chunk/chunk_values.h"
#include "storage/chunk/int_codec.h"
#include "storage/coding.h"

namespace vedette::storage {
namespace {

constexpr std::uint8_t kTierFormat = 1;
/// Second byte.
enum TierFlag : std::uint8_t { kTierHasHistograms = 1 };

/// Columns of doubles in the order in which they are stored.
constexpr std::array<double TierBucket::*, 6> kDoubles = {&TierBucket::first, &TierBucket::last, &TierBucket::min,
                                                          &TierBucket::max,   &TierBucket::sum,  &TierBucket::lost};
/// Before a column of doubles. Below: as the column of that number. Stored.
enum ColumnMode : std::uint8_t { kColumnZero = 0x40, kColumnOwn = 0x80 };  // kColumnOwn + codec

/// Before a column of whole numbers. Stored.
enum IntColumnMode : std::uint8_t { kSameNumber = 0, kAnyNumbers = 1, kConsecutive = 2 };

void PutIntColumn(std::span<const std::int64_t> values, std::string& out) {
  const auto steps_by = [&](std::int64_t step) {
    return std::ranges::adjacent_find(
               values, [step](std::int64_t a, std::int64_t b) { return WrapSub(b, a) != step; }) == values.end();
  };
  const IntColumnMode mode = steps_by(0) ? kSameNumber : steps_by(1) ? kConsecutive : kAnyNumbers;
  out.push_back(static_cast<char>(mode));
  if (mode == kAnyNumbers) {
    EncodeInts(values, out);
  } else {
    PutSigned(out, values.front());
  }
}

bool GetIntColumn(ByteReader& in, std::span<std::int64_t> values) {
  const auto mode = in.Byte();
  if (mode == kAnyNumbers) return DecodeInts(in, values.size(), values);
  const auto first = in.Signed();
  if (!first || *mode > kConsecutive) return false;
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = *mode == kSameNumber ? *first : WrapAdd(*first, static_cast<std::int64_t>(i));
  }
  return true;
}

void PutOwn(std::span<const double> values, std::string& out) {
  const CodedValues coded = EncodeValues(values, std::nullopt);
  out.push_back(static_cast<char>(kColumnOwn | static_cast<unsigned>(coded.layout.codec)));
  out.push_back(static_cast<char>(coded.layout.exponent | (coded.layout.exceptions ? 0x80 : 0)));
  PutVarint(out, coded.payload.size());
  out.append(coded.payload);
}

void PutColumn(std::size_t column, std::span<const std::vector<double>> columns, std::string& out) {
  const std::vector<double>& values = columns[column];
  for (std::size_t other = 0; other < column; ++other) {
    if (!SameBits(values, columns[other])) continue;
    out.push_back(static_cast<char>(other));
    return;
  }
  const auto zero = [](double v) { return std::bit_cast<std::uint64_t>(v) == 0; };
  if (std::ranges::all_of(values, zero)) {
    out.push_back(static_cast<char>(kColumnZero));
  } else {
    PutOwn(values, out);
  }
}

bool GetColumn(ByteReader& in, std::size_t column, std::span<std::vector<double>> columns) {
  const auto mode = in.Byte();
  if (!mode) return false;
  std::vector<double>& values = columns[column];
  if (*mode < column) {
    values = columns[*mode];
    return true;
  }
  if (*mode == kColumnZero) return true;
  const unsigned codec = *mode & ~static_cast<unsigned>(kColumnOwn);
  const auto extra = in.Byte();
  const auto size = in.Varint();
  if ((*mode & kColumnOwn) == 0 || codec > static_cast<unsigned>(ValueCodec::kProducts) || !extra || !size ||
      *size > in.size()) {
    return false;
  }
  const int exponent = *extra & 0x7F;
  const auto payload = in.Bytes(static_cast<std::size_t>(*size));
  return exponent <= kMaxDecimalExponent &&
         DecodeValues({static_cast<ValueCodec>(codec), exponent, (*extra & 0x80) != 0}, *payload, values.size(),
                      values);
}

/// All numbers of the buckets that are whole: in the order in which they are stored.
enum IntColumn : std::size_t { kEnds, kCounts, kResets, kFirstTimes, kLastTimes, kStale, kIntColumns };

std::array<std::vector<std::int64_t>, kIntColumns> IntColumnsOf(std::span<const TierBucket> buckets, Millis step) {
  std::array<std::vector<std::int64_t>, kIntColumns> out;
  for (const TierBucket& bucket : buckets) {
    const bool counts = bucket.count > 0;
    out[kEnds].push_back(bucket.end.ms / step.count());
    out[kCounts].push_back(bucket.count);
    out[kResets].push_back(bucket.resets);
    // From the end of the bucket: nearly the same in each.
    out[kFirstTimes].push_back(counts ? bucket.end.ms - bucket.first_time.ms : 0);
    out[kLastTimes].push_back(counts ? bucket.end.ms - bucket.last_time.ms : 0);
    out[kStale].push_back(bucket.ends_stale ? 1 : 0);
  }
  return out;
}

bool FromIntColumns(const std::array<std::vector<std::int64_t>, kIntColumns>& columns, Millis step,
                    std::span<TierBucket> buckets) {
  constexpr std::int64_t kFarthest = INT64_MAX / 4;
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    TierBucket& bucket = buckets[i];
    const std::int64_t end = columns[kEnds][i], count = columns[kCounts][i], resets = columns[kResets][i];
    const std::int64_t first = columns[kFirstTimes][i], last = columns[kLastTimes][i], stale = columns[kStale][i];
    const bool good = end > -kFarthest / step.count() && end < kFarthest / step.count() && count >= 0 &&
                      count <= UINT32_MAX && resets >= 0 && resets <= count && last >= 0 && first >= last &&
                      first < step.count() && (stale == 0 || stale == 1) && (count > 0 || stale == 1);
    if (!good || (i > 0 && end <= columns[kEnds][i - 1])) return false;
    bucket.end = TimeMs(end * step.count());
    bucket.count = static_cast<std::uint32_t>(count);
    bucket.resets = static_cast<std::uint32_t>(resets);
    if (count > 0) {
      bucket.first_time = TimeMs(bucket.end.ms - first);
      bucket.last_time = TimeMs(bucket.end.ms - last);
    }
    bucket.ends_stale = stale == 1;
  }
  return true;
}

}  // namespace

std::string EncodeTierRow(const TierRow& row, Millis step) {
  assert(row.buckets.size() <= kMaxTierBuckets);
  std::string out{static_cast<char>(kTierFormat), static_cast<char>(row.has_histograms ? kTierHasHistograms : 0)};
  PutVarint(out, row.seal);
  PutVarint(out, row.buckets.size());
  if (row.buckets.empty()) return out;
  for (const std::vector<std::int64_t>& column : IntColumnsOf(row.buckets, step)) PutIntColumn(column, out);
  std::array<std::vector<double>, kDoubles.size()> columns;
  for (std::size_t c = 0; c < columns.size(); ++c) {
    for (const TierBucket& bucket : row.buckets) columns[c].push_back(bucket.*kDoubles[c]);
    PutColumn(c, columns, out);
  }
  return out;
}

Result<TierRow> DecodeTierRow(std::string_view bytes, Millis step) {
  ByteReader in(bytes);
  const auto damaged = [&] { return Fail(Code::kCorruption, "tier row of {} bytes is damaged", bytes.size()); };
  const auto format = in.Byte(), flags = in.Byte();
  if (format && *format != kTierFormat) {
    return Fail(Code::kBadData, "tier row of format {}, which this program does not know", *format);
  }
  const auto seal = in.Varint(), count = in.Varint();
  if (!flags || (*flags & ~unsigned{kTierHasHistograms}) != 0 || !seal || *seal > UINT32_MAX || !count ||
      *count > kMaxTierBuckets) {
    return damaged();
  }
  TierRow out;
  out.seal = static_cast<std::uint32_t>(*seal);
  out.has_histograms = (*flags & kTierHasHistograms) != 0;
  out.buckets.resize(static_cast<std::size_t>(*count));
  if (out.buckets.empty()) return in.empty() ? Result<TierRow>(std::move(out)) : damaged();
  std::array<std::vector<std::int64_t>, kIntColumns> whole;
  for (std::vector<std::int64_t>& column : whole) {
    column.resize(out.buckets.size());
    if (!GetIntColumn(in, column)) return damaged();
  }
  if (!FromIntColumns(whole, step, out.buckets)) return damaged();
  std::array<std::vector<double>, kDoubles.size()> columns;
  for (std::size_t c = 0; c < columns.size(); ++c) {
    columns[c].resize(out.buckets.size());
    if (!GetColumn(in, c, columns)) return damaged();
    for (std::size_t i = 0; i < out.buckets.size(); ++i) out.buckets[i].*kDoubles[c] = columns[c][i];
  }
  if (!in.empty()) return damaged();
  return out;
}

}  // namespace vedette::storage
