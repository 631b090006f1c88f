#include "collector/remote/fanout_storage.h"

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "collector/remote/remote_reads.h"

namespace vedette::collector {
namespace {

using storage::Columns;
using storage::HistogramColumns;
using storage::SeriesEntry;
using storage::SeriesId;

/// Ids of series that only ends have; the store here gives none as high.
constexpr std::uint64_t kRemoteIds = std::uint64_t{1} << 63;

/// Samples of ends within `range` whose time none of `taken` has; both ascend. Calls `add` with the place of each.
template <class Add>
void AddMissing(const storage::Column<std::int64_t>& times, TimeRange range,
                std::span<const storage::Column<std::int64_t>* const> taken, Add add) {
  for (std::size_t i = 0; i < times.size(); ++i) {
    if (times[i] < range.min.ms || times[i] > range.max.ms) continue;
    const bool known =
        std::ranges::any_of(taken, [&](const auto* column) { return std::ranges::binary_search(*column, times[i]); });
    if (!known) add(i);
  }
}

/// Puts what was added behind `from` in its place by time.
template <class Values>
void MergeTail(storage::Column<std::int64_t>& times, Values& values, std::size_t begin, std::size_t from) {
  if (from == times.size() || from == begin || times[from - 1] < times[from]) return;
  std::vector<std::pair<std::int64_t, std::size_t>> order;
  for (std::size_t i = begin; i < times.size(); ++i) order.emplace_back(times[i], i);
  std::ranges::sort(order);
  Values sorted;
  sorted.reserve(order.size());
  for (const auto& [time, i] : order) sorted.push_back(std::move(values[i]));
  for (std::size_t i = 0; i < order.size(); ++i) {
    times[begin + i] = order[i].first;
    values[begin + i] = std::move(sorted[i]);
  }
}

class FanoutQuerier final : public storage::Querier {
 public:
  FanoutQuerier(std::unique_ptr<Querier> local, TimeRange range, TimeMs local_start,
                std::shared_ptr<const std::vector<std::shared_ptr<const RemoteReader>>> readers)
      : local_(std::move(local)), range_(range), local_start_(local_start), readers_(std::move(readers)) {}

  void Limit(const storage::QueryLimits& limits) override { limits_ = limits; }
  Result<std::vector<SeriesEntry>> Select(std::span<const Matcher> matchers, std::size_t max_series) const override;
  Status Read(SeriesId series, TimeRange range, Columns& out) const override;
  Status ReadMixed(SeriesId series, TimeRange range, Columns& floats, HistogramColumns& histograms) const override;
  bool IdsAreOfStore() const override { return false; }
  std::vector<std::string> Warnings() const override {
    const std::lock_guard lock(mutex_);
    return warnings_;
  }

  Result<std::vector<storage::SeriesExemplars>> Exemplars(std::span<const std::vector<Matcher>> selectors,
                                                          TimeRange range) const override {
    return local_->Exemplars(selectors, range);
  }
  Status ReadStarts(SeriesId series, std::vector<storage::StartTime>& out) const override {
    return IsRemote(series) ? Ok() : local_->ReadStarts(series, out);
  }
  Status VisitMetadata(const storage::MetadataQuery& query,
                       const std::function<bool(const storage::MetadataEntry&)>& visit) const override {
    return local_->VisitMetadata(query, visit);
  }
  Result<std::vector<std::string>> LabelNames(std::span<const Matcher> matchers, std::size_t limit) const override {
    return local_->LabelNames(matchers, limit);
  }
  Result<std::vector<std::string>> LabelValues(std::string_view name, std::span<const Matcher> matchers,
                                               std::size_t limit) const override {
    return local_->LabelValues(name, matchers, limit);
  }

 private:
  using Parts = std::vector<std::shared_ptr<const RemoteSeries>>;

  static bool IsRemote(SeriesId id) { return storage::Raw(id) >= kRemoteIds; }
  Parts PartsOf(SeriesId id) const;
  void Merge(std::vector<RemoteSeries> series, std::vector<SeriesEntry>& entries) const;

