#include "storage/head/open_data.h"

#include <algorithm>

#include "core/numbers.h"

namespace vedette::storage {
namespace {

void AppendLate(const std::vector<LateSample>& late, std::uint64_t commit, Columns& out) {
  for (const LateSample& sample : late) {
    if (sample.commit > commit) continue;
    out.times.push_back(sample.time.ms);
    out.values.push_back(sample.value);
  }
}

}  // namespace

void OpenCopy::Decode(Columns& out) const {
  OpenChunk::Decode(bytes, count, out);
  AppendLate(late, UINT64_MAX, out);
}

OpenData::Added OpenData::Add(TimeMs time, double value, std::uint64_t commit, std::uint64_t oldest_reader) {
  if (empty()) first_commit_ = commit;
  if (!chunk_.empty() && time <= chunk_.last_time()) return AddLate(time, value, commit);
  if (late_) {
    // The chunk is empty or ends before `time`, but a late sample may have that very time.
    double there = 0;
    if (Find(time, there)) return AddLate(time, value, commit);
  }
  NoteCommit(commit, oldest_reader);
  chunk_.Append(time, value);
  return Added::kStored;
}

OpenData::Added OpenData::AddLate(TimeMs time, double value, std::uint64_t commit) {
  double there = 0;
  const bool found = Find(time, there);
  if (found && SameBits(there, value)) return Added::kDuplicate;
  if (found && SameBits(ResolveDuplicate(there, value), there)) return Added::kConflict;
  if (!late_) late_ = std::make_unique<std::vector<LateSample>>();
  late_->insert(std::ranges::upper_bound(*late_, time, {}, &LateSample::time), {time, value, commit});
  return found ? Added::kConflict : Added::kStored;
}

bool OpenData::Find(TimeMs time, double& value) const {
  bool found = false;
  const auto take = [&](double v) {
    value = found ? ResolveDuplicate(value, v) : v;
    found = true;
  };
  if (late_) {
    const auto same = std::ranges::equal_range(*late_, time, {}, &LateSample::time);
    for (const LateSample& sample : same) take(sample.value);
  }
  if (chunk_.empty() || time < chunk_.first_time() || time > chunk_.last_time()) return found;
  if (time == chunk_.last_time()) {
    take(chunk_.last_value());
    return true;
  }
  Columns columns;
  OpenChunk::Decode(chunk_.bytes(), chunk_.count(), columns);
  const auto at = std::ranges::lower_bound(columns.times, time.ms);
  if (*at == time.ms) take(columns.values[static_cast<std::size_t>(at - columns.times.begin())]);
  return found;
}

TimeRange OpenData::range() const {
  TimeRange range{TimeMs::Max(), TimeMs::Min()};
  if (!chunk_.empty()) range = {chunk_.first_time(), chunk_.last_time()};
  if (late_) {
    range.min = std::min(range.min, late_->front().time);
    range.max = std::max(range.max, late_->back().time);
  }
  return range;
}

void OpenData::NoteCommit(std::uint64_t commit, std::uint64_t oldest_reader) {
  if (commit == last_.commit) return;
  if (older_) {
    std::erase_if(*older_, [&](const Version& version) { return version.commit <= oldest_reader; });
    if (older_->empty()) older_.reset();
  }
  if (last_.commit > oldest_reader) {
    if (!older_) older_ = std::make_unique<std::vector<Version>>();
    older_->push_back(last_);
  }
  last_ = {commit, static_cast<std::uint32_t>(chunk_.count())};
}

std::size_t OpenData::Visible(std::uint64_t commit) const {
  if (last_.commit <= commit) return chunk_.count();
  if (older_) {
    const auto hidden = std::ranges::upper_bound(*older_, commit, {}, &Version::commit);
    if (hidden != older_->end()) return hidden->count_before;
  }
  return last_.count_before;
}

OpenCopy OpenData::Copy(std::uint64_t commit) const {
  OpenCopy copy;
  copy.count = Visible(commit);
  if (copy.count > 0) copy.bytes.assign(chunk_.bytes());
  if (late_) {
    std::ranges::copy_if(*late_, std::back_inserter(copy.late),
                         [&](const LateSample& s) { return s.commit <= commit; });
  }
  return copy;
}

void OpenData::Read(std::uint64_t commit, Columns& out) const {
  OpenChunk::Decode(chunk_.bytes(), Visible(commit), out);
  if (late_) AppendLate(*late_, commit, out);
}

}  // namespace vedette::storage
