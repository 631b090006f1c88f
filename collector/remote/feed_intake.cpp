#include "collector/remote/feed_intake.h"

#include <algorithm>

namespace vedette::collector {
namespace {

void Count(prometheus::Counter& counter, std::size_t n) {
  if (n != 0) counter.Increment(static_cast<double>(n));
}

}  // namespace

FeedIntake::FeedIntake(const RemoteWriteEnd& end, const Labels& external, const Clock& clock,
                       storage::FeedReader& reader, SendProgress progress, std::size_t series_bytes,
                       ShardSender& sender, SendMetrics& metrics, ShardPlan& plan)
    : end_(end),
      clock_(clock),
      reader_(reader),
      progress_(std::move(progress)),
      sender_(sender),
      metrics_(metrics),
      plan_(plan),
      series_(end, external, series_bytes) {}

Result<bool> FeedIntake::Next(bool discard) {
  if (!has_commit_) {
    VEDETTE_TRY(const bool more, reader_.Next(commit_));
    if (!more) return false;
    for (const std::uint64_t group : commit_.ended_groups) groups_.erase(group);
    Count(metrics_.dropped_lost, commit_.lost);
  }
  if (discard) {
    Discard();
    has_commit_ = false;
    return true;
  }
  has_commit_ = true;
  VEDETTE_CHECK(FindAll());
  VEDETTE_CHECK(TakeAll());
  has_commit_ = false;
  return true;
}

/// Makes the series of the commit known: this may fail and be tried again.
Status FeedIntake::FindAll() {
  for (const storage::FeedRow& row : commit_.rows) {
    if (row.group == 0) {
      singles_.clear();
      VEDETTE_CHECK(FindColumns(row, singles_));
      continue;
    }
    GroupColumns& group = groups_[row.group];
    if (group.version != row.columns_version) group.series.clear();
    group.version = row.columns_version;
    VEDETTE_CHECK(FindColumns(row, group.series));
  }
  for (const storage::FeedHistogram& item : commit_.histograms) VEDETTE_CHECK(FindSeries(item.series));
  for (const storage::FeedExemplar& item : commit_.exemplars) VEDETTE_CHECK(FindSeries(item.series));
  return Ok();
}

/// By time, so that the samples of a series go out in that order however the store has grouped them.
Status FeedIntake::TakeAll() {
  index_ = 0;
  relabelled_ = 0;
  oldest_ = end_.queue.sample_age_limit.count() > 0 ? (clock_.Now() - end_.queue.sample_age_limit).ms : INT64_MIN;
  exemplars_.clear();
  if (end_.send_exemplars) {
    for (storage::FeedExemplar& item : commit_.exemplars) {
      VEDETTE_TRY(OutgoingSeries* const series, FindSeries(item.series));
      exemplars_[series].push_back(std::move(item.exemplar));
    }
  }
  order_.clear();
  for (const storage::FeedRow& row : commit_.rows) order_.push_back({row.time.ms, &row, nullptr});
  for (storage::FeedHistogram& item : commit_.histograms) order_.push_back({item.time.ms, nullptr, &item});
  std::ranges::stable_sort(order_, {}, &Item::time);
  for (const Item& item : order_) {
    if (item.histogram != nullptr) {
      VEDETTE_CHECK(TakeHistogram(*item.histogram));
      continue;
    }
    VEDETTE_TRY(const std::span<OutgoingSeries* const> columns, ColumnsOf(*item.row));
    TakeRow(*item.row, columns);
  }
  TakeLonelyExemplars();
  Count(metrics_.dropped_relabelled, relabelled_);
  plan_.NoteIn(index_);
  plan_.NoteDropped(relabelled_);
  metrics_.highest_seen.Set(newest_ == INT64_MIN ? 0 : TimeMs(newest_).Seconds());
  return Ok();
}

Result<std::span<OutgoingSeries* const>> FeedIntake::ColumnsOf(const storage::FeedRow& row) {
  if (row.group != 0) {
    const GroupColumns& group = groups_[row.group];
    if (group.version == row.columns_version) return std::span<OutgoingSeries* const>(group.series);
  }
  // By itself, or the group got other columns within the commit.
  singles_.clear();
  VEDETTE_CHECK(FindColumns(row, singles_));
  return std::span<OutgoingSeries* const>(singles_);
}

Status FeedIntake::TakeHistogram(storage::FeedHistogram& item) {
  VEDETTE_TRY(OutgoingSeries* const series, FindSeries(item.series));
  const FeedPlace place{commit_.number, index_++};
  bool sent = end_.send_native_histograms && Wanted(series, item.time.ms) && !progress_.Has(series->hash, place);
  if (sent && end_.message == WriteMessage::kVersion1 && item.histogram.layout && item.histogram.layout->custom()) {
    Count(metrics_.dropped_unsupported, 1);
    sent = false;
  }
  if (sent) {
    OutgoingSample sample{series, item.time.ms, 0, {}, place.commit, place.index};
    sample.other = std::make_unique<std::variant<Histogram, storage::Exemplar>>(std::move(item.histogram));
    sender_.Push(std::move(sample));
  }
  if (!exemplars_.empty()) TakeExemplars(series, place, sent);
  return Ok();
}

/// Those that came with a sample go behind it, at the same place: with it or not at all.
void FeedIntake::TakeExemplars(OutgoingSeries* series, FeedPlace place, bool sent) {
  const auto found = exemplars_.find(series);
  if (found == exemplars_.end()) return;
  for (storage::Exemplar& exemplar : found->second) {
    if (!sent || !Wanted(series, exemplar.time.ms)) continue;
    OutgoingSample sample{series, exemplar.time.ms, 0, {}, place.commit, place.index};
    sample.other = std::make_unique<std::variant<Histogram, storage::Exemplar>>(std::move(exemplar));
    sender_.Push(std::move(sample));
  }
  exemplars_.erase(found);
}

/// Of series without a sample in the commit. The second message type has no place for them.
void FeedIntake::TakeLonelyExemplars() {
  if (end_.message == WriteMessage::kVersion2) {
    for (const auto& [series, exemplars] : exemplars_) Count(metrics_.dropped_unsupported, exemplars.size());
    exemplars_.clear();
    return;
  }
  const FeedPlace place{commit_.number, index_};
  while (!exemplars_.empty()) {
    OutgoingSeries* const series = exemplars_.begin()->first;
    TakeExemplars(series, place, !progress_.Has(series->hash, place));
  }
}

/// Brings `out`, one series per column, up to the columns of the row.
Status FeedIntake::FindColumns(const storage::FeedRow& row, std::vector<OutgoingSeries*>& out) {
  if (out.size() >= row.columns.size()) return Ok();
  std::vector<storage::SeriesId> missing;
  std::vector<std::size_t> places;
  for (std::size_t i = out.size(); i < row.columns.size(); ++i) {
    OutgoingSeries* const known = row.columns[i] == storage::SeriesId::kNone ? nullptr : series_.Find(row.columns[i]);
    out.push_back(known);
    if (known != nullptr || row.columns[i] == storage::SeriesId::kNone) continue;
    missing.push_back(row.columns[i]);
    places.push_back(i);
  }
  if (missing.empty()) return Ok();
  auto labels = reader_.LabelsOf(missing);
  if (!labels) {
    out.clear();
    return std::move(labels).error();
  }
  for (std::size_t i = 0; i < missing.size(); ++i) {
    OutgoingSeries* const added = series_.Find(missing[i]);  // twice in one row
    out[places[i]] = added != nullptr ? added : &series_.Add(missing[i], (*labels)[i]);
  }
  return Ok();
}

Result<OutgoingSeries*> FeedIntake::FindSeries(storage::SeriesId id) {
  if (OutgoingSeries* const known = series_.Find(id)) return known;
  VEDETTE_TRY(const std::vector<Labels> labels, reader_.LabelsOf(std::span(&id, 1)));
  return &series_.Add(id, labels.front());
}

bool FeedIntake::Wanted(OutgoingSeries* series, std::int64_t time) {
  newest_ = std::max(newest_, time);
  if (series->dropped) {
    if (series->unknown) {
      Count(metrics_.dropped_unknown, 1);
    } else {
      ++relabelled_;
    }
    return false;
  }
  series->used = true;
  series->last_commit = commit_.number;
  if (time >= oldest_) return true;
  Count(metrics_.dropped_too_old, 1);
  return false;
}

void FeedIntake::TakeRow(const storage::FeedRow& row, std::span<OutgoingSeries* const> columns) {
  const bool again = !progress_.empty();
  for (std::size_t i = 0; i < row.present.size(); ++i) {
    const FeedPlace place{commit_.number, index_++};
    OutgoingSeries* const series = columns[row.present[i]];
    if (series == nullptr) continue;
    const bool sent = Wanted(series, row.time.ms) && !(again && progress_.Has(series->hash, place));
    if (sent) sender_.Push({series, row.time.ms, row.values[i], {}, place.commit, place.index});
    if (!exemplars_.empty()) TakeExemplars(series, place, sent);
  }
}

void FeedIntake::Discard() {
  std::size_t count = commit_.histograms.size() + commit_.exemplars.size();
  for (const storage::FeedRow& row : commit_.rows) count += row.values.size();
  Count(metrics_.dropped_backlog, count);
}

void FeedIntake::Pass(std::uint64_t through) {
  progress_.Pass(through);
  // What is left after a sweep may wait for the end: not every reply is worth another one.
  if (!has_commit_ && series_.full() && series_.bytes() > swept_bytes_ + swept_bytes_ / 16) {
    series_.Sweep(through);
    groups_.clear();
    swept_bytes_ = series_.bytes();
  }
  metrics_.series.Set(static_cast<double>(series_.size()));
  metrics_.series_bytes.Set(static_cast<double>(series_.bytes()));
}

}  // namespace vedette::collector
