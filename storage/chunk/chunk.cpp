#include "storage/chunk/chunk.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <cstring>

#include "storage/chunk/decimals.h"
#include "storage/chunk/int_codec.h"
#include "storage/chunk/xor_codec.h"
#include "storage/coding.h"

namespace vedette::storage {
namespace {

constexpr std::uint8_t kVersion = 1;
/// The five doubles of a summary are 40 bytes: below this many samples decoding is cheaper than carrying them.
constexpr std::size_t kSummaryMinSamples = 128;

/// Stored.
enum class SummaryKind : std::uint8_t {
  kNone = 0,
  kConstant = 1,  // follows from the value and the count
  kIntegers = 2,  // mantissas: first, then the others relative to it, as varints
  kDoubles = 3,
};

bool HasNan(std::span<const double> values) {
  return std::ranges::any_of(values, [](double v) { return std::isnan(v); });
}

bool AllSameBits(std::span<const double> values) {
  const auto first = std::bit_cast<std::uint64_t>(values.front());
  return std::ranges::all_of(values, [first](double v) { return std::bit_cast<std::uint64_t>(v) == first; });
}

bool IsRegular(std::span<const std::int64_t> times) {
  if (times.size() < 2) return true;
  const std::int64_t step = WrapSub(times[1], times[0]);
  for (std::size_t i = 2; i < times.size(); ++i) {
    if (WrapSub(times[i], times[i - 1]) != step) return false;
  }
  return true;
}

/// Neumaier's compensated sum, as everywhere in Vedette.
double Sum(std::span<const double> values) {
  double sum = 0, lost = 0;
  for (const double v : values) {
    const double next = sum + v;
    lost += std::fabs(sum) >= std::fabs(v) ? (sum - next) + v : (v - next) + sum;
    sum = next;
  }
  return std::isfinite(sum) ? sum + lost : sum;
}

ChunkSummary Summarise(std::span<const double> values) {
  return {*std::ranges::min_element(values), *std::ranges::max_element(values), Sum(values), values.front(),
          values.back()};
}

/// Mantissa statistics: exact as long as the sum stays within the 53 bits of a double.
bool PutIntegerSummary(const Decimals& decimals, std::string& out) {
  const auto& m = decimals.mantissas;
  const std::int64_t first = m.front();
  std::int64_t excess = 0;
  double magnitude = 0;
  for (const std::int64_t v : m) {
    excess = WrapAdd(excess, WrapSub(v, first));
    magnitude += std::fabs(static_cast<double>(v)) + std::fabs(static_cast<double>(first));
  }
  if (magnitude >= 9007199254740992.0) return false;
  PutSigned(out, first);
  PutSigned(out, WrapSub(m.back(), first));
  PutVarint(out, static_cast<std::uint64_t>(WrapSub(first, *std::ranges::min_element(m))));
  PutVarint(out, static_cast<std::uint64_t>(WrapSub(*std::ranges::max_element(m), first)));
  PutSigned(out, excess);
  return true;
}

void PutSummary(SummaryKind kind, std::span<const double> values, std::string& out) {
  if (kind != SummaryKind::kDoubles) return;
  const ChunkSummary s = Summarise(values);
  for (const double v : {s.min, s.max, s.sum, s.first, s.last}) PutDouble(out, v);
}

void PutXorValues(std::span<const double> values, std::string& out) {
  BitBuffer bits;
  XorState state;
  for (const double v : values) PutXor(bits, state, v);
  out.append(bits.bytes());
}

bool GetXorValues(std::string_view bytes, std::span<double> out) {
  BitReader in(bytes);
  XorState state;
  bool valid = true;
  for (double& v : out) {
    v = GetXor(in, state, valid);
    if (!valid) return false;
  }
  return !in.failed();
}

/// A header with the places of the two payloads.
struct Parsed {
  ChunkHeader header;
  std::string_view times, values;
  std::int64_t step = 0;
  int exponent = 0;
};

bool ReadSummary(SummaryKind kind, ByteReader& in, Parsed& parsed) {
  if (kind == SummaryKind::kNone || kind == SummaryKind::kConstant) return true;
  ChunkSummary s;
  if (kind == SummaryKind::kDoubles) {
    for (double* field : {&s.min, &s.max, &s.sum, &s.first, &s.last}) {
      const auto v = in.Double();
      if (!v) return false;
      *field = *v;
    }
  } else {
    const auto first = in.Signed(), last = in.Signed();
    const auto below = in.Varint(), above = in.Varint();
    const auto excess = in.Signed();
    if (!first || !last || !below || !above || !excess) return false;
    const auto count = static_cast<std::int64_t>(parsed.header.count);
    const std::int64_t total = WrapAdd(
        static_cast<std::int64_t>(static_cast<std::uint64_t>(*first) * static_cast<std::uint64_t>(count)), *excess);
    const std::int64_t mantissas[] = {WrapSub(*first, static_cast<std::int64_t>(*below)),
                                      WrapAdd(*first, static_cast<std::int64_t>(*above)), total, *first,
                                      WrapAdd(*first, *last)};
    double fields[5];
    FromDecimals(mantissas, parsed.exponent, fields);
    s = {fields[0], fields[1], fields[2], fields[3], fields[4]};
  }
  parsed.header.summary = s;
  return true;
}

bool ReadTimes(ByteReader& in, Parsed& parsed) {
  ChunkHeader& header = parsed.header;
  const auto first = in.Signed();
  const auto span = in.Varint();
  if (!first || !span || *span > static_cast<std::uint64_t>(INT64_MAX)) return false;
  header.range = {TimeMs(*first), TimeMs(WrapAdd(*first, static_cast<std::int64_t>(*span)))};
  if (header.range.max < header.range.min) return false;
  if (header.time_codec == TimeCodec::kRegular) {
    // The step follows from the span; times ascend, so it is zero for a single sample only.
    const std::uint64_t gaps = header.count - 1;
    if (gaps == 0 ? *span != 0 : (*span == 0 || *span % gaps != 0)) return false;
    parsed.step = gaps == 0 ? 0 : static_cast<std::int64_t>(*span / gaps);
    return true;
  }
  const auto size = in.Varint();
  const auto times = size && *size <= in.size() ? in.Bytes(static_cast<std::size_t>(*size)) : std::nullopt;
  if (!times) return false;
  parsed.times = *times;
  return true;
}

Result<Parsed> Parse(std::string_view bytes) {
  ByteReader in(bytes);
  const auto damaged = [&](std::string_view what) {
    return Fail(Code::kCorruption, "chunk of {} bytes is damaged: {}", bytes.size(), what);
  };
  const auto version = in.Byte(), codecs = in.Byte(), extra = in.Byte();
  if (!version || !codecs || !extra) return damaged("shorter than its header");
  if (*version > kVersion) {
    return Fail(Code::kBadData, "chunk format {} is newer than {}, the newest this program reads", *version, kVersion);
  }
  const unsigned value_codec = *codecs & 15U, time_codec = *codecs >> 4U;
  const unsigned summary = *extra & 15U, exponent = *extra >> 4U;
  if (*version == 0 || value_codec > 2 || time_codec > 1 || summary > 3 || exponent > kMaxDecimalExponent) {
    return damaged("unknown codec");
  }
  Parsed parsed;
  parsed.header.value_codec = static_cast<ValueCodec>(value_codec);
  parsed.header.time_codec = static_cast<TimeCodec>(time_codec);
  parsed.exponent = static_cast<int>(exponent);
  const auto count = in.Varint();
  if (!count || *count == 0 || *count > kMaxChunkSamples) return damaged("impossible count");
  parsed.header.count = static_cast<std::size_t>(*count);
  if (!ReadTimes(in, parsed)) return damaged("times");
  if (!ReadSummary(static_cast<SummaryKind>(summary), in, parsed)) return damaged("summary");
  parsed.values = in.rest();
  if (static_cast<SummaryKind>(summary) == SummaryKind::kConstant) {
    const auto value = ByteReader(parsed.values).Double();
    if (!value) return damaged("constant");
    parsed.header.summary = ChunkSummary{*value, *value, *value * static_cast<double>(*count), *value, *value};
  }
  return parsed;
}

bool DecodeTimes(const Parsed& parsed, std::span<std::int64_t> out) {
  const std::int64_t first = parsed.header.range.min.ms;
  if (parsed.header.time_codec == TimeCodec::kRegular) {
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = first + static_cast<std::int64_t>(i) * parsed.step;
    return true;
  }
  ByteReader in(parsed.times);
  if (!DecodeInts(in, out)) return false;
  // Readers merge by time: a chunk out of order would spoil answers silently.
  return out.front() == first && out.back() == parsed.header.range.max.ms &&
         std::ranges::adjacent_find(out, std::ranges::greater_equal{}) == out.end();
}

bool DecodeValues(const Parsed& parsed, std::span<double> out) {
  ByteReader in(parsed.values);
  switch (parsed.header.value_codec) {
    case ValueCodec::kConstant: {
      const auto value = in.Double();
      if (value) std::ranges::fill(out, *value);
      return value.has_value();
    }
    case ValueCodec::kIntegers: {
      // Scratch per thread: chunks are decoded by the thousand and a fresh vector each would dominate short ones.
      thread_local std::vector<std::int64_t> mantissas;
      mantissas.resize(out.size());
      if (!DecodeInts(in, mantissas)) return false;
      FromDecimals(mantissas, parsed.exponent, out);
      return true;
    }
    case ValueCodec::kXor:
      return GetXorValues(parsed.values, out);
  }
  return false;
}

}  // namespace

void EncodeChunk(std::span<const std::int64_t> times, std::span<const double> values, std::string& out,
                 std::optional<ValueCodec> forced) {
  assert(!times.empty() && times.size() == values.size() && times.size() <= kMaxChunkSamples);
  const bool constant = AllSameBits(values) && (!forced || *forced == ValueCodec::kConstant);
  std::optional<Decimals> decimals;
  if (!constant && (!forced || *forced == ValueCodec::kIntegers)) decimals = AsDecimals(values);

  std::string payload, integer_summary;
  SummaryKind summary = SummaryKind::kNone;
  ValueCodec codec = ValueCodec::kXor;
  if (constant) {
    codec = ValueCodec::kConstant;
    PutDouble(payload, values.front());
    if (!std::isnan(values.front())) summary = SummaryKind::kConstant;
  } else if (decimals) {
    codec = ValueCodec::kIntegers;
    EncodeInts(decimals->mantissas, payload);
    if (values.size() >= kSummaryMinSamples / 4 && PutIntegerSummary(*decimals, integer_summary)) {
      summary = SummaryKind::kIntegers;
    }
  }
  // Decimals with many digits may pack worse than their bits: both are tried unless the integers are clearly small.
  if (codec == ValueCodec::kXor || (decimals && !forced && payload.size() > 3 * values.size())) {
    std::string bits;
    PutXorValues(values, bits);
    if (codec == ValueCodec::kXor || bits.size() < payload.size()) {
      payload = std::move(bits);
      codec = ValueCodec::kXor;
      summary = SummaryKind::kNone;
    }
  }
  if (codec == ValueCodec::kXor && values.size() >= kSummaryMinSamples && !HasNan(values)) {
    summary = SummaryKind::kDoubles;
  }

  const bool regular = IsRegular(times);
  const auto time_codec = static_cast<unsigned>(regular ? TimeCodec::kRegular : TimeCodec::kIntegers);
  const int exponent = codec == ValueCodec::kIntegers ? decimals->exponent : 0;
  out.push_back(static_cast<char>(kVersion));
  out.push_back(static_cast<char>(static_cast<unsigned>(codec) | time_codec << 4U));
  out.push_back(static_cast<char>(static_cast<unsigned>(summary) | static_cast<unsigned>(exponent) << 4U));
  PutVarint(out, times.size());
  PutSigned(out, times.front());
  PutVarint(out, static_cast<std::uint64_t>(WrapSub(times.back(), times.front())));
  if (!regular) {
    std::string time_payload;
    EncodeInts(times, time_payload);
    PutVarint(out, time_payload.size());
    out.append(time_payload);
  }
  if (summary == SummaryKind::kIntegers) {
    out.append(integer_summary);
  } else {
    PutSummary(summary, values, out);
  }
  out.append(payload);
}

Result<ChunkHeader> ReadChunkHeader(std::string_view bytes) {
  VEDETTE_TRY(const Parsed parsed, Parse(bytes));
  return parsed.header;
}

Status DecodeChunk(std::string_view bytes, Columns& out) {
  VEDETTE_TRY(const Parsed parsed, Parse(bytes));
  const std::size_t before = out.size(), count = parsed.header.count;
  out.times.resize(before + count);
  out.values.resize(before + count);
  if (DecodeTimes(parsed, std::span(out.times).subspan(before)) &&
      DecodeValues(parsed, std::span(out.values).subspan(before))) {
    return Ok();
  }
  out.times.resize(before);
  out.values.resize(before);
  return Fail(Code::kCorruption, "chunk of {} bytes is damaged: its {} samples do not decode", bytes.size(), count);
}

}  // namespace vedette::storage
