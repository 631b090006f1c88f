#include "storage/head/open_histograms.h"

#include <algorithm>

#include "storage/chunk/histogram_codec.h"

namespace vedette::storage {

void OpenHistogramCopy::Decode(HistogramColumns& out) const {
  ByteReader in(bytes);
  Histogram last;
  for (std::size_t i = 0; i < times.size(); ++i) {
    // Own bytes in memory: they decode.
    if (!GetHistogram(in, i == 0 ? nullptr : &last, last)) break;
    out.times.push_back(times[i]);
    out.histograms.push_back(last);
  }
  for (const LateHistogram& sample : late) {
    out.times.push_back(sample.time.ms);
    out.histograms.push_back(sample.histogram);
  }
}

OpenHistograms::Added OpenHistograms::Add(TimeMs time, const Histogram& histogram, std::uint64_t commit) {
  if (!samples_.empty() && time.ms <= samples_.back().time) return AddLate(time, histogram, commit);
  if (!late_.empty() && time <= range_.max) return AddLate(time, histogram, commit);
  PutHistogram(histogram, samples_.empty() ? nullptr : &last_, bytes_);
  samples_.push_back({time.ms, commit, bytes_.size()});
  last_ = histogram;
  range_ = {std::min(range_.min, time), std::max(range_.max, time)};
  first_commit_ = std::min(first_commit_, commit);
  return Added::kStored;
}

OpenHistograms::Added OpenHistograms::AddLate(TimeMs time, const Histogram& histogram, std::uint64_t commit) {
  const Histogram* there = nullptr;
  for (const LateHistogram& sample : late_) {
    if (sample.time == time && (there == nullptr || CompareHistograms(*there, sample.histogram) < 0)) {
      there = &sample.histogram;
    }
  }
  OpenHistogramCopy copy;
  HistogramColumns decoded;
  const auto at = std::ranges::lower_bound(samples_, time.ms, {}, &Entry::time);
  if (at != samples_.end() && at->time == time.ms) {
    const auto place = static_cast<std::size_t>(at - samples_.begin());
    if (place + 1 == samples_.size()) {
      if (there == nullptr || CompareHistograms(*there, last_) < 0) there = &last_;
    } else {
      copy.bytes = bytes_.substr(0, at->end);
      for (std::size_t i = 0; i <= place; ++i) copy.times.push_back(samples_[i].time);
      copy.Decode(decoded);
      const Histogram& found = decoded.histograms.back();
      if (there == nullptr || CompareHistograms(*there, found) < 0) there = &found;
    }
  }
  if (there != nullptr) {
    const auto order = CompareHistograms(*there, histogram);
    if (order == 0) return Added::kDuplicate;
    if (order > 0) return Added::kConflict;
  }
  const Added added = there == nullptr ? Added::kStored : Added::kConflict;
  late_.push_back({time, histogram, commit});
  range_ = {std::min(range_.min, time), std::max(range_.max, time)};
  first_commit_ = std::min(first_commit_, commit);
  return added;
}

OpenHistogramCopy OpenHistograms::Copy(std::uint64_t commit) const {
  OpenHistogramCopy copy;
  const auto end = std::ranges::upper_bound(samples_, commit, {}, &Entry::commit);
  if (end != samples_.begin()) copy.bytes = bytes_.substr(0, std::prev(end)->end);
  for (auto at = samples_.begin(); at != end; ++at) copy.times.push_back(at->time);
  std::ranges::copy_if(late_, std::back_inserter(copy.late),
                       [&](const LateHistogram& sample) { return sample.commit <= commit; });
  return copy;
}

}  // namespace vedette::storage
