#include "storage/head/commit_plan.h"

#include <algorithm>
#include <array>
#include <shared_mutex>

#include "storage/head/head.h"

namespace vedette::storage {
namespace {

/// So many series that came at the same time and have no group are made one. Fewer cost less one by one than the state
/// of a group and the overhead of its rows.
constexpr std::size_t kNewGroupSeries = 16;
/// A larger row becomes several groups; each has room for as many series again.
constexpr std::size_t kNewGroupMost = kMaxRowColumns / 2;

}  // namespace

CommitPlan::~CommitPlan() {
  if (applied_) return;
  for (RowGroup* group : claimed_) {
    if (std::ranges::any_of(drafts_.rows, [&](const RowDraft& draft) { return draft.group == group; })) group->Abort();
  }
}

std::size_t CommitPlan::samples() const {
  std::size_t out = singles_.size();
  for (const RowDraft& draft : drafts_.rows) out += draft.values;
  return out;
}

bool CommitPlan::Claim(RowGroup& group) {
  if (std::ranges::find(claimed_, &group) != claimed_.end()) return true;
  std::unique_lock lock(group.claim(), std::try_to_lock);
  if (!lock.owns_lock()) return false;
  locks_.push_back(std::move(lock));
  claimed_.push_back(&group);
  return true;
}

/// Waits for the groups of the first series of all rows. Nothing is claimed yet, so waiting in order is safe.
void CommitPlan::ClaimFirsts(const AppendBatch& batch) {
  {
    const std::shared_lock lock(head_.table().mutex());
    for (const AppendBatch::Row& row : batch.rows) {
      if (row.end - row.begin < 2) continue;
      if (RowGroup* group = head_.PlaceOf(batch.series[row.begin]).group) claimed_.push_back(group);
    }
  }
  std::ranges::sort(claimed_, {}, &RowGroup::number);
  const auto same = std::ranges::unique(claimed_);
  claimed_.erase(same.begin(), same.end());
  for (RowGroup* group : claimed_) locks_.emplace_back(group->claim());
}

void CommitPlan::TakeRepeats(AppendBatch& batch, TimeMs now) {
  ClaimFirsts(batch);
  std::erase_if(batch.rows, [&](const AppendBatch::Row& row) {
    const std::size_t n = row.end - row.begin;
    return TakeRepeat(
        {row.time, std::span(batch.series).subspan(row.begin, n), std::span(batch.values).subspan(row.begin, n)}, now);
  });
}

/// All of the row or nothing: a group that got a part of it could not take the rest any more.
bool CommitPlan::TakeRepeat(const Row& row, TimeMs now) {
  struct Match {
    RowGroup* group;
    std::size_t begin, size;
  };
  std::array<Match, 32> matches;
  std::size_t count = 0;
  for (std::size_t at = 0; at < row.ids.size();) {
    RowGroup* group = nullptr;
    {
      const std::shared_lock lock(head_.table().mutex());
      group = head_.PlaceOf(row.ids[at]).group;
    }
    if (group == nullptr || count == matches.size() || !Claim(*group) || !group->Accepts(row.time)) return false;
    const std::size_t size = group->MatchLast(row.ids.subspan(at));
    const auto before = std::span(matches).first(count);
    if (size == 0 || std::ranges::find(before, group, &Match::group) != before.end()) return false;
    matches[count++] = {group, at, size};
    at += size;
  }
  for (const Match& match : std::span(matches).first(count)) {
    match.group->Use(now);
    match.group->DraftLast(row.time, row.values.subspan(match.begin, match.size), head_.order().visible(), drafts_);
  }
  return true;
}

void CommitPlan::TakeRest(const AppendBatch& batch, TimeMs now) {
  for (const AppendBatch::Row& row : batch.rows) {
    const std::size_t n = row.end - row.begin;
    TakeRow({row.time, std::span(batch.series).subspan(row.begin, n), std::span(batch.values).subspan(row.begin, n)},
            now);
  }
}

void CommitPlan::AddSingle(const Row& row, std::uint32_t place) {
  singles_.Add(row.ids[place], row.time, row.values[place]);
}

void CommitPlan::TakeRow(const Row& row, TimeMs now) {
  Split(row);
  for (Part& part : parts_) {
    if (Fits(part, row)) continue;
    for (const auto& [place, column] : part.members) AddSingle(row, place);
    part.members.clear();
  }
  AddNewcomers(row);
  for (Part& part : parts_) {
    if (!part.members.empty()) DraftPart(part, row, now);
  }
}

/// Sorts the series of the row by group. Unknown ones are left to Head::Apply(), which counts them.
void CommitPlan::Split(const Row& row) {
  parts_.clear();
  newcomers_.clear();
  const std::shared_lock lock(head_.table().mutex());
  std::size_t last = 0;
  for (std::uint32_t i = 0; i < row.ids.size(); ++i) {
    const Placement place = head_.PlaceOf(row.ids[i]);
    if (place.series == nullptr) {
      AddSingle(row, i);
    } else if (place.group == nullptr) {
      newcomers_.emplace_back(i, place.series);
    } else {
      if (last >= parts_.size() || parts_[last].group != place.group) {
        const auto known = std::ranges::find(parts_, place.group, &Part::group);
        last = static_cast<std::size_t>(known - parts_.begin());
        if (known == parts_.end()) parts_.push_back({place.group, {}});
      }
      parts_[last].members.emplace_back(i, place.column);
    }
  }
}

/// Whether the part is worth a row of its group: at least half of what the last one had.
bool CommitPlan::Fits(const Part& part, const Row& row) {
  RowGroup& group = *part.group;
  if (!Claim(group) || !group.Accepts(row.time)) return false;
  if (2 * part.members.size() >= group.last_values()) return true;
  group.NoteRefused();
  return false;
}

/// Series without a group join the one that most of the row belongs to, or make one of their own.
void CommitPlan::AddNewcomers(const Row& row) {
  if (newcomers_.empty()) return;
  Part* home = nullptr;
  for (Part& part : parts_) {
    if (!part.members.empty() && (home == nullptr || part.members.size() > home->members.size())) home = &part;
  }
  const bool join = home != nullptr && home->members.size() >= newcomers_.size() &&
                    home->group->ids().size() + newcomers_.size() <= kMaxRowColumns;
  if (!join && newcomers_.size() < kNewGroupSeries) {
    for (const auto& [place, series] : newcomers_) AddSingle(row, place);
    return;
  }
  const std::shared_lock lock(head_.table().mutex());
  const std::size_t groups = join ? 1 : (newcomers_.size() + kNewGroupMost - 1) / kNewGroupMost;
  const std::size_t per_group = (newcomers_.size() + groups - 1) / groups;
  for (std::size_t i = 0; i < newcomers_.size(); ++i) {
    if (!join && i % per_group == 0) {
      RowGroup& fresh = head_.groups().Create();
      (void)Claim(fresh);  // nobody else knows it
      home = &parts_.emplace_back(Part{&fresh, {}});
    }
    const auto& [place, series] = newcomers_[i];
    // Refused when the row names the series twice, or another commit was faster.
    if (const auto column = head_.Join(*series, *home->group)) {
      home->members.emplace_back(place, *column);
    } else {
      AddSingle(row, place);
    }
  }
  if (join) std::ranges::sort(home->members);
}

void CommitPlan::DraftPart(Part& part, const Row& row, TimeMs now) {
  thread_local std::vector<std::uint16_t> columns;
  thread_local std::vector<double> values;
  thread_local std::vector<bool> seen;
  columns.clear();
  values.clear();
  seen.assign(part.group->ids().size(), false);
  for (const auto& [place, column] : part.members) {
    if (seen[column]) {
      AddSingle(row, place);
      continue;
    }
    seen[column] = true;
    columns.push_back(column);
    values.push_back(row.values[place]);
  }
  part.group->Use(now);
  part.group->Draft(row.time, columns, values, head_.order().visible(), drafts_);
}

}  // namespace vedette::storage
