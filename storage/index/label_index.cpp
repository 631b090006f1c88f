#include "storage/index/label_index.h"

#include <algorithm>
#include <set>
#include <unordered_set>
#include <utility>

namespace vedette::storage {
namespace {

void Insert(Postings& postings, SeriesId id) {
  if (postings.empty() || postings.back() < id) {
    postings.push_back(id);
    return;
  }
  const auto at = std::ranges::lower_bound(postings, id);
  if (at == postings.end() || *at != id) postings.insert(at, id);
}

/// Keeps the `top` largest counts, then by name.
class TopList {
 public:
  explicit TopList(std::size_t top) : top_(top) {}
  void Offer(std::uint64_t count, std::string name) {
    list_.emplace_back(std::move(name), count);
    if (list_.size() >= 2 * top_ + 64) Cut();
  }
  StoreStats::Top Take() {
    Cut();
    return std::move(list_);
  }

 private:
  void Cut() {
    std::ranges::sort(list_, [](const auto& a, const auto& b) {
      return a.second != b.second ? a.second > b.second : a.first < b.first;
    });
    if (list_.size() > top_) list_.resize(top_);
  }
  std::size_t top_;
  StoreStats::Top list_;
};

}  // namespace

void LabelIndex::Add(SeriesId id, const Labels& labels) {
  Insert(all_, id);
  for (const LabelView label : labels) {
    auto name = names_.lower_bound(label.name);
    if (name == names_.end() || name->first != label.name) name = names_.emplace_hint(name, label.name, Values());
    auto value = name->second.lower_bound(label.value);
    if (value == name->second.end() || value->first != label.value) {
      value = name->second.emplace_hint(value, label.value, Postings());
      ++pairs_;
    }
    Insert(value->second, id);
  }
}

void LabelIndex::Remove(std::span<const SeriesEntry> series) {
  if (series.empty()) return;
  std::unordered_set<SeriesId> gone;
  std::set<LabelView> touched;  // views into the label sets of `series`
  for (const SeriesEntry& entry : series) {
    gone.insert(entry.id);
    for (const LabelView label : entry.labels) touched.insert(label);
  }
  const auto is_gone = [&](SeriesId id) { return gone.contains(id); };
  std::erase_if(all_, is_gone);
  for (const LabelView label : touched) {
    const auto name = names_.find(label.name);
    if (name == names_.end()) continue;
    const auto value = name->second.find(label.value);
    if (value == name->second.end()) continue;
    std::erase_if(value->second, is_gone);
    if (!value->second.empty()) continue;
    name->second.erase(value);
    --pairs_;
    if (name->second.empty()) names_.erase(name);
  }
}

void LabelIndex::FillStats(std::size_t top, StoreStats& stats) const {
  TopList by_metric(top), by_label(top), bytes(top), by_pair(top);
  stats.label_pairs = pairs_;
  for (const auto& [name, values] : names_) {
    std::uint64_t label_bytes = 0;
    for (const auto& [value, ids] : values) {
      label_bytes += (name.size() + value.size()) * ids.size();
      by_pair.Offer(ids.size(), name + "=" + value);
      if (name == kMetricName) by_metric.Offer(ids.size(), value);
    }
    by_label.Offer(values.size(), name);
    bytes.Offer(label_bytes, name);
  }
  stats.series_by_metric = by_metric.Take();
  stats.values_by_label = by_label.Take();
  stats.bytes_by_label = bytes.Take();
  stats.series_by_pair = by_pair.Take();
}

Status LabelIndex::All(Postings& out) const {
  out.insert(out.end(), all_.begin(), all_.end());
  return Ok();
}

Status LabelIndex::WithLabel(std::string_view name, std::string_view value, Postings& out) const {
  const auto values = names_.find(name);
  if (values == names_.end()) return Ok();
  const auto postings = values->second.find(value);
  if (postings != values->second.end()) out.insert(out.end(), postings->second.begin(), postings->second.end());
  return Ok();
}

Status LabelIndex::WithValues(std::string_view name, std::string_view prefix, const AcceptValue& accept,
                              Postings& out) const {
  const auto values = names_.find(name);
  if (values == names_.end()) return Ok();
  for (auto at = values->second.lower_bound(prefix); at != values->second.end(); ++at) {
    if (!std::string_view(at->first).starts_with(prefix)) break;
    if (accept(at->first)) out.insert(out.end(), at->second.begin(), at->second.end());
  }
  return Ok();
}

std::size_t LabelIndex::ValueCount(std::string_view name) const {
  const auto values = names_.find(name);
  return values == names_.end() ? 0 : values->second.size();
}

Status LabelIndex::VisitNames(const AcceptValue& visit) const {
  for (const auto& entry : names_) {
    if (!visit(entry.first)) break;
  }
  return Ok();
}

Status LabelIndex::VisitValues(std::string_view name, const AcceptValue& visit) const {
  const auto values = names_.find(name);
  if (values == names_.end()) return Ok();
  for (const auto& entry : values->second) {
    if (!visit(entry.first)) break;
  }
  return Ok();
}

}  // namespace vedette::storage
