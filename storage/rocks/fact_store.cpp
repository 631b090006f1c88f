#include "storage/rocks/fact_store.h"

#include <algorithm>
#include <new>

#include <rocksdb/merge_operator.h>
#include <rocksdb/write_batch.h>
#include <xxhash.h>

#include "storage/coding.h"
#include "storage/fact_codec.h"

namespace vedette::storage {
namespace {

/// Entries of a table in memory before it starts anew: some ten megabytes.
constexpr std::size_t kMostRemembered = 1 << 18;
class EarliestMergeOperator final : public rocksdb::AssociativeMergeOperator {
 public:
  const char* Name() const override { return "vedette.earliest.1"; }
  bool Merge(const rocksdb::Slice&, const rocksdb::Slice* there, const rocksdb::Slice& more, std::string* out,
             rocksdb::Logger*) const override {
    try {
      const rocksdb::Slice& least = there != nullptr && there->compare(more) < 0 ? *there : more;
      out->assign(least.data(), least.size());
      return true;
    } catch (const std::bad_alloc&) {  // no exception may cross a RocksDB callback
      return false;
    }
  }
};

}  // namespace

std::shared_ptr<rocksdb::MergeOperator> NewEarliestMergeOperator() { return std::make_shared<EarliestMergeOperator>(); }

std::unique_ptr<rocksdb::Iterator> FactStore::NewIterator(const rocksdb::Snapshot* snapshot) const {
  rocksdb::ReadOptions options;
  options.snapshot = snapshot;
  return database_.NewIterator(options, Family::kFacts);
}

Status FactStore::Recover() {
  std::uint64_t count = 0;
  const auto at = NewIterator(nullptr);
  const char tag = kExemplarTag;
  for (at->Seek(rocksdb::Slice(&tag, 1)); at->Valid() && at->key()[0] == tag; at->Next()) ++count;
  if (!at->status().ok()) return ToError(at->status(), "read of exemplars");
  exemplars_ = count;
  return Ok();
}

Result<FactStore::Pending> FactStore::Put(const BatchFacts& facts, rocksdb::WriteBatch& batch) {
  Pending pending;
  for (std::size_t i = 0; i < facts.exemplars.size(); ++i) {
    const std::size_t before = pending.exemplars.size();
    PutExemplar(facts.exemplars[i], batch, pending);
    if (pending.exemplars.size() != before) pending.fresh.push_back(i);
  }
  for (const BatchFacts::StartSample& sample : facts.starts) VEDETTE_CHECK(PutStart(sample, batch, pending));
  if (facts.metadata.empty()) return pending;
  pending.infos = std::shared_lock(infos_mutex_);
  for (const BatchFacts::MetadataSample& sample : facts.metadata) VEDETTE_CHECK(PutMetadata(sample, batch));
  return pending;
}

void FactStore::NoteWritten(Pending&& pending) {
  exemplars_ += pending.exemplars.size();
  const std::lock_guard lock(mutex_);
  if (last_exemplar_.size() > kMostRemembered) last_exemplar_.clear();
  if (last_start_.size() > kMostRemembered) last_start_.clear();
  for (const auto& [series, hash] : pending.exemplars) last_exemplar_[series] = hash;
  for (const auto& [series, start] : pending.starts) last_start_[series] = start;
}

/// A target shows the same exemplar scrape after scrape until there is a newer one.
void FactStore::PutExemplar(const BatchFacts::ExemplarSample& sample, rocksdb::WriteBatch& batch, Pending& pending) {
  const std::string value = EncodeExemplar(sample.exemplar);
  const std::uint64_t hash = XXH3_64bits(value.data(), value.size());
  const std::string key = EncodeExemplarKey({sample.exemplar.time, sample.series, hash});
  const std::uint64_t whole = XXH3_64bits(key.data(), key.size());
  {
    const std::lock_guard lock(mutex_);
    const auto known = last_exemplar_.find(sample.series);
    if (known != last_exemplar_.end() && known->second == whole) return;
  }
  batch.Put(database_.family(Family::kFacts), key, value);
  pending.exemplars.emplace_back(sample.series, whole);
}

Status FactStore::PutStart(const BatchFacts::StartSample& sample, rocksdb::WriteBatch& batch, Pending& pending) {
  const auto covers = [&](const StartTime& known) {
    return known.start == sample.start && known.first_sample <= sample.time;
  };
  {
    const std::lock_guard lock(mutex_);
    const auto known = last_start_.find(sample.series);
    if (known != last_start_.end() && covers(known->second)) return Ok();
  }
  const std::string key = EncodeStartKey({sample.series, sample.start});
  VEDETTE_TRY(const std::optional<std::string> there, database_.Get(Family::kFacts, key));
  const std::optional<TimeMs> first = there ? ParseFactTime(*there) : std::nullopt;
  const StartTime known{sample.start, first ? std::min(*first, sample.time) : sample.time};
  pending.starts.emplace_back(sample.series, known);
  if (first && *first <= sample.time) return Ok();
  const rocksdb::Status merged = batch.Merge(database_.family(Family::kFacts), key, EncodeFactTime(sample.time));
  return merged.ok() ? Ok() : Status(ToError(merged, "write of a start time"));
}

Result<std::uint64_t> FactStore::Number(FactTag tag, const std::string& value, rocksdb::WriteBatch& batch) const {
  // Two values of one hash are neighbours: 64 bits make that a theory.
  for (std::uint64_t number = XXH3_64bits(value.data(), value.size());; ++number) {
    const std::string key = NumberKey(tag, number);
    VEDETTE_TRY(const std::optional<std::string> there, database_.Get(Family::kFacts, key));
    if (there && *there != value) continue;
    if (!there) batch.Put(database_.family(Family::kFacts), key, value);
    return number;
  }
}

Status FactStore::PutMetadata(const BatchFacts::MetadataSample& sample, rocksdb::WriteBatch& batch) {
  VEDETTE_TRY(const std::uint64_t target, Number(kTargetTag, EncodeLabels(sample.target), batch));
  if (!sample.info) return EndMetadata(target, sample.time, batch);
  VEDETTE_TRY(const std::uint64_t info, Number(kInfoTag, EncodeInfo(*sample.info), batch));
  std::string value;
  PutBigEndian(value, info);
  const std::string prefix = MetadataPrefix(target, sample.family);
  const std::string key = EncodeMetadataKey({target, sample.family, sample.time});
  const auto at = NewIterator(nullptr);
  at->SeekForPrev(key);
  if (!at->status().ok()) return ToError(at->status(), "read of metadata");
  if (at->Valid() && ToView(at->key()).starts_with(prefix) && ToView(at->value()) == value) return Ok();
  batch.Put(database_.family(Family::kFacts), key, value);
  return Ok();
}

Status FactStore::EndMetadata(std::uint64_t target, TimeMs time, rocksdb::WriteBatch& batch) {
  const std::string prefix = MetadataPrefix(target);
  const auto at = NewIterator(nullptr);
  std::optional<MetadataKey> last;  // of the family under way; with an info, and not after `time`
  const auto end = [&] {
    if (last)
      batch.Put(database_.family(Family::kFacts), EncodeMetadataKey({target, last->family, time}), rocksdb::Slice());
    last.reset();
  };
  std::string family;
  for (at->Seek(prefix); at->Valid() && ToView(at->key()).starts_with(prefix); at->Next()) {
    const auto key = ParseMetadataKey(ToView(at->key()));
    if (!key) return DamagedFact(ToView(at->key()));
    if (key->family != family) end();
    family = key->family;
    if (key->time > time) continue;
    last.reset();
    if (!at->value().empty()) last = *key;
  }
  if (!at->status().ok()) return ToError(at->status(), "read of metadata");
  end();
  return Ok();
}

Status FactStore::ReadExemplars(const rocksdb::Snapshot* snapshot, TimeRange range,
                                const std::function<void(SeriesId, Exemplar)>& visit) const {
  const auto at = NewIterator(snapshot);
  for (at->Seek(ExemplarFrom(range.min)); at->Valid() && at->key()[0] == kExemplarTag; at->Next()) {
    const auto key = ParseExemplarKey(ToView(at->key()));
    auto exemplar = DecodeExemplar(ToView(at->value()));
    if (!key || !exemplar) return DamagedFact(ToView(at->key()));
    if (key->time > range.max) break;
    exemplar->time = key->time;
    visit(key->series, *std::move(exemplar));
  }
  return at->status().ok() ? Ok() : Status(ToError(at->status(), "read of exemplars"));
}

Status FactStore::ReadStarts(const rocksdb::Snapshot* snapshot, SeriesId series, std::vector<StartTime>& out) const {
  const std::string prefix = StartPrefix(series);
  const auto at = NewIterator(snapshot);
  for (at->Seek(prefix); at->Valid() && ToView(at->key()).starts_with(prefix); at->Next()) {
    const auto key = ParseStartKey(ToView(at->key()));
    const auto first = ParseFactTime(ToView(at->value()));
    if (!key || !first) return DamagedFact(ToView(at->key()));
    out.push_back({key->start, *first});
  }
  return at->status().ok() ? Ok() : Status(ToError(at->status(), "read of start times"));
}

namespace {

/// Turns the rows of one target into entries.
class MetadataRows {
 public:
  MetadataRows(const Database& database, const rocksdb::Snapshot* snapshot, const MetadataQuery& query,
               const std::function<bool(const MetadataEntry&)>& visit)
      : database_(database), snapshot_(snapshot), query_(query), visit_(visit) {}

