// Keys of the family `facts` (docs/storage_format.md draws them): what is kept beside samples. The first byte says
// what.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"
#include "core/time.h"
#include "storage/storage.h"

namespace vedette::storage {

/// Stored: never reused.
enum FactTag : char {
  kExemplarTag = 'e',  // time(8) series(8) hash(8) -> value and labels
  kStartTag = 's',     // series(8) start(8) -> time of the first sample that named it
  kInfoTag = 'x',      // number(8) -> type, help, unit
  kTargetTag = 't',    // number(8) -> labels
  kFeedTag = 'q',      // commit(8) -> the exemplars that came with it, as long as a feed needs them
  kMetadataTag = 'm',  // target(8) family 00 01 time(8) -> number of the info; nothing: the target went
};

struct ExemplarKey {
  TimeMs time;
  SeriesId series = SeriesId::kNone;
  std::uint64_t hash = 0;
};
std::string EncodeExemplarKey(const ExemplarKey& key);
/// The first key of that time.
std::string ExemplarFrom(TimeMs time);
std::optional<ExemplarKey> ParseExemplarKey(std::string_view key);

struct StartKey {
  SeriesId series = SeriesId::kNone;
  TimeMs start;
};
std::string StartPrefix(SeriesId series);
std::string EncodeStartKey(const StartKey& key);
std::optional<StartKey> ParseStartKey(std::string_view key);
/// Times in values too, so that the earlier one is the smaller.
std::string EncodeFactTime(TimeMs time);
std::optional<TimeMs> ParseFactTime(std::string_view bytes);

/// Of infos and targets.
std::string NumberKey(FactTag tag, std::uint64_t number);
std::optional<std::uint64_t> ParseNumberKey(FactTag tag, std::string_view key);

struct MetadataKey {
  std::uint64_t target = 0;
  std::string family;
  TimeMs time;
};
std::string MetadataPrefix(std::uint64_t target);
std::string MetadataPrefix(std::uint64_t target, std::string_view family);
std::string EncodeMetadataKey(const MetadataKey& key);
std::optional<MetadataKey> ParseMetadataKey(std::string_view key);

/// kCorruption, naming the row.
Error DamagedFact(std::string_view key);

}  // namespace vedette::storage
