#include <algorithm>
#include <array>
#include <chrono>
#include <deque>
#include <mutex>
#include <numeric>
#include <set>
#include <shared_mutex>
#include <unordered_map>

#include "core/log.h"
#include "storage/coding.h"
#include "storage/head/row_codec.h"
#include "storage/rocks/engine.h"
#include "storage/rocks/fact_keys.h"
#include "storage/rocks/feeds.h"
#include "storage/rocks/journal_record.h"
#include "storage/rocks/keys.h"
#include "storage/rocks/label_reader.h"

namespace vedette::storage {
namespace {

/// Records that are read with one iterator: it keeps memtables and files from going.
constexpr std::size_t kIteratorRecords = 4096;
/// How often blocks that were sealed are looked for.
constexpr std::chrono::seconds kForgetEvery{10};
/// Rows of single samples are handed out in pieces of so many: places of columns have 16 bits.
constexpr std::size_t kSinglesPiece = kMaxRowColumns;
/// Reads that fail at one place before it counts as damaged, when RocksDB does not say so itself.
constexpr int kMostFailures = 12;

/// The rows of a group from one sealing to the next, as far as they were read.
struct FeedBlock {
  std::uint64_t opened = 0;  // the commit with its first row
  std::uint64_t group = 0;
  std::uint64_t version = 0;
  std::uint64_t rows = 0;
  /// Shared with the rows of the last commit.
  std::shared_ptr<std::vector<SeriesId>> ids = std::make_shared<std::vector<SeriesId>>();
  RowReader reader;
};

class RocksFeedReader final : public FeedReader {
 public:
  RocksFeedReader(Engine& engine, std::string name, FeedPosition position)
      : engine_(engine), name_(std::move(name)), start_(std::move(position)), position_(start_.through) {}

  const std::string& saved() const override { return start_.note; }
  std::uint64_t position() const override { return position_; }
  Result<bool> Next(FeedCommit& out) override;
  Result<std::vector<Labels>> LabelsOf(std::span<const SeriesId> series) override;
  Status Save(std::uint64_t through, std::string_view note) override;
  void Rest() override {
    at_.reset();
    exemplars_at_.reset();
  }
  std::uint64_t BacklogBytes() const override;
  std::uint64_t BacklogCommits() const override {
    const std::uint64_t visible = engine_.head.order().visible();
    return visible - std::min(visible, position_);
  }
  std::int64_t RoomBytes() const override { return engine_.guard.RoomToWait(); }

 private:
  Status Prepare();
  bool IsDamage(const rocksdb::Status& status);
  Result<bool> Open();
  Result<bool> Advance(FeedCommit& out);
  void CaughtUp();
  Status Take(std::uint64_t commit, std::string_view bytes, FeedCommit* out);
  void TakeRow(const RowPart& part, std::uint64_t commit, FeedCommit* out);
  void OpenBlock(const RowPart& part, std::uint64_t commit);
  /// Returns its group when that has no other block.
  std::optional<std::uint64_t> EndBlock(std::uint64_t number, std::uint64_t commit);
  void EndForGood(std::uint64_t number, std::uint64_t commit);
  void TakeSingles(FeedCommit& out);
  Status TakeExemplars(FeedCommit& out);
  void SetSpans(FeedCommit& out);
  std::uint64_t BaseOf(std::uint64_t through);

  Engine& engine_;
  const std::string name_;
  const FeedPosition start_;
  std::uint64_t position_;
  bool prepared_ = false;
  int failures_ = 0;        // reads, one behind the other
  std::uint64_t step_ = 1;  // commits to pass over at the next damage; doubles until there is something to read
  std::size_t passed_ = 0;  // commits that could not be read, about: to be told with the next one
  std::unique_ptr<rocksdb::Iterator> at_, exemplars_at_;
  std::uint64_t visible_ = 0;  // of at_
  std::size_t records_ = 0;    // read with at_

  std::unordered_map<std::uint64_t, FeedBlock> blocks_;        // by number
  std::unordered_map<std::uint64_t, std::uint64_t> of_group_;  // the block that is open
  std::uint64_t last_version_ = 0;
  struct Ended {
    std::uint64_t at, opened;  // commits
  };
  std::deque<Ended> ended_;                  // blocks that a Save() may still have to keep, by `at`
  std::vector<std::uint64_t> ended_groups_;  // to be told with the next commit
  /// Once position_ is `at`, blocks opened before `needed` have no more rows.
  struct Forget {
    std::uint64_t at = 0, needed = 0;
  };
  std::optional<Forget> forget_;
  std::chrono::steady_clock::time_point last_forget_{};