  /// False: the visitor has enough.
  Result<bool> Visit(const Labels& target, std::uint64_t number, rocksdb::Iterator& at) {
    const std::string prefix = query_.family.empty() ? MetadataPrefix(number) : MetadataPrefix(number, query_.family);
    std::optional<MetadataEntry> open;
    const auto emit = [&](std::optional<TimeMs> until) {
      bool more = true;
      if (open && open->from <= query_.range.max && (!until || *until > query_.range.min)) {
        open->until = until;
        more = visit_(*open);
      }
      open.reset();
      return more;
    };
    for (at.Seek(prefix); at.Valid() && ToView(at.key()).starts_with(prefix); at.Next()) {
      auto key = ParseMetadataKey(ToView(at.key()));
      if (!key || (!at.value().empty() && at.value().size() != 8)) return DamagedFact(ToView(at.key()));
      const bool same = open && open->family == key->family;
      if (!emit(same ? std::optional(key->time) : std::nullopt)) return false;
      if (at.value().empty()) continue;
      VEDETTE_TRY(const MetricInfo* const info, InfoOf(GetBigEndian<std::uint64_t>(ToView(at.value()))));
      open = MetadataEntry{target, std::move(key->family), *info, key->time, std::nullopt};
    }
    if (!at.status().ok()) return ToError(at.status(), "read of metadata");
    return emit(std::nullopt);
  }

