#include "storage/rocks/partitions.h"

#include <algorithm>
#include <ranges>

#include <rocksdb/convenience.h>
#include <rocksdb/write_batch.h>

#include "core/log.h"
#include "storage/rocks/disk_index.h"
#include "storage/rocks/keys.h"
#include "storage/rocks/repack.h"
#include "storage/rocks/tier_store.h"

namespace vedette::storage {
namespace {

/// How much longer a day that was re-packed before must be quiet, and how long at most it waits, in units of
/// RepackOptions::quiet_rounds.
constexpr std::size_t kAgainFactor = 12;
constexpr std::size_t kLongestFactor = 288;

std::unique_ptr<rocksdb::Iterator> OrderedIterator(Database& database, Family family) {
  rocksdb::ReadOptions options;
  options.total_order_seek = true;
  options.fill_cache = false;
  return database.NewIterator(options, family);
}

class ScopedSnapshot {
 public:
  explicit ScopedSnapshot(Database& database) : db_(database.db()), snapshot_(db_.GetSnapshot()) {}
  ~ScopedSnapshot() { db_.ReleaseSnapshot(snapshot_); }
  ScopedSnapshot(const ScopedSnapshot&) = delete;
  ScopedSnapshot& operator=(const ScopedSnapshot&) = delete;
  const rocksdb::Snapshot* get() const { return snapshot_; }

