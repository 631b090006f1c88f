#include "storage/rocks/fact_keys.h"

#include "storage/coding.h"

namespace vedette::storage {
namespace {

void PutTime(std::string& out, TimeMs time) {
  PutBigEndian(out, static_cast<std::uint64_t>(time.ms) ^ (std::uint64_t{1} << 63));
}
TimeMs GetTime(std::string_view bytes) {
  return TimeMs(static_cast<std::int64_t>(GetBigEndian<std::uint64_t>(bytes) ^ (std::uint64_t{1} << 63)));
}

bool IsTagged(std::string_view key, FactTag tag) { return !key.empty() && key.front() == tag; }

}  // namespace

Error DamagedFact(std::string_view key) { return Fail(Code::kCorruption, "row {} of facts is damaged", Quote(key)); }

std::string EncodeExemplarKey(const ExemplarKey& key) {
  std::string out = ExemplarFrom(key.time);
  PutBigEndian(out, static_cast<std::uint64_t>(key.series));
  PutBigEndian(out, key.hash);
  return out;
}

std::string ExemplarFrom(TimeMs time) {
  std::string out(1, kExemplarTag);
  PutTime(out, time);
  return out;
}

std::optional<ExemplarKey> ParseExemplarKey(std::string_view key) {
  if (key.size() != 25 || !IsTagged(key, kExemplarTag)) return std::nullopt;
  return ExemplarKey{GetTime(key.substr(1)), SeriesId(GetBigEndian<std::uint64_t>(key.substr(9))),
                     GetBigEndian<std::uint64_t>(key.substr(17))};
}

std::string StartPrefix(SeriesId series) {
  std::string out(1, kStartTag);
  PutBigEndian(out, static_cast<std::uint64_t>(series));
  return out;
}

std::string EncodeStartKey(const StartKey& key) {
  std::string out = StartPrefix(key.series);
  PutTime(out, key.start);
  return out;
}

std::optional<StartKey> ParseStartKey(std::string_view key) {
  if (key.size() != 17 || !IsTagged(key, kStartTag)) return std::nullopt;
  return StartKey{SeriesId(GetBigEndian<std::uint64_t>(key.substr(1))), GetTime(key.substr(9))};
}

std::string EncodeFactTime(TimeMs time) {
  std::string out;
  PutTime(out, time);
  return out;
}

std::optional<TimeMs> ParseFactTime(std::string_view bytes) {
  if (bytes.size() != 8) return std::nullopt;
  return GetTime(bytes);
}

std::string NumberKey(FactTag tag, std::uint64_t number) {
  std::string out(1, tag);
  PutBigEndian(out, number);
  return out;
}

std::optional<std::uint64_t> ParseNumberKey(FactTag tag, std::string_view key) {
  if (key.size() != 9 || !IsTagged(key, tag)) return std::nullopt;
  return GetBigEndian<std::uint64_t>(key.substr(1));
}

std::string MetadataPrefix(std::uint64_t target) { return NumberKey(kMetadataTag, target); }

std::string MetadataPrefix(std::uint64_t target, std::string_view family) {
  std::string out = MetadataPrefix(target);
  for (const char c : family) {
    out.push_back(c);
    if (c == '\0') out.push_back('\xFF');
  }
  out.push_back('\0');
  out.push_back('\x01');
  return out;
}

std::string EncodeMetadataKey(const MetadataKey& key) {
  std::string out = MetadataPrefix(key.target, key.family);
  PutTime(out, key.time);
  return out;
}

std::optional<MetadataKey> ParseMetadataKey(std::string_view key) {
  constexpr std::size_t kHead = 9, kTail = 10;  // the end mark and the time
  if (key.size() < kHead + kTail || !IsTagged(key, kMetadataTag)) return std::nullopt;
  MetadataKey out;
  out.target = GetBigEndian<std::uint64_t>(key.substr(1));
  const std::size_t end = key.size() - kTail;
  for (std::size_t i = kHead; i < end; ++i) {
    out.family.push_back(key[i]);
    if (key[i] == '\0' && (++i >= end || key[i] != '\xFF')) return std::nullopt;
  }
  if (key.substr(end, 2) != std::string_view("\0\x01", 2)) return std::nullopt;
  out.time = GetTime(key.substr(end + 2));
  return out;
}

}  // namespace vedette::storage