  JournalRecord record_;
  // What the spans of the last FeedCommit view.
  std::vector<std::uint16_t> columns_;
  std::vector<double> values_;
  struct Piece {
    std::size_t begin, end;
    std::shared_ptr<const std::vector<SeriesId>> ids;
    std::size_t columns;
  };
  std::vector<Piece> pieces_;
};

const std::array<std::uint16_t, kSinglesPiece>& AllPlaces() {
  static const auto places = [] {
    std::array<std::uint16_t, kSinglesPiece> out{};
    std::iota(out.begin(), out.end(), std::uint16_t{0});
    return out;
  }();
  return places;
}

Result<std::uint64_t> CommitOf(const rocksdb::Iterator& at) {
  const std::string_view key = ToView(at.key());
  if (key.size() != 12) return Fail(Code::kCorruption, "journal: key of {} bytes instead of 12", key.size());
  return GetBigEndian<std::uint64_t>(key);
}

/// Whether it is of no use to read there again.
bool RocksFeedReader::IsDamage(const rocksdb::Status& status) {
  return status.IsCorruption() || (!status.ok() && ++failures_ >= kMostFailures);
}

/// Reads what comes before the position, from which the rows behind it are decoded. Where that is damaged, rows behind
/// it are lost until the blocks they belong to end; that is better than to fail for ever.
Status RocksFeedReader::Prepare() {
  blocks_.clear();
  of_group_.clear();
  ended_.clear();
  ended_groups_.clear();
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  options.readahead_size = 1 << 20;
  const auto at = engine_.database->NewIterator(options, Family::kJournal);
  std::size_t damaged = 0;
  std::uint64_t next = start_.base, step = 1;
  while (next <= position_) {
    for (at->Seek(JournalKey(next, 0)); at->Valid(); at->Next()) {
      const auto commit = CommitOf(*at);
      if (commit && *commit > position_) break;
      if (commit) next = *commit + 1;
      if (!commit || !Take(*commit, ToView(at->value()), nullptr)) ++damaged;
    }
    if (at->status().ok()) break;
    if (!IsDamage(at->status())) return ToError(at->status(), "read of the journal");
    ++damaged;
    next += step;
    step *= 2;
  }
  if (damaged > 0) {
    LogError("storage", "the journal is damaged in front of a feed, which may lose samples", {{"places", damaged}});
  }
  failures_ = 0;
  prepared_ = true;
  return Ok();
}

/// False: there is nothing to read.
Result<bool> RocksFeedReader::Open() {
  visible_ = engine_.head.order().visible();
  if (position_ >= visible_) return false;
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  options.readahead_size = 256 << 10;
  at_ = engine_.database->NewIterator(options, Family::kJournal);
  at_->Seek(JournalKey(position_ + 1, 0));
  if (engine_.feeds.WantExemplars()) {
    exemplars_at_ = engine_.database->NewIterator(options, Family::kFacts);
    exemplars_at_->Seek(NumberKey(kFeedTag, position_ + 1));
  }
  records_ = 0;
  return true;
}

Result<bool> RocksFeedReader::Next(FeedCommit& out) {
  out.rows.clear();
  out.histograms.clear();
  out.exemplars.clear();
  out.lost = 0;
  if (!prepared_) VEDETTE_CHECK(Prepare());
  for (;;) {
    if (at_ && records_ >= kIteratorRecords) Rest();
    if (!at_) {
      VEDETTE_TRY(const bool more, Open());
      if (!more) {
        CaughtUp();
        return false;
      }
    }
    VEDETTE_TRY(const bool found, Advance(out));
    if (found) return true;
    if (at_ == nullptr && step_ > 1 && position_ < visible_) continue;  // past damage
    position_ = visible_;                                               // of the iterator: there may be more by now
  }
}

/// False: the iterator has no more, and is gone.
Result<bool> RocksFeedReader::Advance(FeedCommit& out) {
  for (; at_->Valid(); at_->Next()) {
    const auto found = CommitOf(*at_);
    if (!found) {
      ++passed_;
      continue;
    }
    const std::uint64_t commit = *found;
    if (commit > visible_) break;
    ++records_;
    columns_.clear();
    values_.clear();
    pieces_.clear();
    const Status taken = Take(commit, ToView(at_->value()), &out);
    if (taken && record_.kind != RecordKind::kCommit) continue;
    position_ = commit;
    at_->Next();
    failures_ = 0;
    step_ = 1;
    if (!taken) {
      ++passed_;
      return Annotate(fmt::format("journal record of commit {}", commit), taken.error());
    }
    out.number = commit;
    out.lost += std::exchange(passed_, 0);
    out.ended_groups = std::exchange(ended_groups_, {});
    SetSpans(out);
    if (const Status exemplars = TakeExemplars(out); !exemplars) {
      // No reason to lose samples.
      LogWarn("storage", "exemplars of a commit are not passed on", {{"reason", exemplars.error()}});
      exemplars_at_.reset();
    }
    return true;
  }
  const rocksdb::Status status = at_->status();
  Rest();
  if (status.ok()) {
    step_ = 1;
    return false;
  }
  if (!IsDamage(status)) return ToError(status, "read of the journal");
  const std::uint64_t passes = std::min(step_, visible_ - position_);
  LogError("storage", "the journal is damaged, a feed passes over commits",
           {{"after", position_}, {"commits", passes}, {"reason", ToError(status, "read of the journal")}});
  position_ += passes;
  passed_ += passes;
  step_ *= 2;
  return false;
}

/// Blocks whose end was not seen: the record of their sealing may lie before the position.
void RocksFeedReader::CaughtUp() {
  if (forget_ && position_ >= forget_->at) {
    std::vector<std::uint64_t> gone;
    for (const auto& [number, block] : blocks_) {
      if (block.opened < forget_->needed) gone.push_back(number);
    }
    for (const std::uint64_t number : gone) EndForGood(number, position_);
    forget_.reset();
  }
  const auto now = std::chrono::steady_clock::now();
  if (forget_ || now - last_forget_ < kForgetEvery) return;
  last_forget_ = now;
  // In this order: what `needed` does not cover was sealed, with rows of commits that are visible by now.
  std::uint64_t needed = 0;
  {
    const std::shared_lock lock(engine_.head.table().mutex());
    needed = engine_.head.OldestNeededCommit();
  }
  const std::uint64_t visible = engine_.head.order().visible();
  forget_ = Forget{visible, std::min(needed, visible + 1)};
}

Status RocksFeedReader::Take(std::uint64_t commit, std::string_view bytes, FeedCommit* out) {
  VEDETTE_CHECK(DecodeRecord(bytes, record_));
  if (record_.kind == RecordKind::kSealed) {
    for (const std::uint64_t block : record_.sealed_blocks) EndForGood(block, commit);
  }
  if (record_.kind != RecordKind::kCommit) return Ok();
  for (const RowPart& part : record_.rows) TakeRow(part, commit, out);
  if (out != nullptr) TakeSingles(*out);
  return Ok();
}

void RocksFeedReader::OpenBlock(const RowPart& part, std::uint64_t commit) {
  std::uint64_t version = 0;
  if (const auto before = of_group_.find(part.group); before != of_group_.end()) {
    const FeedBlock& old = blocks_.at(before->second);
    // The usual case: the same columns again.
    if (part.ids.size() >= old.ids->size() && std::equal(old.ids->begin(), old.ids->end(), part.ids.begin())) {
      version = old.version;
    }
    EndBlock(before->second, commit);
  }
  EndBlock(part.block, commit);  // a number of long ago
  FeedBlock& block = blocks_[part.block];
  block.opened = commit;
  block.group = part.group;
  block.version = version != 0 ? version : ++last_version_;
  of_group_[part.group] = part.block;
}

std::optional<std::uint64_t> RocksFeedReader::EndBlock(std::uint64_t number, std::uint64_t commit) {
  const auto found = blocks_.find(number);
  if (found == blocks_.end()) return std::nullopt;
  if (commit > start_.through) ended_.push_back({std::max(commit, position_), found->second.opened});
  const std::uint64_t group = found->second.group;
  blocks_.erase(found);
  const auto open = of_group_.find(group);
  if (open == of_group_.end() || open->second != number) return std::nullopt;
  of_group_.erase(open);
  return group;
}

void RocksFeedReader::EndForGood(std::uint64_t number, std::uint64_t commit) {
  if (const auto group = EndBlock(number, commit)) ended_groups_.push_back(*group);
}

void RocksFeedReader::TakeRow(const RowPart& part, std::uint64_t commit, FeedCommit* out) {
  if (part.opens_block) OpenBlock(part, commit);
  const auto found = blocks_.find(part.block);
  // Before the position: of a block that had ended by then.
  const auto lose = [&] {
    if (out != nullptr) out->lost += ValidateRow(part.row, kMaxRowColumns) ? RowValues(part.row, 0) : 1;
  };
  if (found == blocks_.end()) return lose();
  FeedBlock& block = found->second;
  std::vector<SeriesId>& ids = *block.ids;
  const std::size_t columns = ids.size() + part.ids.size();
  const bool follows = part.ordinal == block.rows && (part.ids.empty() || part.first_column == ids.size()) &&
                       columns <= kMaxRowColumns && ValidateRow(part.row, columns);
  if (!follows) {
    EndForGood(part.block, commit);
    return lose();
  }
  ids.insert(ids.end(), part.ids.begin(), part.ids.end());
  ++block.rows;
  block.reader.Take(part.row);
  if (out == nullptr) return;
  const std::size_t begin = values_.size();
  block.reader.Values(columns_, values_);
  pieces_.push_back({begin, values_.size(), block.ids, ids.size()});
  FeedRow& row = out->rows.emplace_back();
  row.time = part.time;
  row.group = block.group;
  row.columns_version = block.version;
}

void RocksFeedReader::TakeSingles(FeedCommit& out) {
  AppendBatch& singles = record_.singles;
  for (AppendBatch::HistogramSample& sample : singles.histograms) {
    out.histograms.push_back({sample.series, sample.time, std::move(sample.histogram)});
  }
  for (const AppendBatch::Row& row : singles.rows) {
    for (std::size_t begin = row.begin; begin < row.end; begin += kSinglesPiece) {
      const std::size_t n = std::min(kSinglesPiece, row.end - begin);
      FeedRow& piece = out.rows.emplace_back();
      piece.time = row.time;
      piece.group = 0;
      piece.columns_version = 0;
      piece.columns = std::span(singles.series).subspan(begin, n);
      piece.present = std::span(AllPlaces()).first(n);
      piece.values = std::span(singles.values).subspan(begin, n);
    }
  }
}

/// The vectors do not grow any more.
void RocksFeedReader::SetSpans(FeedCommit& out) {
  for (std::size_t i = 0; i < pieces_.size(); ++i) {
    const Piece& piece = pieces_[i];
    FeedRow& row = out.rows[i];  // rows of groups come first
    row.columns = std::span(*piece.ids).first(piece.columns);
    row.present = std::span(columns_).subspan(piece.begin, piece.end - piece.begin);
    row.values = std::span(values_).subspan(piece.begin, piece.end - piece.begin);
  }
}

Status RocksFeedReader::TakeExemplars(FeedCommit& out) {
  if (!exemplars_at_) return Ok();
  for (; exemplars_at_->Valid(); exemplars_at_->Next()) {
    const auto commit = ParseNumberKey(kFeedTag, ToView(exemplars_at_->key()));
    if (!commit || *commit > out.number) break;
    if (*commit == out.number) VEDETTE_CHECK(DecodeFeedExemplars(ToView(exemplars_at_->value()), out.exemplars));
  }
  if (!exemplars_at_->status().ok()) return ToError(exemplars_at_->status(), "read of exemplars");
  return Ok();
}

Result<std::vector<Labels>> RocksFeedReader::LabelsOf(std::span<const SeriesId> series) {
  std::vector<SeriesId> ids(series.begin(), series.end());
  Normalize(ids);
  VEDETTE_TRY(const std::vector<Labels> labels, ReadLabels(engine_, ids, nullptr));
  std::vector<Labels> out(series.size());
  for (std::size_t i = 0; i < series.size(); ++i) {
    out[i] = labels[static_cast<std::size_t>(std::ranges::lower_bound(ids, series[i]) - ids.begin())];
  }
  return out;
}

/// The first record that a reader needs that goes on behind `through`.
std::uint64_t RocksFeedReader::BaseOf(std::uint64_t through) {
  if (!prepared_) return std::min(start_.base, through + 1);
  while (!ended_.empty() && ended_.front().at <= through) ended_.pop_front();
  std::uint64_t base = through + 1;
  for (const Ended& block : ended_) base = std::min(base, block.opened);
  for (const auto& [number, block] : blocks_) base = std::min(base, block.opened);
  return base;
}

Status RocksFeedReader::Save(std::uint64_t through, std::string_view note) {
  return engine_.feeds.Set(name_, {through, BaseOf(through), std::string(note)});
}

std::uint64_t RocksFeedReader::BacklogBytes() const {
  const std::string from = JournalKey(position_ + 1, 0), to = JournalKey(UINT64_MAX, UINT32_MAX);
  const rocksdb::Range range(from, to);
  std::uint64_t size = 0;
  rocksdb::SizeApproximationOptions options;
  options.include_memtables = true;
  options.include_files = true;
  const rocksdb::Status status =
      engine_.database->db().GetApproximateSizes(options, engine_.database->family(Family::kJournal), &range, 1, &size);
  return status.ok() ? size : 0;
}

}  // namespace

Result<std::unique_ptr<FeedReader>> NewFeedReader(Engine& engine, std::string_view name) {
  // Nothing is dropped from the journal meanwhile.
  const std::lock_guard lock(engine.maintenance_mutex);
  FeedPosition position;
  // Numbers of commits that failed may be given again after a restart: a position behind all that is there is none.
  const std::uint64_t visible = engine.head.order().visible();
  if (engine.feeds.Find(name, position)) {
    position.through = std::min(position.through, visible);
  } else {
    const std::shared_lock table_lock(engine.head.table().mutex());
    position.through = visible;
    position.base = std::min(engine.head.OldestNeededCommit(), visible + 1);
  }
  VEDETTE_CHECK(engine.feeds.Set(std::string(name), position));
  return std::unique_ptr<FeedReader>(std::make_unique<RocksFeedReader>(engine, std::string(name), std::move(position)));
}

}  // namespace vedette::storage