 private:
  Result<const MetricInfo*> InfoOf(std::uint64_t number) {
    const auto known = infos_.find(number);
    if (known != infos_.end()) return &known->second;
    const std::string key = NumberKey(kInfoTag, number);
    VEDETTE_TRY(const std::optional<std::string> bytes, database_.Get(Family::kFacts, key, snapshot_));
    auto info = bytes ? DecodeInfo(*bytes) : std::nullopt;
    if (!info) return DamagedFact(key);
    return &infos_.emplace(number, *std::move(info)).first->second;
  }

  const Database& database_;
  const rocksdb::Snapshot* const snapshot_;
  const MetadataQuery& query_;
  const std::function<bool(const MetadataEntry&)>& visit_;
  std::unordered_map<std::uint64_t, MetricInfo> infos_;
};

}  // namespace

Status FactStore::VisitMetadata(const rocksdb::Snapshot* snapshot, const MetadataQuery& query,
                                const std::function<bool(const MetadataEntry&)>& visit) const {
  MetadataRows rows(database_, snapshot, query, visit);
  const auto targets = NewIterator(snapshot), at = NewIterator(snapshot);
  const char tag = kTargetTag;
  for (targets->Seek(rocksdb::Slice(&tag, 1)); targets->Valid() && targets->key()[0] == tag; targets->Next()) {
    const auto number = ParseNumberKey(kTargetTag, ToView(targets->key()));
    const auto labels = DecodeLabels(ToView(targets->value()));
    if (!number || !labels) return DamagedFact(ToView(targets->key()));
    if (!MatchesAll(query.targets, *labels)) continue;
    VEDETTE_TRY(const bool more, rows.Visit(*labels, *number, *at));
    if (!more) return Ok();
  }
  return targets->status().ok() ? Ok() : Status(ToError(targets->status(), "read of metadata"));
}

Status FactStore::Spill() {
  constexpr std::uint64_t kManyRows = 4096;
  constexpr auto kInterval = std::chrono::minutes(1);
  const auto now = std::chrono::steady_clock::now();
  if (last_spill_ && now - *last_spill_ < kInterval) return Ok();
  if (database_.Property(Family::kFacts, "rocksdb.num-entries-active-mem-table") < kManyRows) return Ok();
  last_spill_ = now;
  const rocksdb::Status status = database_.db().Flush(rocksdb::FlushOptions(), database_.family(Family::kFacts));
  return status.ok() ? Ok() : Status(ToError(status, "flush of facts"));
}

}  // namespace vedette::storage
