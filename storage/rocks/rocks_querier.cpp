#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <shared_mutex>

#include "storage/chunk/merge.h"
#include "storage/rocks/cached_chunks.h"
#include "storage/rocks/chunk_reader.h"
#include "storage/rocks/definition_reader.h"
#include "storage/rocks/engine.h"
#include "storage/rocks/keys.h"
#include "storage/rocks/series_selector.h"
#include "storage/rocks/tier_store.h"

namespace vedette::storage {
namespace {

std::vector<std::string> FirstOf(const std::set<std::string>& texts, std::size_t limit) {
  std::vector<std::string> out(texts.begin(), texts.end());
  if (limit != 0 && out.size() > limit) out.resize(limit);
  return out;
}

/// What a thread that reads series after series keeps from one to the next.
struct ReadMemo {
  SampleCache::Memo pages;
  GroupWalk rows;
};

class RocksQuerier final : public Querier {
 public:
  RocksQuerier(Engine& engine, TimeRange range);
  ~RocksQuerier() override;
  RocksQuerier(const RocksQuerier&) = delete;
  RocksQuerier& operator=(const RocksQuerier&) = delete;

  Result<std::vector<SeriesEntry>> Select(std::span<const Matcher> matchers, std::size_t max_series) const override;
  Result<std::vector<SeriesEntry>> SelectFor(std::span<const Matcher> matchers,
                                             std::span<const std::string> names) const override {
    return touched_.empty() ? selector_.SelectFor(matchers, names) : Select(matchers, 0);
  }
  Status Read(SeriesId series, TimeRange range, Columns& out) const override {
    ReadMemo memo;
    return ReadKinds(series, range, memo, out, nullptr);
  }
  Status ReadMixed(SeriesId series, TimeRange range, Columns& floats, HistogramColumns& histograms) const override {
    ReadMemo memo;
    return ReadKinds(series, range, memo, floats, &histograms);
  }
  std::unique_ptr<SeriesReader> NewReader() const override { return std::make_unique<Reader>(*this); }
  std::vector<Millis> Tiers() const override;
  TimeMs RawFrom() const override;
  Result<bool> ReadTier(SeriesId series, TimeMs from, TimeMs to, Millis step,
                        std::vector<TierBucket>& out) const override;
  Result<std::vector<SeriesExemplars>> Exemplars(std::span<const std::vector<Matcher>> selectors,
                                                 TimeRange range) const override;
  Status ReadStarts(SeriesId series, std::vector<StartTime>& out) const override {
    return engine_.facts.ReadStarts(snapshot_, series, out);
  }
  Status VisitMetadata(const MetadataQuery& query,
                       const std::function<bool(const MetadataEntry&)>& visit) const override {
    return engine_.facts.VisitMetadata(snapshot_, query, visit);
  }
  Result<std::vector<std::string>> LabelNames(std::span<const Matcher> matchers, std::size_t limit) const override;
  Result<std::vector<std::string>> LabelValues(std::string_view name, std::span<const Matcher> matchers,
                                               std::size_t limit) const override;

 private:
  class Reader final : public SeriesReader {
   public:
    explicit Reader(const RocksQuerier& querier) : querier_(querier) {}
    Status Read(SeriesId series, TimeRange range, Columns& floats, HistogramColumns& histograms) override {
      return querier_.ReadKinds(series, range, memo_, floats, &histograms);
    }

   private:
    const RocksQuerier& querier_;
    ReadMemo memo_;
  };

  bool HasSamples(SeriesId series) const;
  bool TrustsTier(SeriesId series, std::int32_t day) const;
  bool HasBuckets(SeriesId series) const;
  Result<Labels> LabelsOf(SeriesId id, DefinitionReader& definitions) const;
  Status ReadKinds(SeriesId series, TimeRange range, ReadMemo& memo, Columns& out, HistogramColumns* histograms) const;

