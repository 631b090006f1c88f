#include <algorithm>
#include <optional>
#include <set>
#include <shared_mutex>

#include "storage/chunk/merge.h"
#include "storage/rocks/chunk_reader.h"
#include "storage/rocks/engine.h"
#include "storage/rocks/keys.h"
#include "storage/rocks/series_selector.h"

namespace vedette::storage {
namespace {

std::vector<std::string> FirstOf(const std::set<std::string>& texts, std::size_t limit) {
  std::vector<std::string> out(texts.begin(), texts.end());
  if (limit != 0 && out.size() > limit) out.resize(limit);
  return out;
}

class RocksQuerier final : public Querier {
 public:
  RocksQuerier(Engine& engine, TimeRange range);
  ~RocksQuerier() override;
  RocksQuerier(const RocksQuerier&) = delete;
  RocksQuerier& operator=(const RocksQuerier&) = delete;

  Result<std::vector<SeriesEntry>> Select(std::span<const Matcher> matchers, std::size_t max_series) const override;
  Status Read(SeriesId series, TimeRange range, Columns& out) const override;
  Result<std::vector<std::string>> LabelNames(std::span<const Matcher> matchers, std::size_t limit) const override;
  Result<std::vector<std::string>> LabelValues(std::string_view name, std::span<const Matcher> matchers,
                                               std::size_t limit) const override;

 private:
  bool HasSamples(SeriesId series) const;

  Engine& engine_;
  const TimeRange range_;
  const std::shared_ptr<const TombstoneSet> deleted_;
  /// Lost samples in the range: indexes still name them, whether they have others must be looked up.
  const Postings touched_;
  ReaderRegistry::Reader reader_;
  std::shared_ptr<const Partitions::Places> places_before_;
  const std::shared_ptr<const DayVersions::Map> versions_before_;
  const rocksdb::Snapshot* snapshot_;
  HeadView view_;
  std::shared_ptr<const Partitions::Days> days_;
  const SeriesSelector selector_;
  std::optional<ChunkReader> chunks_;
};

/// The order of the steps (the members', tombstones first) makes the view consistent: what is sealed after the first
/// stays readable in the head, and what the snapshot shows was visible before the commit number is read.
RocksQuerier::RocksQuerier(Engine& engine, TimeRange range)
    : engine_(engine),
      range_(range),
      deleted_(engine.tombstones.current()),
      touched_(deleted_->Touched(range)),
      reader_(engine.head.readers().Register(engine.head.order())),
      places_before_(engine.partitions.places()),
      versions_before_(engine.database->day_versions().Now()),
      snapshot_(engine.database->db().GetSnapshot()),
      view_{engine.head.order().visible(), reader_.round},
      days_(engine.partitions.days()),
      selector_(engine, range, {snapshot_, versions_before_, engine.database->day_versions().Now(), days_}) {
  chunks_.emplace(*engine.database, snapshot_, deleted_, std::move(places_before_), engine.partitions.places());
}

RocksQuerier::~RocksQuerier() {
  chunks_.reset();
  engine_.database->db().ReleaseSnapshot(snapshot_);
  engine_.head.readers().Unregister(reader_);
}

bool RocksQuerier::HasSamples(SeriesId series) const {
  Columns samples;
  return !Read(series, range_, samples) || samples.size() > 0;
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

Status RocksQuerier::Read(SeriesId id, TimeRange range, Columns& out) const {
  range = {std::max(range.min, range_.min), std::min(range.max, range_.max)};
  if (range.max < range.min) return Ok();
  const std::size_t first = out.size();
  thread_local Columns recent;
  recent.clear();
  bool on_disk = true;
  {
    const std::shared_lock lock(engine_.head.table().mutex());
    if (const HeadSeries* series = engine_.head.table().Find(id)) {
      on_disk = engine_.head.MayBeOnDisk(*series, range);
      engine_.head.Read(*series, view_, range, recent);
    }
  }
  if (on_disk) VEDETTE_CHECK(chunks_->Read(id, DaysWithin(*days_, range), range, out));
  out.times.insert(out.times.end(), recent.times.begin(), recent.times.end());
  out.values.insert(out.values.end(), recent.values.begin(), recent.values.end());
  SortAndResolve(out, first);
  CutToRange(out, first, range);
  return Ok();
}

}  // namespace

std::unique_ptr<Querier> NewRocksQuerier(Engine& engine, TimeRange range) {
  return std::make_unique<RocksQuerier>(engine, range);
}

}  // namespace vedette::storage
