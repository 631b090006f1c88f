#include "storage/head/series_table.h"

#include <algorithm>

namespace vedette::storage {

HeadSeries* SeriesTable::Find(SeriesId id) const {
  const auto n = static_cast<std::uint64_t>(id);
  const std::uint64_t page = n / kPageSize;
  if (page >= pages_.size() || !pages_[page]) return nullptr;
  return pages_[page]->series[n % kPageSize].get();
}

HeadSeries* SeriesTable::Find(const Labels& labels) const {
  const auto [begin, end] = by_hash_.equal_range(labels.Hash());
  const auto found = std::find_if(begin, end, [&](const auto& entry) { return entry.second->labels == labels; });
  return found == end ? nullptr : found->second;
}

HeadSeries* SeriesTable::After(SeriesId id) const {
  for (std::uint64_t n = static_cast<std::uint64_t>(id) + 1; n / kPageSize < pages_.size();) {
    const Page* page = pages_[n / kPageSize].get();
    if (page == nullptr) {
      n = (n / kPageSize + 1) * kPageSize;
      continue;
    }
    if (HeadSeries* series = page->series[n % kPageSize].get()) return series;
    ++n;
  }
  return nullptr;
}

HeadSeries& SeriesTable::InsertBare(SeriesId id) {
  const auto n = static_cast<std::uint64_t>(id);
  const std::uint64_t page = n / kPageSize;
  if (page >= pages_.size()) pages_.resize(page + 1);
  if (!pages_[page]) pages_[page] = std::make_unique<Page>();
  auto& slot = pages_[page]->series[n % kPageSize];
  slot = std::make_unique<HeadSeries>();
  slot->id = id;
  ++pages_[page]->used;
  ++size_;
  return *slot;
}

void SeriesTable::SetLabels(HeadSeries& series, const Labels& labels) {
  series.labels = labels;
  by_hash_.emplace(labels.Hash(), &series);
  index_.Add(series.id, labels);
}

HeadSeries& SeriesTable::Insert(SeriesId id, const Labels& labels) {
  HeadSeries& series = InsertBare(id);
  SetLabels(series, labels);
  return series;
}

void SeriesTable::Remove(std::span<const SeriesEntry> series) {
  index_.Remove(series);
  for (const SeriesEntry& entry : series) {
    const auto n = static_cast<std::uint64_t>(entry.id);
    auto& page = pages_[n / kPageSize];
    const auto [begin, end] = by_hash_.equal_range(entry.labels.Hash());
    const auto found = std::find_if(begin, end, [&](const auto& known) { return known.second->id == entry.id; });
    if (found != end) by_hash_.erase(found);
    page->series[n % kPageSize].reset();
    --size_;
    if (--page->used == 0) page.reset();
  }
}

}  // namespace vedette::storage
