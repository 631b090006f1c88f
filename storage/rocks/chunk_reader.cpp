#include "storage/rocks/chunk_reader.h"

#include <algorithm>

#include "storage/chunk/chunk.h"
#include "storage/chunk/histogram_chunk.h"
#include "storage/rocks/keys.h"

namespace vedette::storage {
namespace {

/// Of one querier, but for the first of each place. Each holds a bundle and up to four columns of values: a third of a
/// megabyte.
constexpr std::size_t kMaxCursors = 32;

/// Of one place and family.
constexpr std::size_t kMaxWalkers = 8;
/// Series so close behind the last one are stepped to, over at most so many rows.
constexpr std::uint64_t kNearSeries = 16;
constexpr int kMostSteps = 24;
/// A second neighbour shows that a walk has begun: finding by order does without the files' filters.
constexpr std::size_t kWalking = 2;

}  // namespace

Status ChunkReader::Read(SeriesId series, std::span<const std::int32_t> days, TimeRange range, Columns& out,
                         HistogramColumns* histograms) const {
  const auto locked = LockPlace();
  Place& place = *locked.first;
  VEDETTE_CHECK(ReadBundles(place, series, days, range, out));
  VEDETTE_CHECK(ReadFrom(place, Family::kBlocks, series, days, range, out, histograms));
  return ReadFrom(place, Family::kChunks, series, days, range, out, histograms);
}

std::pair<ChunkReader::Place*, std::unique_lock<std::mutex>> ChunkReader::LockPlace() const {
  static std::atomic<std::size_t> threads = 0;
  thread_local const std::size_t number = threads++;
  for (std::size_t i = 0; i < kPlaces; ++i) {
    Place& place = places_[(number + i) % kPlaces];
    if (std::unique_lock lock(place.mutex, std::try_to_lock); lock) return {&place, std::move(lock)};
  }
  Place& own = places_[number % kPlaces];
  return {&own, std::unique_lock(own.mutex)};
}

/// One is mostly at the bundle already: who reads in the order of labels goes from target to target, day by day.
BundleCursor& ChunkReader::CursorFor(Place& place, std::int32_t day, SeriesId series) const {
  auto& cursors = place.cursors;
  auto found = std::ranges::find_if(cursors, [=](const auto& cursor) { return cursor->IsAt(day, series); });
  if (found == cursors.end() && (cursors.empty() || cursors_made_ < kMaxCursors)) {
    ++cursors_made_;
    cursors.push_back(std::make_unique<BundleCursor>(NewIterator(Family::kBundles, false)));
    return *cursors.back();
  }
  // The one that was used least recently is in front.
  if (found == cursors.end()) found = cursors.begin();
  std::rotate(found, std::next(found), cursors.end());
  return *cursors.back();
}

ChunkReader::Walker& ChunkReader::WalkerFor(Place& place, Family family, std::int32_t day, SeriesId series) const {
  auto& walkers = place.walkers[family == Family::kBlocks ? 1 : 0];
  const auto rank = [=](const auto& idle) { return idle->day != day ? 0 : IsNear(*idle, series) ? 2 : 1; };
  auto found = std::ranges::max_element(walkers, {}, rank);
  if (found == walkers.end() || (rank(*found) == 0 && walkers.size() < kMaxWalkers)) {
    walkers.push_back(std::make_unique<Walker>());
    found = std::prev(walkers.end());
  }
  std::rotate(found, std::next(found), walkers.end());
  Walker& walker = *walkers.back();
  if (walker.day != day) {
    walker.day = day;
    walker.last = SeriesId::kNone;
  }
  return walker;
}

bool ChunkReader::HasBlocks(Place& place, std::int32_t day) const {
  for (const auto& [known, has] : place.has_blocks) {
    if (known == day) return has;
  }
  const Iterator at = NewIterator(Family::kBlocks, true);
  const std::string prefix = DayPrefix(day);
  at->Seek(prefix);
  // After an error the reads that follow say what is wrong.
  const bool has = at->Valid() ? at->key().starts_with(prefix) : !at->status().ok();
  place.has_blocks.emplace_back(day, has);
  return has;
}

bool ChunkReader::MayHave(Family family, std::int32_t day) const {
  const auto in = [&](const Partitions::Places& places) {
    return std::ranges::binary_search(family == Family::kChunks ? places.loose : places.packed, day);
  };
  return in(*before_) || (after_ != before_ && in(*after_));
}

Status ChunkReader::ReadBundles(Place& place, SeriesId series, std::span<const std::int32_t> days, TimeRange range,
                                Columns& out) const {
  const bool touched = deleted_->Touches(series);
  for (const std::int32_t day : days) {
    if (!MayHave(Family::kBundles, day)) continue;
    BundleCursor& at = CursorFor(place, day, series);
    VEDETTE_TRY(const bool found, at.Find(day, series));
    BundleReader& bundle = at.bundle();
    const auto [begin, end] = found ? bundle.Find(series) : std::pair<std::size_t, std::size_t>();
    for (std::size_t i = begin; i < end; ++i) {
      const BundlePart& part = bundle.parts()[i];
      if (touched && deleted_->Covers(series, part.seal, part.range)) continue;
      const std::size_t first = out.size();
      const Status decoded = bundle.Decode(i, range, out);
      if (!decoded) return Annotate(DescribeBundleKey(at.key()), decoded.error());
      if (touched) deleted_->Apply(series, part.seal, out, first);
    }
  }
  return Ok();
}

Status ChunkReader::ReadFrom(Place& place, Family family, SeriesId series, std::span<const std::int32_t> days,
                             TimeRange range, Columns& out, HistogramColumns* histograms) const {
  const bool touched = deleted_->Touches(series);
  for (const std::int32_t day : days) {
    if (!MayHave(family, day) || (family == Family::kBlocks && !HasBlocks(place, day))) continue;
    Walker& walker = WalkerFor(place, family, day, series);
    rocksdb::Iterator& at = MoveTo(walker, family, series);
    const std::string prefix = ChunkPrefix(day, series);
    for (; at.Valid(); at.Next()) {
      const std::string_view key = ToView(at.key());
      if (!key.starts_with(prefix) || IsHistogramKey(key)) break;  // the rest of the series is
      const auto header = ReadChunkHeader(ToView(at.value()));
      if (!header) return Annotate(DescribeChunkKey(key), header.error());
      if (header->range.min > range.max) break;  // keys are in the order of the first samples
      if (header->range.max < range.min) continue;
      const std::optional<ChunkKey> parsed = touched ? ParseChunkKey(key) : std::nullopt;
      if (parsed && deleted_->Covers(series, parsed->seal, header->range)) continue;
      const std::size_t first = out.size();
      const Status decoded = DecodeChunkRange(ToView(at.value()), range, out);
      if (!decoded) return Annotate(DescribeChunkKey(key), decoded.error());
      if (parsed) deleted_->Apply(series, parsed->seal, out, first);
    }
    if (histograms != nullptr) VEDETTE_CHECK(ReadHistograms(at, day, series, range, *histograms));
    if (!at.status().ok()) {
      return ToError(at.status(),
                     fmt::format("read of series {} on {}", static_cast<std::uint64_t>(series), DayText(day)));
    }
  }
  return Ok();
}

bool ChunkReader::IsNear(const Walker& walker, SeriesId series) {
  const auto number = static_cast<std::uint64_t>(series), last = static_cast<std::uint64_t>(walker.last);
  return walker.last != SeriesId::kNone && number > last && number - last <= kNearSeries;
}

rocksdb::Iterator& ChunkReader::MoveTo(Walker& walker, Family family, SeriesId series) const {
  walker.neighbours = IsNear(walker, series) ? walker.neighbours + 1 : 0;
  walker.last = series;
  const bool walks = walker.neighbours >= kWalking;
  Iterator& iterator = walks ? walker.stepper : walker.finder;
  if (iterator == nullptr) iterator = NewIterator(family, walks);
  const std::string prefix = ChunkPrefix(walker.day, series);
  const auto is_behind = [&] { return ToView(iterator->key()) < prefix; };
  if (walker.neighbours > kWalking) {  // the stepper is where the last read ended
    for (int i = 0; i < kMostSteps && iterator->Valid() && is_behind(); ++i) iterator->Next();
    if (iterator->Valid() && !is_behind()) return *iterator;
  }
  iterator->Seek(prefix);
  return *iterator;
}

/// Goes on where the floats ended: mostly that is the end of the series.
Status ChunkReader::ReadHistograms(rocksdb::Iterator& at, std::int32_t day, SeriesId series, TimeRange range,
                                   HistogramColumns& out) const {
  const std::string prefix = ChunkPrefix(day, series), first_key = HistogramPrefix(day, series);
  if (at.Valid() && ToView(at.key()) < first_key) at.Seek(first_key);
  for (; at.Valid(); at.Next()) {
    const std::string_view key = ToView(at.key());
    if (!key.starts_with(prefix)) break;
    const auto parsed = ParseChunkKey(key);
    const auto header = ReadHistogramChunkHeader(ToView(at.value()));
    if (!header) return Annotate(DescribeChunkKey(key), header.error());
    if (!parsed) return Fail(Code::kCorruption, "{}", DescribeChunkKey(key));
    if (header->range.min > range.max) break;
    if (header->range.max < range.min || deleted_->Covers(series, parsed->seal, header->range)) continue;
    const std::size_t first = out.size();
    const Status decoded = DecodeHistogramChunk(ToView(at.value()), out);
    if (!decoded) return Annotate(DescribeChunkKey(key), decoded.error());
    deleted_->Apply(series, parsed->seal, out, first);
  }
  return Ok();
}

ChunkReader::Iterator ChunkReader::NewIterator(Family family, bool whole_order) const {
  rocksdb::ReadOptions options;
  options.snapshot = snapshot_;
  // The filter skips files without the series, and the walk ends with it. Bundles are found by order.
  options.prefix_same_as_start = family != Family::kBundles && !whole_order;
  options.total_order_seek = whole_order;
  return database_.NewIterator(options, family);
}

}  // namespace vedette::storage
