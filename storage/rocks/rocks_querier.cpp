#include <algorithm>
#include <mutex>
#include <set>
#include <shared_mutex>

#include "storage/chunk/chunk.h"
#include "storage/chunk/merge.h"
#include "storage/rocks/disk_index.h"
#include "storage/rocks/engine.h"
#include "storage/rocks/keys.h"

namespace vedette::storage {
namespace {

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
  using Names = std::set<std::string, std::less<>>;
  using Iterator = std::unique_ptr<rocksdb::Iterator>;

  std::span<const std::int32_t> DaysIn(TimeRange range) const;
  Result<bool> SelectInHead(std::span<const Matcher> matchers, std::vector<SeriesEntry>& out, Postings& seen) const;
  Status SelectOnDay(std::int32_t day, std::span<const Matcher> matchers, std::vector<SeriesEntry>& out,
                     Postings& seen) const;
  Result<std::optional<Labels>> LabelsOf(SeriesId id) const;
  Status ReadDisk(SeriesId series, TimeRange range, Columns& out) const;
  Iterator TakeIterator() const;
  void GiveBack(Iterator iterator) const;

  /// Whether one of the series with this label has samples in the range. The table is locked.
  bool HeadHas(std::string_view name, std::string_view value) const;

  Engine& engine_;
  const TimeRange range_;
  ReaderRegistry::Reader reader_;
  const rocksdb::Snapshot* snapshot_;
  HeadView view_;
  std::shared_ptr<const Partitions::Days> days_;
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
      days_(engine.partitions.days()) {}

RocksQuerier::~RocksQuerier() {
  iterators_.clear();
  engine_.database->db().ReleaseSnapshot(snapshot_);
  engine_.head.readers().Unregister(reader_);
}

std::span<const std::int32_t> RocksQuerier::DaysIn(TimeRange range) const {
  const auto begin = std::ranges::partition_point(
      *days_, [&](std::int32_t day) { return StartOfDay(day) + Millis(kDayMs - 1) < range.min; });
  const auto end =
      std::partition_point(begin, days_->end(), [&](std::int32_t day) { return StartOfDay(day) <= range.max; });
  return {begin, end};
}

Result<std::vector<SeriesEntry>> RocksQuerier::Select(std::span<const Matcher> matchers, std::size_t max_series) const {
  const auto over_limit = [&](std::size_t n) { return max_series != 0 && n > max_series; };
  std::vector<SeriesEntry> out;
  Postings seen;
  VEDETTE_TRY(const bool complete, SelectInHead(matchers, out, seen));
  if (!complete) {
    for (const std::int32_t day : DaysIn(range_)) {
      if (over_limit(out.size())) break;
      VEDETTE_CHECK(SelectOnDay(day, matchers, out, seen));
    }
  }
  if (over_limit(out.size())) return Fail(Code::kLimit, "the selector matches more than {} series", max_series);
  std::ranges::sort(out, [](const SeriesEntry& a, const SeriesEntry& b) { return a.labels < b.labels; });
  return out;
}

/// True when no series outside memory can have samples in the range: then the disk need not be asked.
Result<bool> RocksQuerier::SelectInHead(std::span<const Matcher> matchers, std::vector<SeriesEntry>& out,
                                        Postings& seen) const {
  const SeriesTable& table = engine_.head.table();
  const std::shared_lock lock(table.mutex());
  const bool complete = range_.min.ms > engine_.catalog.disk_only_max_time();
  VEDETTE_TRY(const Selection selection, SelectSeries(table.index(), matchers));
  for (const SeriesId id : selection.ids) {
    const HeadSeries& series = *table.Find(id);
    if (!engine_.head.MayHave(series, range_, complete) || !selection.Accepts(series.labels)) continue;
    seen.push_back(id);
    out.push_back({id, series.labels});
  }
  return complete;
}

Status RocksQuerier::SelectOnDay(std::int32_t day, std::span<const Matcher> matchers, std::vector<SeriesEntry>& out,
                                 Postings& seen) const {
  const DiskIndex index(*engine_.database, day, snapshot_);
  VEDETTE_TRY(const Selection selection, SelectSeries(index, matchers));
  const Postings fresh = Subtract(selection.ids, seen);
  for (const SeriesId id : fresh) {
    VEDETTE_TRY(const std::optional<Labels> labels, LabelsOf(id));
    if (!labels) {
      return Fail(Code::kCorruption, "index of {} names series {}, which has no definition", DayText(day),
                  static_cast<std::uint64_t>(id));
    }
    if (selection.Accepts(*labels)) out.push_back({id, *labels});
  }
  // Also what was refused: the labels of a series never change, other days need not look again.
  seen = Unite(seen, fresh);
  return Ok();
}

Result<std::optional<Labels>> RocksQuerier::LabelsOf(SeriesId id) const {
  {
    const std::shared_lock lock(engine_.head.table().mutex());
    if (const HeadSeries* series = engine_.head.table().Find(id)) return std::optional(series->labels);
  }
  return engine_.catalog.ReadLabels(id, snapshot_);
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
  const auto days = DaysIn(range);
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

bool RocksQuerier::HeadHas(std::string_view name, std::string_view value) const {
  const SeriesTable& table = engine_.head.table();
  const bool complete = range_.min.ms > engine_.catalog.disk_only_max_time();
  Postings ids;
  // The index in memory has no errors.
  if (!table.index().WithLabel(name, value, ids)) return false;
  return std::ranges::any_of(ids, [&](SeriesId id) { return engine_.head.MayHave(*table.Find(id), range_, complete); });
}

Result<std::vector<std::string>> RocksQuerier::LabelNames(std::span<const Matcher> matchers, std::size_t limit) const {
  Names names;
  if (!matchers.empty()) {
    VEDETTE_TRY(const std::vector<SeriesEntry> found, Select(matchers, 0));
    for (const SeriesEntry& entry : found) {
      for (const LabelView label : entry.labels) names.emplace(label.name);
    }
  } else {
    {
      const LabelIndex& index = engine_.head.table().index();
      const std::shared_lock lock(engine_.head.table().mutex());
      VEDETTE_CHECK(index.VisitNames([&](std::string_view name) {
        const Status walked = index.VisitValues(name, [&](std::string_view value) {
          if (!HeadHas(name, value)) return true;
          names.emplace(name);
          return false;
        });
        return walked.has_value();
      }));
    }
    for (const std::int32_t day : DaysIn(range_)) {
      VEDETTE_CHECK(DiskIndex(*engine_.database, day, snapshot_).VisitNames([&](std::string_view name) {
        names.emplace(name);
        return true;
      }));
    }
  }
  std::vector<std::string> out(names.begin(), names.end());
  if (limit != 0 && out.size() > limit) out.resize(limit);
  return out;
}

Result<std::vector<std::string>> RocksQuerier::LabelValues(std::string_view name, std::span<const Matcher> matchers,
                                                           std::size_t limit) const {
  Names values;
  if (!matchers.empty()) {
    VEDETTE_TRY(const std::vector<SeriesEntry> found, Select(matchers, 0));
    for (const SeriesEntry& entry : found) {
      if (entry.labels.Has(name)) values.emplace(entry.labels.Get(name));
    }
  } else {
    {
      const std::shared_lock lock(engine_.head.table().mutex());
      VEDETTE_CHECK(engine_.head.table().index().VisitValues(name, [&](std::string_view value) {
        if (HeadHas(name, value)) values.emplace(value);
        return true;
      }));
    }
    for (const std::int32_t day : DaysIn(range_)) {
      VEDETTE_CHECK(DiskIndex(*engine_.database, day, snapshot_).VisitValues(name, [&](std::string_view value) {
        if (values.find(value) == values.end()) values.emplace(value);
        return true;
      }));
    }
  }
  std::vector<std::string> out(values.begin(), values.end());
  if (limit != 0 && out.size() > limit) out.resize(limit);
  return out;
}

}  // namespace

std::unique_ptr<Querier> NewRocksQuerier(Engine& engine, TimeRange range) {
  return std::make_unique<RocksQuerier>(engine, range);
}

}  // namespace vedette::storage
