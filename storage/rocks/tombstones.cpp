#include "storage/rocks/tombstones.h"

#include <algorithm>

#include <rocksdb/write_batch.h>

#include "storage/coding.h"
#include "storage/index/postings_codec.h"
#include "storage/rocks/keys.h"

namespace vedette::storage {
namespace {

constexpr std::uint8_t kFormat = 1;
/// Every read of a chunk looks through all of them until they are cleaned, which happens within a minute.
constexpr std::size_t kMaxTombstones = 1000;

std::string KeyOf(std::uint64_t number) {
  std::string key(kMetaTombstone);
  PutBigEndian(key, number);
  return key;
}

template <class Values>
void EraseTimes(Column<std::int64_t>& times, Values& values, std::size_t first, TimeRange gone) {
  const auto begin = std::lower_bound(times.begin() + static_cast<std::ptrdiff_t>(first), times.end(), gone.min.ms);
  const auto end = std::upper_bound(begin, times.end(), gone.max.ms);
  const auto at = begin - times.begin(), to = end - times.begin();
  values.erase(values.begin() + at, values.begin() + to);
  times.erase(begin, end);
}

}  // namespace

std::string EncodeTombstone(const Tombstone& tombstone) {
  std::string out(1, static_cast<char>(kFormat));
  PutSigned(out, tombstone.range.min.ms);
  PutSigned(out, tombstone.range.max.ms);
  PutVarint(out, tombstone.seal);
  EncodePostings(tombstone.series, out);
  return out;
}

Result<Tombstone> DecodeTombstone(std::uint64_t number, std::string_view bytes) {
  ByteReader in(bytes);
  const auto format = in.Byte();
  if (format && *format != kFormat) {
    return Fail(Code::kBadData, "tombstone {} of format {}, which this program does not know", number, *format);
  }
  const auto min = in.Signed();
  const auto max = in.Signed();
  const auto seal = in.Varint();
  if (!min || !max || !seal || *seal > UINT32_MAX) return Fail(Code::kCorruption, "tombstone {} is damaged", number);
  Tombstone out{number, {TimeMs(*min), TimeMs(*max)}, static_cast<std::uint32_t>(*seal), {}};
  const Status decoded = DecodePostings(in.rest(), out.series);
  if (!decoded) return Annotate(fmt::format("tombstone {}", number), decoded.error());
  return out;
}

template <class Visit>
void TombstoneSet::VisitOf(SeriesId series, std::uint32_t seal, Visit visit) const {
  for (const Tombstone& tombstone : all_) {
    if (seal <= tombstone.seal && std::ranges::binary_search(tombstone.series, series)) visit(tombstone.range);
  }
}

bool TombstoneSet::Touches(SeriesId series) const {
  bool touched = false;
  VisitOf(series, 0, [&](TimeRange) { touched = true; });
  return touched;
}

bool TombstoneSet::Covers(SeriesId series, std::uint32_t seal, TimeRange range) const {
  bool covered = false;
  VisitOf(series, seal, [&](TimeRange gone) { covered |= gone.min <= range.min && range.max <= gone.max; });
  return covered;
}

bool TombstoneSet::Overlaps(SeriesId series, std::uint32_t seal, TimeRange range) const {
  bool overlaps = false;
  VisitOf(series, seal, [&](TimeRange gone) { overlaps |= gone.Overlaps(range); });
  return overlaps;
}

void TombstoneSet::Apply(SeriesId series, std::uint32_t seal, Columns& columns, std::size_t first) const {
  VisitOf(series, seal, [&](TimeRange gone) { EraseTimes(columns.times, columns.values, first, gone); });
}

void TombstoneSet::Apply(SeriesId series, std::uint32_t seal, HistogramColumns& columns, std::size_t first) const {
  VisitOf(series, seal, [&](TimeRange gone) { EraseTimes(columns.times, columns.histograms, first, gone); });
}

Postings TombstoneSet::Touched(TimeRange range) const {
  Postings out;
  for (const Tombstone& tombstone : all_) {
    if (tombstone.range.Overlaps(range)) out.insert(out.end(), tombstone.series.begin(), tombstone.series.end());
  }
  Normalize(out);
  return out;
}

Status Tombstones::Recover() {
  std::vector<Tombstone> all;
  const std::unique_ptr<rocksdb::Iterator> at = database_.NewIterator(rocksdb::ReadOptions(), Family::kMeta);
  for (at->Seek(ToSlice(kMetaTombstone)); at->Valid(); at->Next()) {
    const std::string_view key = ToView(at->key());
    if (!key.starts_with(kMetaTombstone)) break;
    if (key.size() != kMetaTombstone.size() + 8) return Fail(Code::kCorruption, "tombstone with a damaged key");
    VEDETTE_TRY(Tombstone tombstone,
                DecodeTombstone(GetBigEndian<std::uint64_t>(key.substr(kMetaTombstone.size())), ToView(at->value())));
    all.push_back(std::move(tombstone));
  }
  if (!at->status().ok()) return ToError(at->status(), "read of tombstones");
  Publish(std::move(all));
  return Ok();
}

std::shared_ptr<const TombstoneSet> Tombstones::current() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

void Tombstones::Publish(std::vector<Tombstone> all) {
  auto next = std::make_shared<const TombstoneSet>(std::move(all));
  const std::lock_guard lock(mutex_);
  current_ = std::move(next);
}

Status Tombstones::Add(Tombstone tombstone) {
  std::vector<Tombstone> all = current()->all();
  if (all.size() >= kMaxTombstones) {
    return Fail(Code::kLimit, "{} deletions wait for being cleaned up; try again in a minute", all.size());
  }
  tombstone.number = all.empty() ? 1 : all.back().number + 1;
  rocksdb::WriteBatch batch;
  batch.Put(database_.family(Family::kMeta), KeyOf(tombstone.number), EncodeTombstone(tombstone));
  VEDETTE_CHECK(database_.Write(batch, true));
  all.push_back(std::move(tombstone));
  Publish(std::move(all));
  return Ok();
}

Status Tombstones::Remove(std::uint64_t through) {
  std::vector<Tombstone> kept;
  rocksdb::WriteBatch batch;
  for (const Tombstone& tombstone : current()->all()) {
    if (tombstone.number > through) {
      kept.push_back(tombstone);
    } else {
      batch.Delete(database_.family(Family::kMeta), KeyOf(tombstone.number));
    }
  }
  if (batch.Count() == 0) return Ok();
  VEDETTE_CHECK(database_.Write(batch, true));
  Publish(std::move(kept));
  return Ok();
}

}  // namespace vedette::storage