 private:
  rocksdb::DB& db_;
  const rocksdb::Snapshot* snapshot_;
};

/// Of the series that lost samples.
std::vector<SampleChanges::Stripe> StripesOf(std::int32_t day, const TombstoneSet& deleted) {
  std::vector<SampleChanges::Stripe> out;
  for (const Tombstone& tombstone : deleted.all()) {
    for (const SeriesId id : tombstone.series) out.push_back(SampleChanges::StripeOf(day, id));
    std::ranges::sort(out);
    const auto same = std::ranges::unique(out);
    out.erase(same.begin(), same.end());
  }
  return out;
}

}  // namespace

Status Partitions::FindDays(Family family, std::set<std::int32_t>& out) const {
  const auto at = OrderedIterator(database_, family);
  for (at->SeekToFirst(); at->Valid();) {
    if (at->key().size() < 4) return Fail(Code::kCorruption, "{}", DescribeChunkKey(ToView(at->key())));
    const std::int32_t day = ParseDay(ToView(at->key()));
    out.insert(day);
    at->Seek(DayPrefix(day + 1));
  }
  if (!at->status().ok()) return ToError(at->status(), fmt::format("read of {}", FamilyName(family)));
  return Ok();
}

Status Partitions::Recover() {
  std::set<std::int32_t> indexed;
  VEDETTE_CHECK(FindDays(Family::kIndex, indexed));
  for (const Family family : kSampleFamilies) {
    std::set<std::int32_t>& days = family == Family::kChunks ? loose_ : packed_;
    const Status found = FindDays(family, days);
    if (found) continue;
    if (found.error().code != Code::kCorruption) return found;
    // What can be read is served: every day may be there, and reads of what is damaged say so.
    LogError("storage", "a table file is damaged; `vedette storage verify` names what is lost",
             {{"error", found.error()}});
    days.insert(indexed.begin(), indexed.end());
  }
  const auto mark = OrderedIterator(database_, Family::kMeta);
  for (mark->Seek(ToSlice(kMetaUnpacked)); mark->Valid() && ToView(mark->key()).starts_with(kMetaUnpacked);
       mark->Next()) {
    const std::string_view day = ToView(mark->key()).substr(kMetaUnpacked.size());
    if (day.size() == 4) unpacked_[ParseDay(day)];
  }
  if (!mark->status().ok()) return ToError(mark->status(), "read of meta");
  VEDETTE_CHECK(RecoverTiers());
  Publish();
  return Ok();
}

Status Partitions::RecoverTiers() {
  const auto mark = OrderedIterator(database_, Family::kMeta);
  for (mark->Seek(ToSlice(kMetaTiered)); mark->Valid() && ToView(mark->key()).starts_with(kMetaTiered); mark->Next()) {
    const std::string_view day = ToView(mark->key()).substr(kMetaTiered.size());
    if (day.size() == 4) tiered_[ParseDay(day)] = ++tierings_;
  }
  if (!mark->status().ok()) return ToError(mark->status(), "read of meta");
  return Ok();
}

void Partitions::Untier(std::int32_t day, rocksdb::WriteBatch& batch) {
  if (tiered_.erase(day) == 0) return;
  Publish();
  batch.Delete(database_.family(Family::kMeta), TieredKey(day));
}

std::shared_ptr<const Partitions::Days> Partitions::days() const {
  const std::lock_guard lock(mutex_);
  return published_;
}

std::shared_ptr<const Partitions::Places> Partitions::places() const {
  const std::lock_guard lock(mutex_);
  return places_;
}

void Partitions::Publish() {
  auto places = std::make_shared<Places>();
  places->loose.assign(loose_.begin(), loose_.end());
  places->packed.assign(packed_.begin(), packed_.end());
  places->tiered = tiered_;
  Days raw;
  std::ranges::set_union(places->loose, places->packed, std::back_inserter(raw));
  auto days = std::make_shared<Days>();
  std::ranges::set_union(raw, std::views::keys(places->tiered), std::back_inserter(*days));
  const std::lock_guard lock(mutex_);
  places_ = std::move(places);
  published_ = std::move(days);
}

void Partitions::Touch(std::int32_t day, rocksdb::WriteBatch& batch) {
  // Published before the chunks are written: a reader that looks into a day too many finds nothing there.
  if (loose_.insert(day).second) Publish();
  Untier(day, batch);
  ++unpacked_[day].touches;
  batch.Put(database_.family(Family::kMeta), UnpackedKey(day), rocksdb::Slice());
}

void Partitions::TouchPacked(std::int32_t day, rocksdb::WriteBatch& batch) {
  const bool known = loose_.contains(day) || packed_.contains(day);
  // As in Touch().
  if (packed_.insert(day).second) Publish();
  Untier(day, batch);
  if (!known) return;  // the chunks are as good as re-packed
  ++unpacked_[day].touches;
  batch.Put(database_.family(Family::kMeta), UnpackedKey(day), rocksdb::Slice());
}

bool Partitions::HasBefore(std::int32_t day) const {
  return (!loose_.empty() && *loose_.begin() < day) || (!packed_.empty() && *packed_.begin() < day);
}

Result<std::size_t> Partitions::DropBefore(std::int32_t day, std::int32_t all) {
  Days gone;
  for (const std::int32_t there : *days()) {
    if (there < all || (there < day && (loose_.contains(there) || packed_.contains(there)))) gone.push_back(there);
  }
  if (gone.empty()) return gone.size();
  const DayVersions::Change index_change(database_.day_versions(), gone);
  const SampleChanges::Change change(database_.sample_changes());
  rocksdb::WriteBatch batch;
  for (const std::int32_t there : gone) {
    batch.Delete(database_.family(Family::kMeta), UnpackedKey(there));
    if (there < all) batch.Delete(database_.family(Family::kMeta), TieredKey(there));
  }
  for (const Family family : kDayFamilies) {
    // Whole files go at once; the range tombstone covers what shares a file with later days.
    const std::string from = DayPrefix(INT32_MIN), to = DayPrefix(family == Family::kIndex ? all : day);
    const rocksdb::Slice begin(from), limit(to);
    const rocksdb::Status status =
        rocksdb::DeleteFilesInRange(&database_.db(), database_.family(family), &begin, &limit, false);
    if (!status.ok()) return ToError(status, "drop of the days before " + DayText(day));
    batch.DeleteRange(database_.family(family), from, to);
  }
  VEDETTE_CHECK(database_.Write(batch, false));
  loose_.erase(loose_.begin(), loose_.lower_bound(day));
  packed_.erase(packed_.begin(), packed_.lower_bound(day));
  unpacked_.erase(unpacked_.begin(), unpacked_.lower_bound(day));
  tiered_.erase(tiered_.begin(), tiered_.lower_bound(all));
  Publish();
  return gone.size();
}

Result<Postings> Partitions::AllSeries() const {
  Postings out;
  std::set<std::int32_t> indexed;
  VEDETTE_CHECK(FindDays(Family::kIndex, indexed));
  for (const std::int32_t day : indexed) VEDETTE_CHECK(DiskIndex(database_, day, nullptr).All(out));
  Normalize(out);
  return out;
}

Partitions::Days Partitions::Due(std::int32_t last, const RepackOptions& options) {
  Days due;
  for (auto& [day, quiet] : unpacked_) {
    if (day > last) break;
    quiet.rounds = quiet.seen == quiet.touches ? quiet.rounds + 1 : 0;
    quiet.seen = quiet.touches;
    ++quiet.age;
    const std::size_t wanted = options.quiet_rounds * (packed_.contains(day) ? kAgainFactor : 1);
    if (quiet.rounds >= wanted || quiet.age >= options.quiet_rounds * kLongestFactor) due.push_back(day);
  }
  return due;
}

/// Days from before there were tiers, and imported ones: the newest first, one at a time unless all are wanted now.
void Partitions::AddUntiered(std::int32_t last, const RepackOptions& options, Days& due) {
  if (options.tiers.empty()) return;
  for (const std::int32_t day : std::views::reverse(packed_)) {
    if (day > last || tiered_.contains(day) || unpacked_.contains(day)) continue;
    unpacked_[day];
    due.push_back(day);
    if (options.quiet_rounds > 0) return;
  }
}

Status Partitions::Repack(std::int32_t last, const RepackOptions& options, std::mutex& maintenance) {
  Days due;
  {
    const std::lock_guard lock(maintenance);
    due = Due(last, options);
    AddUntiered(last, options, due);
  }
  // A day that is damaged does not keep the others.
  Status first_error = Ok();
  for (const std::int32_t day : due) {
    Status done = RepackDay(day, options, maintenance);
    if (!done && first_error) first_error = std::move(done);
  }
  return first_error;
}

Status Partitions::RepackDay(std::int32_t day, const RepackOptions& options, std::mutex& maintenance) {
  std::unique_lock lock(maintenance);
  const auto mark = unpacked_.find(day);
  if (mark == unpacked_.end()) return Ok();  // dropped meanwhile
  const std::uint64_t touches = mark->second.touches;
  const bool again = packed_.contains(day);
  // By the log, new and old rows would lie side by side if it ended in between: bundles must not overlap.
  if (again && !database_.can_ingest()) return Ok();
  const ScopedSnapshot snapshot(database_);
  std::shared_ptr<const TombstoneSet> deleted = options.tombstones.current();
  lock.unlock();
  std::vector<SampleChanges::Stripe> lost = StripesOf(day, *deleted);

  DayRepacker repacker(database_, day, options, snapshot.get(), std::move(deleted));
  TableWriter bundles(database_, Family::kBundles), blocks(database_, Family::kBlocks);
  if (again) {
    bundles.Replace(DayPrefix(day), DayPrefix(day + 1));
    blocks.Replace(DayPrefix(day), DayPrefix(day + 1));
  }
  TierWriter tiers(database_, day, options.tiers);
  VEDETTE_CHECK(repacker.Run(bundles, blocks, tiers));

  lock.lock();
  const auto after = unpacked_.find(day);
  if (after == unpacked_.end()) return Ok();
  const bool touched = after->second.touches != touches;
  if (touched) after->second.age = 0;
  // The new files would end rows that a bulk load added to `blocks` since the snapshot: another time.
  if (touched && again) return Ok();
  const SampleChanges::Change change(database_.sample_changes(), std::move(lost));  // what was deleted goes
  // First the new rows, then the end of the old ones: in between, and after a crash there, samples are there twice,
  // which changes no answer. The day stays marked until both are done.
  if (packed_.insert(day).second) Publish();
  TableWriter* const tables[] = {&bundles, &blocks};
  VEDETTE_CHECK(TableWriter::IngestTogether(tables));
  if (touched) return repacker.DeleteLoose();
  // Nobody trusts them before the mark is there, which is gone since the day was written to.
  VEDETTE_CHECK(tiers.Ingest());
  rocksdb::WriteBatch done;
  if (!options.tiers.empty()) done.Put(database_.family(Family::kMeta), TieredKey(day), rocksdb::Slice());
  done.DeleteRange(database_.family(Family::kChunks), DayPrefix(day), DayPrefix(day + 1));
  done.Delete(database_.family(Family::kMeta), UnpackedKey(day));
  VEDETTE_CHECK(database_.Write(done, false));
  unpacked_.erase(after);
  loose_.erase(day);
  if (!options.tiers.empty()) tiered_[day] = ++tierings_;
  Publish();
  return Ok();
}

std::uint64_t DiskBytes(Database& database, std::int32_t day) {
  std::uint64_t sum = 0;
  const std::string from = DayPrefix(day), to = DayPrefix(day + 1);
  const rocksdb::Range range(from, to);
  for (const Family family : kDayFamilies) {
    std::uint64_t bytes = 0;
    if (database.db().GetApproximateSizes({}, database.family(family), &range, 1, &bytes).ok()) sum += bytes;
  }
  return sum;
}

}  // namespace vedette::storage
