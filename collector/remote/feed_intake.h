// From the feed of the journal to the queues of an end: finds the series of each sample and drops what is not to be
// sent. One thread.
#pragma once

#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "collector/remote/outgoing_series.h"
#include "collector/remote/send_progress.h"
#include "collector/remote/shard_sender.h"
#include "storage/feed.h"

namespace vedette::collector {

class FeedIntake {
 public:
  FeedIntake(const RemoteWriteEnd& end, const Labels& external, const Clock& clock, storage::FeedReader& reader,
             SendProgress progress, std::size_t series_bytes, ShardSender& sender, SendMetrics& metrics,
             ShardPlan& plan);

  /// Gives the samples of the next commit to the sender, or with `discard` counts them as dropped for the backlog.
  /// False: there is none. Errors: of the feed.
  Result<bool> Next(bool discard);

  /// Everything up to this commit was given to the sender, or dropped: a commit that was read but could not be taken
  /// yet is not covered.
  std::uint64_t position() const { return has_commit_ ? commit_.number - 1 : reader_.position(); }
  /// Everything up to this commit is done.
  void Pass(std::uint64_t through);
  SendProgress& progress() { return progress_; }
  const OutgoingSeriesTable& series() const { return series_; }
  /// Newest time that was read, ms; INT64_MIN: none.
  std::int64_t newest() const { return newest_; }

 private:
  struct GroupColumns {
    std::uint64_t version = 0;
    std::vector<OutgoingSeries*> series;
  };

  Status FindAll();
  Status TakeAll();
  Result<std::span<OutgoingSeries* const>> ColumnsOf(const storage::FeedRow& row);
  Status TakeHistogram(storage::FeedHistogram& item);
  void TakeExemplars(OutgoingSeries* series, FeedPlace place, bool sent);
  void TakeLonelyExemplars();
  Status FindColumns(const storage::FeedRow& row, std::vector<OutgoingSeries*>& out);
  Result<OutgoingSeries*> FindSeries(storage::SeriesId id);
  void TakeRow(const storage::FeedRow& row, std::span<OutgoingSeries* const> columns);
  /// Whether a sample of the series goes to the sender; counts it when not.
  bool Wanted(OutgoingSeries* series, std::int64_t time);
  void Discard();

  const RemoteWriteEnd& end_;
  const Clock& clock_;
  storage::FeedReader& reader_;
  SendProgress progress_;
  ShardSender& sender_;
  SendMetrics& metrics_;
  ShardPlan& plan_;
  OutgoingSeriesTable series_;
  storage::FeedCommit commit_;
  std::unordered_map<std::uint64_t, GroupColumns> groups_;
  std::vector<OutgoingSeries*> singles_;
  // Of the commit that is taken.
  struct Item {
    std::int64_t time;
    const storage::FeedRow* row;  // or
    storage::FeedHistogram* histogram;
  };
  std::vector<Item> order_;
  std::unordered_map<OutgoingSeries*, std::vector<storage::Exemplar>> exemplars_;  // that wait for their sample
  bool has_commit_ = false;          // commit_ was read, but not taken yet
  std::size_t swept_bytes_ = 0;      // were left by the last sweep
  std::uint32_t index_ = 0;          // of the next sample within the commit
  std::int64_t oldest_ = INT64_MIN;  // ms: older samples are not sent
  std::int64_t newest_ = INT64_MIN;
  std::size_t relabelled_ = 0;  // dropped in this commit
};

}  // namespace vedette::collector
