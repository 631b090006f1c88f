#include "storage/rocks/feeds.h"

#include <algorithm>

#include <rocksdb/write_batch.h>

#include "storage/coding.h"
#include "storage/fact_codec.h"
#include "storage/rocks/fact_keys.h"
#include "storage/rocks/keys.h"

namespace vedette::storage {
namespace {

std::string FeedKey(std::string_view name) { return std::string(kMetaFeed).append(name); }

}  // namespace

std::string EncodeFeedPosition(const FeedPosition& position) {
  std::string out;
  PutBigEndian(out, position.through);
  PutBigEndian(out, position.base);
  return out + position.note;
}

std::optional<FeedPosition> DecodeFeedPosition(std::string_view bytes) {
  if (bytes.size() < 16) return std::nullopt;
  FeedPosition out;
  out.through = GetBigEndian<std::uint64_t>(bytes);
  out.base = GetBigEndian<std::uint64_t>(bytes.substr(8));
  out.note = bytes.substr(16);
  return out;
}

Status Feeds::Recover() {
  rocksdb::ReadOptions options;
  options.total_order_seek = true;
  const auto at = database_.NewIterator(options, Family::kMeta);
  const std::lock_guard lock(mutex_);
  for (at->Seek(ToSlice(kMetaFeed)); at->Valid() && ToView(at->key()).starts_with(kMetaFeed); at->Next()) {
    const std::string_view name = ToView(at->key()).substr(kMetaFeed.size());
    auto position = DecodeFeedPosition(ToView(at->value()));
    if (!position) return Fail(Code::kCorruption, "position of the feed {} is damaged", Quote(name));
    positions_.emplace(name, *std::move(position));
  }
  if (!at->status().ok()) return ToError(at->status(), "read of the feeds");
  Hold();
  const auto row = database_.NewIterator(options, Family::kFacts);
  row->Seek(std::string(1, kFeedTag));
  has_exemplar_rows_ = row->Valid() && row->key()[0] == kFeedTag;
  return row->status().ok() ? Ok() : Status(ToError(row->status(), "read of the feeds"));
}

/// The mutex is held.
void Feeds::Hold() {
  std::uint64_t from = UINT64_MAX;
  for (const auto& [name, position] : positions_) from = std::min(from, position.base);
  held_from_ = from;
}

bool Feeds::Find(std::string_view name, FeedPosition& out) const {
  const std::lock_guard lock(mutex_);
  const auto found = positions_.find(name);
  if (found == positions_.end()) return false;
  out = found->second;
  return true;
}

Status Feeds::Set(const std::string& name, const FeedPosition& position) {
  rocksdb::WriteBatch batch;
  batch.Put(database_.family(Family::kMeta), FeedKey(name), EncodeFeedPosition(position));
  VEDETTE_CHECK(database_.Write(batch, false));
  const std::lock_guard lock(mutex_);
  positions_[name] = position;
  Hold();
  return Ok();
}

Status Feeds::Drop(std::string_view name) {
  rocksdb::WriteBatch batch;
  batch.Delete(database_.family(Family::kMeta), FeedKey(name));
  VEDETTE_CHECK(database_.Write(batch, false));
  const std::lock_guard lock(mutex_);
  if (const auto found = positions_.find(name); found != positions_.end()) positions_.erase(found);
  Hold();
  return Ok();
}

std::vector<std::string> Feeds::Names() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> out;
  for (const auto& [name, position] : positions_) out.push_back(name);
  return out;
}

void Feeds::PutExemplars(std::uint64_t commit, std::span<const BatchFacts::ExemplarSample> samples,
                         std::span<const std::size_t> fresh, rocksdb::WriteBatch& batch) const {
  if (fresh.empty()) return;
  batch.Put(database_.family(Family::kFacts), NumberKey(kFeedTag, commit), EncodeFeedExemplars(samples, fresh));
}

void Feeds::DropBefore(std::uint64_t commit, rocksdb::WriteBatch& batch) const {
  if (!has_exemplar_rows_) return;
  const std::string from = NumberKey(kFeedTag, 0), to = NumberKey(kFeedTag, commit);
  batch.DeleteRange(database_.family(Family::kFacts), from, to);
}

std::string EncodeFeedExemplars(std::span<const BatchFacts::ExemplarSample> samples,
                                std::span<const std::size_t> which) {
  std::string out;
  for (const std::size_t i : which) {
    const BatchFacts::ExemplarSample& sample = samples[i];
    const std::string bytes = EncodeExemplar(sample.exemplar);
    PutVarint(out, Raw(sample.series));
    PutSigned(out, sample.exemplar.time.ms);
    PutVarint(out, bytes.size());
    out += bytes;
  }
  return out;
}

Status DecodeFeedExemplars(std::string_view bytes, std::vector<FeedExemplar>& out) {
  ByteReader in(bytes);
  while (!in.empty()) {
    const auto series = in.Varint();
    const auto time = in.Signed();
    const auto size = in.Varint();
    const auto row = size ? in.Bytes(*size) : std::nullopt;
    auto exemplar = row ? DecodeExemplar(*row) : std::nullopt;
    if (!series || !time || !exemplar) return Fail(Code::kCorruption, "exemplars of a commit are damaged");
    exemplar->time = TimeMs(*time);
    out.push_back({SeriesId(*series), *std::move(exemplar)});
  }
  return Ok();
}

}  // namespace vedette::storage
