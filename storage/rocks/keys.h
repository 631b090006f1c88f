// The keys of all column families (docs/storage_format.md draws them). Big-endian, so that byte order is number order;
// whatever belongs to a time starts with its UTC day, so that a day can be dropped as one key range.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/labels.h"
#include "core/result.h"
#include "core/time.h"
#include "storage/storage.h"

namespace vedette::storage {

inline constexpr std::int64_t kDayMs = 86'400'000;

/// UTC days since 1970, rounded down.
std::int32_t DayOf(TimeMs time);
TimeMs StartOfDay(std::int32_t day);
/// Those of `days`, which ascend, that overlap `range`.
std::span<const std::int32_t> DaysWithin(std::span<const std::int32_t> days, TimeRange range);
std::string DayText(std::int32_t day);  // "2026-11-21"

/// chunks: day (4, biased), series (8), ms within the day of the first sample (4), seal number (4). The top bit of the
/// ms marks chunks of native histograms: they lie behind the others of their series.
struct ChunkKey {
  std::int32_t day = 0;
  SeriesId series = SeriesId::kNone;
  TimeMs first;
  std::uint32_t seal = 0;
  bool histograms = false;
};
inline constexpr std::size_t kChunkPrefixBytes = 12;
inline constexpr std::size_t kChunkKeyBytes = 20;
std::string EncodeChunkKey(const ChunkKey& key);
std::string ChunkPrefix(std::int32_t day, SeriesId series);
/// Where the chunks of histograms begin.
std::string HistogramPrefix(std::int32_t day, SeriesId series);
/// Of a key of `chunks` or `blocks`.
inline bool IsHistogramKey(std::string_view key) {
  return key.size() > kChunkPrefixBytes && (static_cast<std::uint8_t>(key[kChunkPrefixBytes]) & 0x80U) != 0;
}
std::optional<ChunkKey> ParseChunkKey(std::string_view key);
/// For messages: "chunk of series 17, day 2026-11-21, first sample 2026-11-21T10:00:00Z".
std::string DescribeChunkKey(std::string_view key);

/// bundles: day (4, biased), the last series in it (8). Those of a day do not overlap, so the first key from that of a
/// series on is the bundle that may hold it.
std::string BundleKey(std::int32_t day, SeriesId last);
std::optional<SeriesId> ParseBundleKey(std::string_view key);
/// For messages: "bundle up to series 17, day 2026-11-21".
std::string DescribeBundleKey(std::string_view key);

/// The series of a row of samples; of a bundle the last one.
std::optional<SeriesId> ParseSeriesOfRow(std::string_view key);

/// All keys of a day, in `chunks` and `index`: [DayPrefix(day), DayPrefix(day + 1)).
std::string DayPrefix(std::int32_t day);
std::int32_t ParseDay(std::string_view key);  // at least 4 bytes

/// index: day (4), label name with 0x00 as 0x00 0xFF, end mark 0x00 0x01, label value as it is. The row of all series
/// of the day has the empty name and value.
std::string IndexKey(std::int32_t day, std::string_view name, std::string_view value);
struct IndexKeyParts {
  std::string name;
  std::string_view value;
};
std::optional<IndexKeyParts> ParseIndexKey(std::string_view key);
/// The first key behind all values of `name`.
std::string IndexNameEnd(std::int32_t day, std::string_view name);

/// series: 'b' + first id (8) -> block of definitions; 'd' + number (8) -> definitions that came with a commit and are
/// in no block yet; 'h' + hash of the labels (8) + id (8) -> nothing. All have a prefix of 9 bytes.
std::string SeriesBlockKey(SeriesId first);
std::string SeriesRecordKey(std::uint64_t number);
std::string SeriesHashPrefix(std::uint64_t hash);
std::string SeriesHashKey(std::uint64_t hash, SeriesId id);
inline constexpr char kSeriesBlockTag = 'b';
inline constexpr char kSeriesRecordTag = 'd';
/// The id (of records: the number) at the end of any of them.
SeriesId ParseSeriesKey(std::string_view key);

/// journal: commit (8), number (4): 0 for the rows of the commit, then the seal rounds that happened after it.
std::string JournalKey(std::uint64_t commit, std::uint32_t number);

/// meta: readable names.
inline constexpr std::string_view kMetaVersion = "format_version";
inline constexpr std::string_view kMetaWatermark = "journal_watermark";  // commits up to here are sealed or carried
inline constexpr std::string_view kMetaNextSeries = "next_series";       // no id below may be given again
inline constexpr std::string_view kMetaSeal = "seal_number";             // the last one used
inline constexpr std::string_view kMetaMaxTime = "max_time";             // no sealed sample is newer
inline constexpr std::string_view kMetaUnpacked = "unpacked/";           // + day (4): has chunks to be re-packed
inline constexpr std::string_view kMetaTombstone = "tombstone/";         // + number (8): what was deleted
inline constexpr std::string_view kMetaFeed = "feed/";                   // + name: where a feed is (feeds.h)
inline constexpr std::string_view kMetaTiered = "tiered/";               // + day (4): tiers hold all of it; below
std::string UnpackedKey(std::int32_t day);
std::string TieredKey(std::int32_t day);

}  // namespace vedette::storage
