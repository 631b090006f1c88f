#include <algorithm>
#include <mutex>
#include <shared_mutex>

#include "storage/chunk/chunk.h"
#include "storage/chunk/merge.h"
#include "storage/rocks/engine.h"
#include "storage/rocks/keys.h"
#include "storage/rocks/series_selector.h"

namespace vedette::storage {
namespace {

class RocksQuerier final : public Querier {
 public:
  RocksQuerier(Engine& engine, TimeRange range);
  ~RocksQuerier() override;
  RocksQuerier(const RocksQuerier&) = delete;
  RocksQuerier& operator=(const RocksQuerier&) = delete;

  Result<std::vector<SeriesEntry>> Select(std::span<const Matcher> matchers, std::size_t max_series) const override {
    return selector_.Select(matchers, max_series);
  }
  Status Read(SeriesId series, TimeRange range, Columns& out) const override;
  Result<std::vector<std::string>> LabelNames(std::span<const Matcher> matchers, std::size_t limit) const override {
    return selector_.LabelNames(matchers, limit);
  }
  Result<std::vector<std::string>> LabelValues(std::string_view name, std::span<const Matcher> matchers,
                                               std::size_t limit) const override {
    return selector_.LabelValues(name, matchers, limit);
  }

 private:
  using Iterator = std::unique_ptr<rocksdb::Iterator>;

  Status ReadDisk(SeriesId series, TimeRange range, Columns& out) const;
  Iterator TakeIterator() const;
  void GiveBack(Iterator iterator) const;

  Engine& engine_;
  const TimeRange range_;
  ReaderRegistry::Reader reader_;
  const rocksdb::Snapshot* snapshot_;
  HeadView view_;
  std::shared_ptr<const Partitions::Days> days_;
  const SeriesSelector selector_;
  mutable std::mutex iterators_mutex_;
  mutable std::vector<Iterator> iterators_;  // idle ones: making one costs more than a look-up
};

/// The order of the four steps makes the view consistent: what is sealed after the first stays readable in the head,
/// and what the snapshot shows was visible before the commit number is read.
RocksQuerier::RocksQuerier(Engine& engine, TimeRange range)
    : engine_(engine),
      range_(range),
      reader_(engine.head.readers().Register(engine.head.order())),
      snapshot_(engine.database->db().GetSnapshot()),
      view_{engine.head.order().visible(), reader_.round},
      days_(engine.partitions.days()),
      selector_(engine, range, snapshot_, days_) {}

RocksQuerier::~RocksQuerier() {
  iterators_.clear();
  engine_.database->db().ReleaseSnapshot(snapshot_);
  engine_.head.readers().Unregister(reader_);
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
  if (on_disk) VEDETTE_CHECK(ReadDisk(id, range, out));
  out.times.insert(out.times.end(), recent.times.begin(), recent.times.end());
  out.values.insert(out.values.end(), recent.values.begin(), recent.values.end());
  SortAndResolve(out, first);
  CutToRange(out, first, range);
  return Ok();
}

Status RocksQuerier::ReadDisk(SeriesId series, TimeRange range, Columns& out) const {
  const auto days = DaysWithin(*days_, range);
  if (days.empty()) return Ok();
  Iterator at = TakeIterator();
  for (const std::int32_t day : days) {
    for (at->Seek(ChunkPrefix(day, series)); at->Valid(); at->Next()) {
      const std::string_view key = ToView(at->key());
      const auto header = ReadChunkHeader(ToView(at->value()));
      if (!header) return Annotate(DescribeChunkKey(key), header.error());
      if (header->range.min > range.max) break;  // keys are in the order of the first samples
      if (header->range.max < range.min) continue;
      const Status decoded = DecodeChunk(ToView(at->value()), out);
      if (!decoded) return Annotate(DescribeChunkKey(key), decoded.error());
    }
    if (!at->status().ok()) {
      return ToError(at->status(),
                     fmt::format("read of series {} on {}", static_cast<std::uint64_t>(series), DayText(day)));
    }
  }
  GiveBack(std::move(at));
  return Ok();
}

RocksQuerier::Iterator RocksQuerier::TakeIterator() const {
  {
    const std::lock_guard lock(iterators_mutex_);
    if (!iterators_.empty()) {
      Iterator out = std::move(iterators_.back());
      iterators_.pop_back();
      return out;
    }
  }
  rocksdb::ReadOptions options;
  options.snapshot = snapshot_;
  options.prefix_same_as_start = true;  // the filter skips files without the series, and the walk ends with it
  return Iterator(engine_.database->db().NewIterator(options, engine_.database->family(Family::kChunks)));
}

void RocksQuerier::GiveBack(Iterator iterator) const {
  const std::lock_guard lock(iterators_mutex_);
  iterators_.push_back(std::move(iterator));
}

}  // namespace

std::unique_ptr<Querier> NewRocksQuerier(Engine& engine, TimeRange range) {
  return std::make_unique<RocksQuerier>(engine, range);
}

}  // namespace vedette::storage
