#include "storage/rocks/tier_store.h"

#include <algorithm>

#include <rocksdb/convenience.h>
#include <rocksdb/write_batch.h>

#include "storage/coding.h"
#include "storage/rocks/keys.h"

namespace vedette::storage {
namespace {

constexpr std::size_t kStepBytes = 2, kTierKeyBytes = 14;
constexpr std::int64_t kMinuteMs = 60'000;

std::unique_ptr<rocksdb::Iterator> TierRows(Database& database) {
  rocksdb::ReadOptions options;
  options.total_order_seek = true;
  options.fill_cache = false;
  return database.NewIterator(options, Family::kTiers);
}

std::string StepPrefix(Millis step) {
  std::string out;
  PutBigEndian(out, static_cast<std::uint16_t>(step.count() / kMinuteMs));
  return out;
}

}  // namespace

std::string TierDayPrefix(Millis step, std::int32_t day) { return StepPrefix(step) + DayPrefix(day); }

std::string EncodeTierKey(const TierKey& key) {
  std::string out = TierDayPrefix(key.step, key.day);
  PutBigEndian(out, static_cast<std::uint64_t>(key.series));
  return out;
}

std::optional<TierKey> ParseTierKey(std::string_view key) {
  if (key.size() != kTierKeyBytes) return std::nullopt;
  const auto minutes = GetBigEndian<std::uint16_t>(key);
  if (minutes == 0) return std::nullopt;
  return TierKey{Millis(minutes * kMinuteMs), ParseDay(key.substr(kStepBytes)),
                 SeriesId(GetBigEndian<std::uint64_t>(key.substr(6)))};
}

std::string DescribeTierKey(std::string_view key) {
  const auto parsed = ParseTierKey(key);
  if (!parsed) return fmt::format("tier row with a key of {} bytes", key.size());
  return fmt::format("row of series {}, day {}, in the tier of {} min", static_cast<std::uint64_t>(parsed->series),
                     DayText(parsed->day), parsed->step.count() / kMinuteMs);
}

Result<std::optional<TierRow>> ReadTierRow(const Database& database, const rocksdb::Snapshot* snapshot,
                                           const TierKey& key) {
  const std::string bytes = EncodeTierKey(key);
  VEDETTE_TRY(const std::optional<std::string> value, database.Get(Family::kTiers, bytes, snapshot));
  if (!value) return std::optional<TierRow>();
  auto row = DecodeTierRow(*value, key.step);
  if (!row) return Annotate(DescribeTierKey(bytes), std::move(row).error());
  return std::optional(*std::move(row));
}

void ApplyTombstones(const TombstoneSet& deleted, SeriesId series, Millis step, TierRow& row) {
  std::erase_if(row.buckets, [&](const TierBucket& bucket) {
    return deleted.Overlaps(series, row.seal, {bucket.end - step + Millis(1), bucket.end});
  });
}

TierWriter::TierWriter(Database& database, std::int32_t day, std::span<const TierOptions> tiers) : day_(day) {
  for (const TierOptions& tier : tiers) {
    Tier& made = tiers_.emplace_back(Tier{tier.step, std::make_unique<TableWriter>(database, Family::kTiers)});
    made.table->Replace(TierDayPrefix(tier.step, day), TierDayPrefix(tier.step, day + 1));
  }
}

Status TierWriter::Add(SeriesId series, std::uint32_t seal, bool has_histograms, const Columns& samples) {
  for (const Tier& tier : tiers_) {
    TierRow row{seal, has_histograms, {}};
    DownSample(samples.times, samples.values, tier.step, row.buckets);
    if (row.buckets.empty() && !has_histograms) continue;
    VEDETTE_CHECK(tier.table->Put(EncodeTierKey({tier.step, day_, series}), EncodeTierRow(row, tier.step)));
  }
  return Ok();
}

Status TierWriter::Ingest() {
  for (const Tier& tier : tiers_) VEDETTE_CHECK(tier.table->Ingest());
  return Ok();
}

Status DropTierBefore(Database& database, Millis step, std::int32_t day) {
  const std::string from = TierDayPrefix(step, INT32_MIN), to = TierDayPrefix(step, day);
  const auto at = TierRows(database);
  at->Seek(from);
  if (!at->status().ok()) return ToError(at->status(), "read of tiers");
  if (!at->Valid() || at->key().compare(to) >= 0) return Ok();
  const rocksdb::Slice begin(from), limit(to);
  const rocksdb::Status status =
      rocksdb::DeleteFilesInRange(&database.db(), database.family(Family::kTiers), &begin, &limit, false);
  if (!status.ok()) return ToError(status, "drop of the tier rows before " + DayText(day));
  rocksdb::WriteBatch batch;
  batch.DeleteRange(database.family(Family::kTiers), from, to);
  return database.Write(batch, false);
}

Result<std::vector<Millis>> TierSteps(Database& database) {
  std::vector<Millis> out;
  const auto at = TierRows(database);
  for (at->SeekToFirst(); at->Valid();) {
    const auto key = ParseTierKey(ToView(at->key()));
    if (!key) return Fail(Code::kCorruption, "{}", DescribeTierKey(ToView(at->key())));
    out.push_back(key->step);
    at->Seek(StepPrefix(key->step + Millis(kMinuteMs)));
  }
  if (!at->status().ok()) return ToError(at->status(), "read of tiers");
  return out;
}

}  // namespace vedette::storage
