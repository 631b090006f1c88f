#include "storage/index/label_index.h"

#include <algorithm>
#include <string>
#include <utility>

#include "storage/index/top_list.h"

namespace vedette::storage {
namespace {

/// New series of which queries that ran before learn one by one; after more they start anew.
constexpr std::ptrdiff_t kRememberedIds = 32'768;

}  // namespace

void LabelIndex::NoteAdded(SeriesId id) {
  ++additions_;
  if (recent_.size() >= std::size_t{2} * kRememberedIds) recent_.erase(recent_.begin(), recent_.end() - kRememberedIds);
  recent_.push_back(id);
}

void LabelIndex::Add(SeriesId id, std::span<const PairId> pairs) {
  all_.Add(id);
  NoteAdded(id);
  for (const PairId pair : pairs) pairs_.ids(pair).Add(id);
}

void LabelIndex::Adder::Add(SeriesId id, std::span<const PairId> pairs) {
  if (Raw(id) != end_) {
    Finish();
    first_ = Raw(id);
  }
  // Those that end before those that begin: a set must get its runs in order, and a label may change its place.
  const std::size_t common = std::min(runs_.size(), pairs.size());
  for (std::size_t i = 0; i < runs_.size(); ++i) {
    if (i >= common || runs_[i].pair != pairs[i]) Close(runs_[i]);
  }
  runs_.resize(common);
  for (std::size_t i = 0; i < common; ++i) {
    if (runs_[i].pair != pairs[i]) runs_[i] = {pairs[i], Raw(id)};
  }
  for (const PairId pair : pairs.subspan(common)) runs_.push_back({pair, Raw(id)});
  end_ = Raw(id) + 1;
  index_.NoteAdded(id);
}

void LabelIndex::Adder::Close(const Run& run) {
  index_.pairs_.ids(run.pair).AddRun(SeriesId(run.first), static_cast<std::uint32_t>(end_ - run.first));
}

void LabelIndex::Adder::Finish() {
  for (const Run& run : runs_) Close(run);
  runs_.clear();
  if (end_ > first_) index_.all_.AddRun(SeriesId(first_), static_cast<std::uint32_t>(end_ - first_));
  first_ = end_ = 0;
}

void LabelIndex::Add(SeriesId id, const Labels& labels) {
  std::vector<PairId> pairs;
  for (const LabelView label : labels) pairs.push_back(Intern(label));
  Add(id, pairs);
}

void LabelIndex::Remove(std::span<const SeriesId> ids, std::vector<PairId> touched) {
  std::ranges::sort(touched);
  touched.erase(std::unique(touched.begin(), touched.end()), touched.end());
  all_.Remove(ids);
  for (const PairId pair : touched) pairs_.ids(pair).Remove(ids);
  pairs_.Sweep(touched);
}

void LabelIndex::Remove(std::span<const SeriesEntry> series) {
  Postings ids;
  std::vector<PairId> touched;
  for (const SeriesEntry& entry : series) {
    ids.push_back(entry.id);
    for (const LabelView label : entry.labels) {
      const PairId pair = pairs_.Find(label.name, label.value);
      if (pair != PairId::kNone) touched.push_back(pair);
    }
  }
  Normalize(ids);
  Remove(ids, std::move(touched));
}

void LabelIndex::FillStats(std::size_t top, StoreStats& stats) const {
  TopList by_metric(top), by_label(top), bytes(top), by_pair(top);
  stats.label_pairs = pairs_.size();
  for (const std::string_view name : pairs_.Names()) {
    std::uint64_t label_bytes = 0;
    const LabelPairs::Sorted values = pairs_.Values(name);
    for (const PairId pair : *values) {
      const std::string_view value = pairs_.View(pair).value;
      const std::uint64_t count = pairs_.ids(pair).size();
      label_bytes += (name.size() + value.size()) * count;
      by_pair.Offer(count, name, value);
      if (name == kMetricName) by_metric.Offer(count, value);
    }
    by_label.Offer(values->size(), name);
    bytes.Offer(label_bytes, name);
  }
  stats.series_by_metric = by_metric.Take();
  stats.values_by_label = by_label.Take();
  stats.bytes_by_label = bytes.Take();
  stats.series_by_pair = by_pair.Take();
}

std::optional<std::span<const SeriesId>> LabelIndex::AddedSince(std::uint64_t additions) const {
  const std::uint64_t count = additions_ - additions;
  if (count > recent_.size()) return std::nullopt;
  return std::span(recent_).last(static_cast<std::size_t>(count));
}

Result<std::size_t> LabelIndex::SeriesCount(std::string_view name, std::string_view value) const {
  const PairId pair = pairs_.Find(name, value);
  return pair == PairId::kNone ? 0 : pairs_.ids(pair).size();
}

Status LabelIndex::All(Postings& out) const {
  all_.AppendTo(out);
  return Ok();
}

Status LabelIndex::WithLabel(std::string_view name, std::string_view value, Postings& out) const {
  const PairId pair = pairs_.Find(name, value);
  if (pair != PairId::kNone) pairs_.ids(pair).AppendTo(out);
  return Ok();
}

Status LabelIndex::WithValues(std::string_view name, std::string_view prefix, const AcceptValue& accept,
                              Postings& out) const {
  const LabelPairs::Sorted values = pairs_.Values(name);
  if (!values) return Ok();
  const auto value_of = [&](PairId pair) { return pairs_.View(pair).value; };
  for (auto at = std::ranges::lower_bound(*values, prefix, {}, value_of); at != values->end(); ++at) {
    const std::string_view value = value_of(*at);
    if (!value.starts_with(prefix)) break;
    if (accept(value)) pairs_.ids(*at).AppendTo(out);
  }
  return Ok();
}

std::size_t LabelIndex::ValueCount(std::string_view name) const { return pairs_.ValueCount(name); }

Status LabelIndex::VisitNames(const AcceptValue& visit) const {
  for (const std::string_view name : pairs_.Names()) {
    if (!visit(name)) break;
  }
  return Ok();
}

Status LabelIndex::VisitValues(std::string_view name, const AcceptValue& visit) const {
  const LabelPairs::Sorted values = pairs_.Values(name);
  if (!values) return Ok();
  for (const PairId pair : *values) {
    if (!visit(pairs_.View(pair).value)) break;
  }
  return Ok();
}

}  // namespace vedette::storage
