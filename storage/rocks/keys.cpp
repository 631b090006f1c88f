#include "storage/rocks/keys.h"

#include <vector>

#include "storage/coding.h"

namespace vedette::storage {
namespace {

/// A day has fewer ms than 2^27.
constexpr std::uint32_t kHistogramBit = 0x80000000U;

/// Signed to unsigned such that order is kept.
std::uint32_t Biased(std::int32_t day) { return static_cast<std::uint32_t>(day) ^ 0x80000000U; }

void PutEscapedName(std::string& out, std::string_view name, char mark) {
  for (const char c : name) {
    out.push_back(c);
    if (c == '\0') out.push_back('\xFF');
  }
  out.push_back('\0');
  out.push_back(mark);
}

}  // namespace

std::int32_t DayOf(TimeMs time) {
  const std::int64_t day = time.ms / kDayMs;
  return static_cast<std::int32_t>(time.ms % kDayMs < 0 ? day - 1 : day);
}

TimeMs StartOfDay(std::int32_t day) { return TimeMs(day * kDayMs); }

std::span<const std::int32_t> DaysWithin(std::span<const std::int32_t> days, TimeRange range) {
  const auto begin = std::ranges::partition_point(
      days, [&](std::int32_t day) { return StartOfDay(day) + Millis(kDayMs - 1) < range.min; });
  const auto end =
      std::partition_point(begin, days.end(), [&](std::int32_t day) { return StartOfDay(day) <= range.max; });
  return {begin, end};
}

std::string DayText(std::int32_t day) { return FormatRfc3339(StartOfDay(day)).substr(0, 10); }

std::string DayPrefix(std::int32_t day) {
  std::string out;
  PutBigEndian(out, Biased(day));
  return out;
}

std::int32_t ParseDay(std::string_view key) {
  return static_cast<std::int32_t>(GetBigEndian<std::uint32_t>(key) ^ 0x80000000U);
}

std::string ChunkPrefix(std::int32_t day, SeriesId series) {
  std::string out = DayPrefix(day);
  PutBigEndian(out, static_cast<std::uint64_t>(series));
  return out;
}

std::string EncodeChunkKey(const ChunkKey& key) {
  std::string out = ChunkPrefix(key.day, key.series);
  const auto ms = static_cast<std::uint32_t>((key.first - StartOfDay(key.day)).count());
  PutBigEndian(out, ms | (key.histograms ? kHistogramBit : 0));
  PutBigEndian(out, key.seal);
  return out;
}

std::string HistogramPrefix(std::int32_t day, SeriesId series) {
  std::string out = ChunkPrefix(day, series);
  PutBigEndian(out, kHistogramBit);
  return out;
}

std::optional<ChunkKey> ParseChunkKey(std::string_view key) {
  if (key.size() != kChunkKeyBytes) return std::nullopt;
  ChunkKey out;
  out.day = ParseDay(key);
  out.series = SeriesId(GetBigEndian<std::uint64_t>(key.substr(4)));
  const auto ms = GetBigEndian<std::uint32_t>(key.substr(12));
  out.histograms = (ms & kHistogramBit) != 0;
  out.first = StartOfDay(out.day) + Millis(ms & ~kHistogramBit);
  out.seal = GetBigEndian<std::uint32_t>(key.substr(16));
  return out;
}

std::string DescribeChunkKey(std::string_view key) {
  const auto parsed = ParseChunkKey(key);
  if (!parsed) return fmt::format("chunk with a key of {} bytes", key.size());
  return fmt::format("{} of series {}, day {}, first sample {}, seal {}",
                     parsed->histograms ? "histogram chunk" : "chunk", static_cast<std::uint64_t>(parsed->series),
                     DayText(parsed->day), parsed->first, parsed->seal);
}

std::string BundleKey(std::int32_t day, SeriesId last) { return ChunkPrefix(day, last); }

std::optional<SeriesId> ParseBundleKey(std::string_view key) {
  if (key.size() != kChunkPrefixBytes) return std::nullopt;
  return SeriesId(GetBigEndian<std::uint64_t>(key.substr(4)));
}

std::optional<SeriesId> ParseSeriesOfRow(std::string_view key) {
  if (key.size() == kChunkPrefixBytes) return ParseBundleKey(key);
  const auto chunk = ParseChunkKey(key);
  return chunk ? std::optional(chunk->series) : std::nullopt;
}

std::string DescribeBundleKey(std::string_view key) {
  const auto last = ParseBundleKey(key);
  if (!last) return fmt::format("bundle with a key of {} bytes", key.size());
  return fmt::format("bundle up to series {}, day {}", Raw(*last), DayText(ParseDay(key)));
}

std::string IndexKey(std::int32_t day, std::string_view name, std::string_view value) {
  std::string out = DayPrefix(day);
  PutEscapedName(out, name, '\x01');
  out.append(value);
  return out;
}

std::string IndexNameEnd(std::int32_t day, std::string_view name) {
  std::string out = DayPrefix(day);
  PutEscapedName(out, name, '\x02');
  return out;
}

std::optional<IndexKeyParts> ParseIndexKey(std::string_view key) {
  if (key.size() < 4) return std::nullopt;
  IndexKeyParts out;
  for (std::size_t i = 4; i < key.size(); ++i) {
    if (key[i] != '\0') {
      out.name.push_back(key[i]);
      continue;
    }
    if (++i == key.size()) return std::nullopt;
    if (key[i] == '\x01') {
      out.value = key.substr(i + 1);
      return out;
    }
    if (key[i] != '\xFF') return std::nullopt;
    out.name.push_back('\0');
  }
  return std::nullopt;
}

std::string SeriesBlockKey(SeriesId first) {
  std::string out(1, kSeriesBlockTag);
  PutBigEndian(out, static_cast<std::uint64_t>(first));
  return out;
}

std::string SeriesRecordKey(std::uint64_t number) {
  std::string out(1, kSeriesRecordTag);
  PutBigEndian(out, number);
  return out;
}

std::string SeriesHashPrefix(std::uint64_t hash) {
  std::string out = "h";
  PutBigEndian(out, hash);
  return out;
}

std::string SeriesHashKey(std::uint64_t hash, SeriesId id) {
  std::string out = SeriesHashPrefix(hash);
  PutBigEndian(out, static_cast<std::uint64_t>(id));
  return out;
}

SeriesId ParseSeriesKey(std::string_view key) {
  return key.size() < 9 ? SeriesId::kNone : SeriesId(GetBigEndian<std::uint64_t>(key.substr(key.size() - 8)));
}

std::string JournalKey(std::uint64_t commit, std::uint32_t number) {
  std::string out;
  PutBigEndian(out, commit);
  PutBigEndian(out, number);
  return out;
}

std::string TieredKey(std::int32_t day) { return std::string(kMetaTiered) + DayPrefix(day); }

std::string UnpackedKey(std::int32_t day) { return std::string(kMetaUnpacked) + DayPrefix(day); }

}  // namespace vedette::storage
