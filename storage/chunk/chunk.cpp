#include "storage/chunk/chunk.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "storage/chunk/chunk_values.h"
#include "storage/chunk/merge.h"
#include "storage/coding.h"

namespace vedette::storage {
namespace {

/// Written. The one before lacks integer sequences with steps and is read as well.
constexpr std::uint8_t kVersion = 3, kOldestVersion = 2;
/// Below these many samples decoding is cheaper than carrying the summary.
constexpr std::size_t kIntegerSummaryMin = 64, kDoubleSummaryMin = 512;

/// Byte 2: summary in the low two bits, then kExceptions, the exponent in the high four.
constexpr unsigned kExceptions = 8;

bool HasNan(std::span<const double> values) {
  return std::ranges::any_of(values, [](double v) { return std::isnan(v); });
}

SummaryKind PutSummary(std::span<const double> values, const CodedValues& coded, std::string& out) {
  if (coded.layout.codec == ValueCodec::kConstant) {
    return std::isnan(values.front()) ? SummaryKind::kNone : SummaryKind::kConstant;
  }
  if (coded.decimals && !coded.layout.exceptions) {
    if (values.size() < kIntegerSummaryMin) return SummaryKind::kNone;
    if (PutIntegerSummary(*coded.decimals, out)) return SummaryKind::kIntegers;
  }
  if (values.size() < kDoubleSummaryMin || HasNan(values)) return SummaryKind::kNone;
  PutDoubleSummary(Summarise(values), out);
  return SummaryKind::kDoubles;
}

/// A header with the places of the two payloads.
struct Parsed {
  ChunkHeader header;
  ValueLayout layout;
  CodedTimes times;
  std::string_view values;
};

bool KnownValueCodec(unsigned codec) { return codec <= static_cast<unsigned>(ValueCodec::kProducts); }

bool ReadSummary(SummaryKind kind, ByteReader& in, Parsed& parsed) {
  const ValueLayout& layout = parsed.layout;
  if (kind == SummaryKind::kIntegers && !IsDecimalCodec(layout.codec)) return false;
  if (kind == SummaryKind::kIntegers || kind == SummaryKind::kDoubles) {
    parsed.header.summary = GetSummary(kind, parsed.header.count, layout.exponent, FormOf(layout.codec), in);
    return parsed.header.summary.has_value();
  }
  if (kind == SummaryKind::kConstant) {
    const auto value = ByteReader(in.rest()).Double();
    if (!value) return false;
    parsed.header.summary = SummariseConstant(*value, parsed.header.count);
  }
  return true;
}

Result<Parsed> Parse(std::string_view bytes) {
  ByteReader in(bytes);
  const auto damaged = [&](std::string_view what) {
    return Fail(Code::kCorruption, "chunk of {} bytes is damaged: {}", bytes.size(), what);
  };
  const auto version = in.Byte(), codecs = in.Byte(), extra = in.Byte();
  if (!version || !codecs || !extra) return damaged("shorter than its header");
  if (*version < kOldestVersion || *version > kVersion) {
    return Fail(Code::kBadData, "chunk has format {}, this program reads formats {} to {}", *version, kOldestVersion,
                kVersion);
  }
  const unsigned value_codec = *codecs & 15U, time_codec = *codecs >> 4U;
  if (value_codec == static_cast<unsigned>(ValueCodec::kHistograms)) {
    return Fail(Code::kBadData, "chunk holds native histograms, which this program does not read");
  }
  if (!KnownValueCodec(value_codec) || time_codec > 1 || (*extra & 4U) != 0) return damaged("unknown codec");
  Parsed parsed;
  parsed.header.value_codec = static_cast<ValueCodec>(value_codec);
  parsed.header.time_codec = static_cast<TimeCodec>(time_codec);
  parsed.layout = {parsed.header.value_codec, static_cast<int>(*extra >> 4U), (*extra & kExceptions) != 0, false};
  if (parsed.layout.exponent > kMaxDecimalExponent) return damaged("unknown codec");
  const std::optional<CodedTimes> times = ReadTimes(in, parsed.header.time_codec);
  if (!times) return damaged("count or times");
  parsed.times = *times;
  parsed.header.count = times->count;
  parsed.header.range = times->range;
  if (!ReadSummary(static_cast<SummaryKind>(*extra & 3U), in, parsed)) return damaged("summary");
  parsed.values = in.rest();
  return parsed;
}

/// Appends the first `count` samples.
Status DecodeFirst(const Parsed& parsed, std::size_t bytes, std::size_t count, Columns& out) {
  const std::size_t before = out.size();
  out.times.resize(before + count);
  out.values.resize(before + count);
  if (DecodeTimes(parsed.times, std::span(out.times).subspan(before)) &&
      DecodeValues(parsed.layout, parsed.values, parsed.header.count, std::span(out.values).subspan(before))) {
    return Ok();
  }
  out.times.resize(before);
  out.values.resize(before);
  return Fail(Code::kCorruption, "chunk of {} bytes is damaged: its {} samples do not decode", bytes,
              parsed.header.count);
}

}  // namespace

void EncodeChunk(std::span<const std::int64_t> times, std::span<const double> values, std::string& out,
                 std::optional<ValueCodec> forced, IntEffort effort) {
  assert(!times.empty() && times.size() == values.size() && times.size() <= kMaxChunkSamples);
  const CodedValues coded = EncodeValues(values, forced, effort);
  std::string summary;
  const SummaryKind kind = PutSummary(values, coded, summary);
  const TimeCodec time_codec = TimeCodecOf(times);
  out.push_back(static_cast<char>(kVersion));
  out.push_back(static_cast<char>(static_cast<unsigned>(coded.layout.codec) | static_cast<unsigned>(time_codec) << 4U));
  out.push_back(static_cast<char>(static_cast<unsigned>(kind) | (coded.layout.exceptions ? kExceptions : 0) |
                                  static_cast<unsigned>(coded.layout.exponent) << 4U));
  PutTimes(times, time_codec, out, effort);
  out.append(summary);
  out.append(coded.payload);
}

Result<ChunkHeader> ReadChunkHeader(std::string_view bytes) {
  VEDETTE_TRY(const Parsed parsed, Parse(bytes));
  return parsed.header;
}

Status DecodeChunk(std::string_view bytes, Columns& out) {
  VEDETTE_TRY(const Parsed parsed, Parse(bytes));
  return DecodeFirst(parsed, bytes.size(), parsed.header.count, out);
}

Status DecodeChunkRange(std::string_view bytes, TimeRange range, Columns& out) {
  VEDETTE_TRY(const Parsed parsed, Parse(bytes));
  const ChunkHeader& header = parsed.header;
  if (!range.Overlaps(header.range) || range.max < range.min) return Ok();
  const std::size_t before = out.size();
  VEDETTE_CHECK(DecodeFirst(parsed, bytes.size(), parsed.times.CountUpTo(range.max), out));
  CutToRange(out, before, range);
  return Ok();
}

}  // namespace vedette::storage
