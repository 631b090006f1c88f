#include "collector/remote/send_progress.h"

#include <algorithm>

#include "storage/coding.h"

namespace vedette::collector {
namespace {

// A text: byte 2; varint divisions; of each: varint shards, of each: varint commit, varint index.
/// 1 numbered the samples of a commit in another order.
constexpr std::uint8_t kProgressVersion = 2;
/// More than queue_config can ask for.
constexpr std::uint64_t kMostShards = 1 << 16;

void PutPlaces(const ShardPlaces& division, std::string& out) {
  storage::PutVarint(out, division.places.size());
  for (const FeedPlace& place : division.places) {
    storage::PutVarint(out, place.commit);
    storage::PutVarint(out, place.index);
  }
}

bool GetPlaces(storage::ByteReader& in, ShardPlaces& out) {
  const auto shards = in.Varint();
  if (!shards || *shards == 0 || *shards > kMostShards || *shards > in.size()) return false;
  for (std::uint64_t i = 0; i < *shards; ++i) {
    const auto commit = in.Varint(), index = in.Varint();
    if (!commit || !index || *index > UINT32_MAX) return false;
    out.places.push_back({*commit, static_cast<std::uint32_t>(*index)});
  }
  return true;
}

}  // namespace

bool ShardPlaces::IsOver(std::uint64_t through) const {
  return std::ranges::all_of(places, [&](const FeedPlace& place) { return place <= FeedPlace{through + 1, 0}; });
}

Result<SendProgress> SendProgress::Parse(std::string_view text) {
  SendProgress out;
  if (text.empty()) return out;
  storage::ByteReader in(text);
  const auto damaged = [] { return Fail(Code::kBadData, "the position of a remote end is damaged"); };
  const auto version = in.Byte();
  if (version != kProgressVersion) return damaged();
  const auto divisions = in.Varint();
  if (!divisions || *divisions > in.size()) return damaged();
  for (std::uint64_t i = 0; i < *divisions; ++i) {
    if (!GetPlaces(in, out.old_.emplace_back())) return damaged();
  }
  if (!in.empty()) return damaged();
  return out;
}

void SendProgress::Pass(std::uint64_t through) {
  std::erase_if(old_, [&](const ShardPlaces& division) { return division.IsOver(through); });
}

std::string SendProgress::Format(const ShardPlaces& current, std::uint64_t through) const {
  const bool has_current = !current.IsOver(through);
  std::string out(1, static_cast<char>(kProgressVersion));
  storage::PutVarint(out, old_.size() + (has_current ? 1 : 0));
  for (const ShardPlaces& division : old_) PutPlaces(division, out);
  if (has_current) PutPlaces(current, out);
  return out;
}

}  // namespace vedette::collector
