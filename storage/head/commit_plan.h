// How the samples of one commit are going to be stored: as rows of groups where a group's series come together, one by
// one where they do not.
//
// The plan claims the groups it codes rows for, so that their rows are in the journal in the order in which they are in
// memory. Claims are taken in the order of the groups' numbers before the commit takes its number, or only tried: two
// commits never wait for each other. One thread; the commit gate is held, so that no series leaves memory.
#pragma once

#include <cstdint>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "storage/append_batch.h"
#include "storage/head/row_group.h"

namespace vedette::storage {

class Head;
struct HeadSeries;

class CommitPlan {
 public:
  explicit CommitPlan(Head& head) : head_(head) {}
  /// Takes the drafts back unless they were applied.
  ~CommitPlan();
  CommitPlan(const CommitPlan&) = delete;
  CommitPlan& operator=(const CommitPlan&) = delete;

  /// Drafts rows whose series are those of the last rows of groups, in their order, and takes them out of `batch`. The
  /// usual case: it looks at one series per group.
  void TakeRepeats(AppendBatch& batch, TimeMs now);
  /// Plans what is left. All series are in memory or unknown.
  void TakeRest(const AppendBatch& batch, TimeMs now);

  const RowDrafts& drafts() const { return drafts_; }
  const AppendBatch& singles() const { return singles_; }
  std::size_t samples() const;
  bool empty() const { return drafts_.rows.empty() && singles_.empty(); }

 private:
  friend class Head;
  /// Series of a row that are in the same group.
  struct Part {
    RowGroup* group = nullptr;
    std::vector<std::pair<std::uint32_t, std::uint16_t>> members;  // place in the row, column
  };
  struct Row {
    TimeMs time;
    std::span<const SeriesId> ids;
    std::span<const double> values;
  };

  void ClaimFirsts(const AppendBatch& batch);
  bool Claim(RowGroup& group);
  bool TakeRepeat(const Row& row, TimeMs now);
  void TakeRow(const Row& row, TimeMs now);
  void Split(const Row& row);
  void AddNewcomers(const Row& row);
  bool Fits(const Part& part, const Row& row);
  void DraftPart(Part& part, const Row& row, TimeMs now);
  void AddSingle(const Row& row, std::uint32_t place);

  Head& head_;
  std::vector<std::unique_lock<std::mutex>> locks_;
  std::vector<RowGroup*> claimed_;
  RowDrafts drafts_;
  AppendBatch singles_;
  bool applied_ = false;
  // Of TakeRow().
  std::vector<Part> parts_;
  std::vector<std::pair<std::uint32_t, HeadSeries*>> newcomers_;  // without a group
};

}  // namespace vedette::storage