  Engine& engine_;
  const TimeRange range_;
  const std::shared_ptr<const TombstoneSet> deleted_;
  /// Lost samples in the range: indexes still name them, whether they have others must be looked up.
  const Postings touched_;
  const std::uint64_t changes_before_;
  ReaderRegistry::Reader reader_;
  const std::shared_ptr<const Partitions::Places> places_before_;
  const std::shared_ptr<const DayVersions::Map> versions_before_;
  const rocksdb::Snapshot* snapshot_;
  HeadView view_;
  std::shared_ptr<const Partitions::Days> days_;
  const std::shared_ptr<const Partitions::Places> places_after_;
  const SeriesSelector selector_;
  std::optional<ChunkReader> chunks_;
  std::optional<CachedChunks> samples_;
};

/// The order of the steps (the members', tombstones first) makes the view consistent: what is sealed after the first
/// stays readable in the head, and what the snapshot shows was visible before the commit number is read.
RocksQuerier::RocksQuerier(Engine& engine, TimeRange range)
    : engine_(engine),
      range_(range),
      deleted_(engine.tombstones.current()),
      touched_(deleted_->Touched(range)),
      changes_before_(engine.database->sample_changes().Now()),
      reader_(engine.head.readers().Register(engine.head.order())),
      places_before_(engine.partitions.places()),
      versions_before_(engine.database->day_versions().Now()),
      snapshot_(engine.database->db().GetSnapshot()),
      view_{engine.head.order().visible(), reader_.round},
      days_(engine.partitions.days()),
      places_after_(engine.partitions.places()),
      selector_(engine, range, {snapshot_, versions_before_, engine.database->day_versions().Now(), days_}) {
  chunks_.emplace(*engine.database, snapshot_, deleted_, places_before_, places_after_);
  samples_.emplace(*chunks_, *deleted_, *days_, engine.sample_cache, engine.database->sample_changes(),
                   changes_before_);
}

RocksQuerier::~RocksQuerier() {
  chunks_.reset();
  engine_.database->db().ReleaseSnapshot(snapshot_);
  engine_.head.readers().Unregister(reader_);
}

bool RocksQuerier::HasSamples(SeriesId series) const {
  Columns samples;
  HistogramColumns histograms;
  return !ReadMixed(series, range_, samples, histograms) || samples.size() > 0 || histograms.size() > 0 ||
         HasBuckets(series);
}

Result<std::vector<SeriesEntry>> RocksQuerier::Select(std::span<const Matcher> matchers, std::size_t max_series) const {
  if (touched_.empty()) return selector_.Select(matchers, max_series);
  VEDETTE_TRY(std::vector<SeriesEntry> found, selector_.Select(matchers, 0));
  std::erase_if(found, [this](const SeriesEntry& entry) {
    return std::ranges::binary_search(touched_, entry.id) && !HasSamples(entry.id);
  });
  if (max_series != 0 && found.size() > max_series) {
    return Fail(Code::kLimit, "the selector matches more than {} series", max_series);
  }
  return found;
}

Result<std::vector<std::string>> RocksQuerier::LabelNames(std::span<const Matcher> matchers, std::size_t limit) const {
  if (touched_.empty()) return selector_.LabelNames(matchers, limit);
  std::set<std::string> names;
  VEDETTE_TRY(const std::vector<SeriesEntry> found, Select(matchers, 0));
  for (const SeriesEntry& entry : found) {
    for (const LabelView label : entry.labels) names.emplace(label.name);
  }
  return FirstOf(names, limit);
}

Result<std::vector<std::string>> RocksQuerier::LabelValues(std::string_view name, std::span<const Matcher> matchers,
                                                           std::size_t limit) const {
  if (touched_.empty()) return selector_.LabelValues(name, matchers, limit);
  std::set<std::string> values;
  VEDETTE_TRY(const std::vector<SeriesEntry> found, Select(matchers, 0));
  for (const SeriesEntry& entry : found) {
    if (entry.labels.Has(name)) values.emplace(entry.labels.Get(name));
  }
  return FirstOf(values, limit);
}

std::vector<Millis> RocksQuerier::Tiers() const {
  std::vector<Millis> out;
  for (const TierOptions& tier : engine_.options.tiers) out.push_back(tier.step);
  return out;
}

TimeMs RocksQuerier::RawFrom() const {
  const auto& tiered = places_after_->tiered;
  if (tiered.empty()) return TimeMs::Min();
  // Days that only tiers have lie before those with samples.
  std::optional<std::int32_t> last;
  for (const auto& [day, number] : tiered) {
    if (places_before_->HasRaw(day)) break;
    last = day;
  }
  return last ? StartOfDay(*last + 1) : TimeMs::Min();
}

/// Whether the tiers of the day say what this querier's samples of the series say.
bool RocksQuerier::TrustsTier(SeriesId series, std::int32_t day) const {
  const auto before = places_before_->tiered.find(day), after = places_after_->tiered.find(day);
  if (before == places_before_->tiered.end() || after == places_after_->tiered.end()) return false;
  if (before->second != after->second) return false;
  if (!places_before_->HasRaw(day)) return true;  // nothing else does
  const TimeRange range{StartOfDay(day), StartOfDay(day + 1) - Millis(1)};
  if (deleted_->Overlaps(series, 0, range)) return false;
  const std::shared_lock lock(engine_.head.table().mutex());
  const HeadSeries* head = engine_.head.table().Find(series);
  return head == nullptr || !engine_.head.MayHave(*head, range, false);
}

/// Days whose tier can be trusted are read from it, everything between them from the samples, the head included.
Result<bool> RocksQuerier::ReadTier(SeriesId series, TimeMs from, TimeMs to, Millis step,
                                    std::vector<TierBucket>& out) const {
  VEDETTE_CHECK(ValidateTierRange(from, to, step));
  std::vector<TierBucket> found;
  const auto read_raw = [&](TimeMs after, TimeMs through) -> Result<bool> {
    if (through <= after) return true;
    Columns floats;
    HistogramColumns histograms;
    VEDETTE_CHECK(ReadMixed(series, {after + Millis(1), through}, floats, histograms));
    std::vector<TierBucket> buckets;
    DownSample(floats.times, floats.values, step, buckets);
    AppendBuckets(buckets, found);
    return histograms.size() == 0;
  };
  TimeMs done = from;
  const std::vector<Millis> steps = Tiers();
  if (std::ranges::find(steps, step) != steps.end() && from < to) {
    for (const std::int32_t day : DaysWithin(*days_, {from + Millis(1), to})) {
      if (!TrustsTier(series, day)) continue;
      VEDETTE_TRY(std::optional<TierRow> row, ReadTierRow(*engine_.database, snapshot_, {step, day, series}));
      // Nothing there on that day, or the tier is younger than the day, or was kept for less time.
      if (!row) continue;
      VEDETTE_TRY(const bool floats, read_raw(done, StartOfDay(day) - Millis(1)));
      if (!floats) return false;
      done = StartOfDay(day + 1) - Millis(1);
      if (row->has_histograms) return false;
      if (!places_before_->HasRaw(day)) ApplyTombstones(*deleted_, series, step, *row);
      std::erase_if(row->buckets, [&](const TierBucket& bucket) { return bucket.end <= from || bucket.end > to; });
      AppendBuckets(row->buckets, found);
    }
  }
  VEDETTE_TRY(const bool floats, read_raw(done, to));
  if (!floats) return false;
  out.insert(out.end(), found.begin(), found.end());
  return true;
}

/// In a day that only tiers have.
bool RocksQuerier::HasBuckets(SeriesId series) const {
  const std::vector<Millis> steps = Tiers();
  return std::ranges::any_of(DaysWithin(*days_, range_), [&](std::int32_t day) {
    if (places_before_->HasRaw(day) || !TrustsTier(series, day)) return false;
    return std::ranges::any_of(steps, [&](Millis step) {
      auto row = ReadTierRow(*engine_.database, snapshot_, {step, day, series});
      if (!row) return true;  // reading it will say what is wrong
      if (!*row) return false;
      ApplyTombstones(*deleted_, series, step, **row);
      return !(*row)->buckets.empty() || (*row)->has_histograms;
    });
  });
}

/// The empty set for a series that is not there any more.
Result<Labels> RocksQuerier::LabelsOf(SeriesId id, DefinitionReader& definitions) const {
  {
    const std::shared_lock lock(engine_.head.table().mutex());
    if (const HeadSeries* series = engine_.head.table().Find(id)) return engine_.head.table().LabelsOf(*series);
  }
  return definitions.Read(id);
}

/// Exemplars are few: they are looked through, and only their series are asked for labels.
Result<std::vector<SeriesExemplars>> RocksQuerier::Exemplars(std::span<const std::vector<Matcher>> selectors,
                                                             TimeRange range) const {
  range = {std::max(range.min, range_.min), std::min(range.max, range_.max)};
  std::map<SeriesId, std::vector<Exemplar>> by_series;
  VEDETTE_CHECK(engine_.facts.ReadExemplars(
      snapshot_, range, [&](SeriesId id, Exemplar exemplar) { by_series[id].push_back(std::move(exemplar)); }));
  DefinitionReader definitions(*engine_.database, nullptr);
  std::vector<SeriesExemplars> out;
  for (auto& [id, exemplars] : by_series) {
    VEDETTE_TRY(Labels labels, LabelsOf(id, definitions));
    const auto accepts = [&](const std::vector<Matcher>& matchers) { return MatchesAll(matchers, labels); };
    if (labels.empty() || std::ranges::none_of(selectors, accepts)) continue;
    out.push_back({std::move(labels), std::move(exemplars)});
  }
  std::ranges::sort(out, {}, &SeriesExemplars::series);
  return out;
}

Status RocksQuerier::ReadKinds(SeriesId id, TimeRange range, ReadMemo& memo, Columns& out,
                               HistogramColumns* histograms) const {
  range = {std::max(range.min, range_.min), std::min(range.max, range_.max)};
  if (range.max < range.min) return Ok();
  const std::size_t first = out.size(), first_histogram = histograms != nullptr ? histograms->size() : 0;
  thread_local Columns recent;
  recent.clear();
  bool on_disk = true;
  {
    const std::shared_lock lock(engine_.head.table().mutex());
    if (const HeadSeries* series = engine_.head.table().Find(id)) {
      on_disk = engine_.head.ReadAll(*series, view_, range, memo.rows, recent, histograms);
    }
  }
  bool ordered = true;
  if (on_disk) {
    VEDETTE_TRY(ordered, samples_->Read(id, range, memo.pages, out, histograms));
  }
  const std::size_t joint = out.size();
  out.times.insert(out.times.end(), recent.times.begin(), recent.times.end());
  out.values.insert(out.values.end(), recent.values.begin(), recent.values.end());
  SortAndResolve(out, joint);
  // Mostly the disk has the older ones.
  const bool apart = joint == first || joint == out.size() || out.times[joint - 1] < out.times[joint];
  if (!ordered || !apart) SortAndResolve(out, first);
  CutToRange(out, first, range);
  if (histograms == nullptr || histograms->size() == first_histogram) return Ok();
  SortAndResolve(*histograms, first_histogram);
  CutToRange(*histograms, first_histogram, range);
  ResolveMixed(out, first, *histograms, first_histogram);
  return Ok();
}

}  // namespace

std::unique_ptr<Querier> NewRocksQuerier(Engine& engine, TimeRange range) {
  return std::make_unique<RocksQuerier>(engine, range);
}

}  // namespace vedette::storage