  const std::unique_ptr<Querier> local_;
  const TimeRange range_;
  const TimeMs local_start_;
  const std::shared_ptr<const std::vector<std::shared_ptr<const RemoteReader>>> readers_;
  storage::QueryLimits limits_;
  mutable std::mutex mutex_;  // guards what follows
  mutable std::unordered_map<SeriesId, Parts> parts_;
  mutable std::unordered_map<Labels, SeriesId> remote_ids_;
  mutable std::vector<std::string> warnings_;
};

Result<std::vector<SeriesEntry>> FanoutQuerier::Select(std::span<const Matcher> matchers,
                                                       std::size_t max_series) const {
  RemoteReads reads(limits_);
  for (const auto& reader : *readers_) reads.Start(reader, matchers, range_, local_start_);
  // The ends work while the store here is asked.
  auto entries = local_->Select(matchers, max_series);
  if (!entries) return entries;
  VEDETTE_TRY(RemoteReads::Answers answers, reads.Finish());
  for (auto& series : answers) {
    if (series) {
      Merge(*std::move(series), *entries);
      continue;
    }
    const std::lock_guard lock(mutex_);
    const std::string& text = series.error().message;
    if (std::ranges::find(warnings_, text) == warnings_.end()) warnings_.push_back(text);
  }
  if (max_series != 0 && entries->size() > max_series) {
    return Fail(Code::kLimit, "more than {} series, those of remote ends included", max_series);
  }
  return entries;
}

/// Both are sorted by labels.
void FanoutQuerier::Merge(std::vector<RemoteSeries> series, std::vector<SeriesEntry>& entries) const {
  const std::lock_guard lock(mutex_);
  std::vector<SeriesEntry> merged;
  merged.reserve(entries.size() + series.size());
  auto here = entries.begin();
  for (RemoteSeries& remote : series) {
    for (; here != entries.end() && here->labels < remote.labels; ++here) merged.push_back(std::move(*here));
    SeriesId id = SeriesId::kNone;
    if (here != entries.end() && here->labels == remote.labels) {
      id = here->id;
    } else if (!merged.empty() && merged.back().labels == remote.labels) {
      id = merged.back().id;
    } else {
      const auto [place, fresh] = remote_ids_.try_emplace(remote.labels, SeriesId(kRemoteIds + remote_ids_.size()));
      id = place->second;
      merged.push_back({id, remote.labels});
    }
    parts_[id].push_back(std::make_shared<const RemoteSeries>(std::move(remote)));
  }
  merged.insert(merged.end(), std::make_move_iterator(here), std::make_move_iterator(entries.end()));
  entries = std::move(merged);
}

FanoutQuerier::Parts FanoutQuerier::PartsOf(SeriesId id) const {
  const std::lock_guard lock(mutex_);
  const auto found = parts_.find(id);
  return found == parts_.end() ? Parts() : found->second;
}

Status FanoutQuerier::Read(SeriesId series, TimeRange range, Columns& out) const {
  const std::size_t begin = out.size();
  if (!IsRemote(series)) VEDETTE_CHECK(local_->Read(series, range, out));
  for (const auto& part : PartsOf(series)) {
    const storage::Column<std::int64_t> known(out.times.begin() + static_cast<std::ptrdiff_t>(begin), out.times.end());
    const storage::Column<std::int64_t>* const taken[] = {&known};
    const std::size_t from = out.size();
    AddMissing(part->floats.times, range, taken, [&](std::size_t i) {
      out.times.push_back(part->floats.times[i]);
      out.values.push_back(part->floats.values[i]);
    });
    MergeTail(out.times, out.values, begin, from);
  }
  return Ok();
}

Status FanoutQuerier::ReadMixed(SeriesId series, TimeRange range, Columns& floats, HistogramColumns& histograms) const {
  const std::size_t begin = floats.size(), begin_histograms = histograms.size();
  if (!IsRemote(series)) VEDETTE_CHECK(local_->ReadMixed(series, range, floats, histograms));
  for (const auto& part : PartsOf(series)) {
    const storage::Column<std::int64_t> known(floats.times.begin() + static_cast<std::ptrdiff_t>(begin),
                                              floats.times.end());
    const storage::Column<std::int64_t> known_histograms(
        histograms.times.begin() + static_cast<std::ptrdiff_t>(begin_histograms), histograms.times.end());
    const storage::Column<std::int64_t>* const taken[] = {&known, &known_histograms};
    const std::size_t from = floats.size(), from_histograms = histograms.size();
    AddMissing(part->floats.times, range, taken, [&](std::size_t i) {
      floats.times.push_back(part->floats.times[i]);
      floats.values.push_back(part->floats.values[i]);
    });
    AddMissing(part->histograms.times, range, taken, [&](std::size_t i) {
      histograms.times.push_back(part->histograms.times[i]);
      histograms.histograms.push_back(part->histograms.histograms[i]);
    });
    MergeTail(floats.times, floats.values, begin, from);
    MergeTail(histograms.times, histograms.histograms, begin_histograms, from_histograms);
  }
  return Ok();
}

}  // namespace

FanoutStorage::FanoutStorage(Services services)
    : services_(std::move(services)), readers_(std::make_shared<const Readers>()) {}

Status FanoutStorage::Apply(std::span<const RemoteReadEnd> ends, const Labels& external_labels) {
  Readers next;
  if (!metrics_ && !ends.empty()) metrics_ = std::make_unique<ReadMetrics>(services_.registry);
  for (const RemoteReadEnd& end : ends) {
    VEDETTE_TRY(std::unique_ptr<HttpClient> client, services_.new_client(end.http));
    next.push_back(std::make_shared<const RemoteReader>(end, external_labels, std::move(client), *metrics_));
  }
  auto readers = std::make_shared<const Readers>(std::move(next));
  std::optional<storage::ChangeLog::Change> change;
  if (storage::ChangeLog* const log = services_.local.ChangesByTime()) change.emplace(*log, TimeMs::Min());
  const std::lock_guard lock(mutex_);
  readers_ = std::move(readers);
  return Ok();
}

storage::ChangeLog* FanoutStorage::ChangesByTime() const {
  const std::lock_guard lock(mutex_);
  return readers_->empty() ? services_.local.ChangesByTime() : nullptr;
}

std::unique_ptr<storage::Querier> FanoutStorage::NewQuerier(TimeRange range) const {
  std::shared_ptr<const Readers> readers;
  {
    const std::lock_guard lock(mutex_);
    readers = readers_;
  }
  auto local = services_.local.NewQuerier(range);
  if (readers->empty()) return local;
  const TimeMs local_start = services_.local_start();
  const bool asked = std::ranges::any_of(
      *readers, [&](const auto& reader) { return reader->end().read_recent || range.min < local_start; });
  if (!asked) return local;
  return std::make_unique<FanoutQuerier>(std::move(local), range, local_start, std::move(readers));
}

}  // namespace vedette::collector
