#include "storage/head/series_table.h"

#include <algorithm>

#include "core/labels_hash.h"
#include "storage/coding.h"

namespace vedette::storage {
namespace {

/// Calls `visit` for each pair of a list as SetLabels() wrote it, until it returns false.
template <class Visit>
void VisitPairs(std::string_view list, Visit&& visit) {
  const char* at = list.data();
  const char* const end = at + list.size();
  while (at != end) {
    std::uint32_t pair = 0;
    for (int shift = 0;; shift += 7) {
      const auto byte = static_cast<std::uint8_t>(*at++);
      pair |= static_cast<std::uint32_t>(byte & 0x7F) << shift;
      if (byte < 0x80) break;
    }
    if (!visit(PairId(pair))) return;
  }
}

}  // namespace

std::uint32_t SeriesTable::SlotOf(SeriesId id) const {
  const auto n = static_cast<std::uint64_t>(id);
  const std::uint64_t page = n / kIdsPerPage;
  if (page >= ids_.size() || !ids_[page]) return kNoSlot;
  return ids_[page]->slots[n % kIdsPerPage];
}

HeadSeries* SeriesTable::Find(SeriesId id) const {
  const std::uint32_t slot = SlotOf(id);
  return slot == kNoSlot ? nullptr : &At(slot);
}

HeadSeries* SeriesTable::Find(const Labels& labels) const {
  const std::uint32_t slot = by_hash_.Find(HashIndex::Fold(labels.Hash()),
                                           [&](std::uint32_t candidate) { return HasLabels(At(candidate), labels); });
  return slot == HashIndex::kNothing ? nullptr : &At(slot);
}

bool SeriesTable::HasLabels(const HeadSeries& series, const Labels& labels) const {
  std::size_t i = 0;
  bool same = true;
  VisitPairs(lists_.Get(series.labels_), [&](PairId pair) {
    same = i < labels.size() && index_.pairs().View(pair) == labels[i];
    ++i;
    return same;
  });
  return same && i == labels.size();
}

HeadSeries* SeriesTable::After(SeriesId id) const {
  for (std::uint64_t n = static_cast<std::uint64_t>(id) + 1; n / kIdsPerPage < ids_.size();) {
    const IdPage* page = ids_[n / kIdsPerPage].get();
    if (page == nullptr) {
      n = (n / kIdsPerPage + 1) * kIdsPerPage;
      continue;
    }
    if (const std::uint32_t slot = page->slots[n % kIdsPerPage]; slot != kNoSlot) return &At(slot);
    ++n;
  }
  return nullptr;
}

void SeriesTable::ViewLabels(const HeadSeries& series, std::vector<LabelView>& out) const {
  out.clear();
  if (series.labels_ == HeadSeries::kNoLabels) return;
  VisitPairs(lists_.Get(series.labels_), [&](PairId pair) {
    out.push_back(index_.pairs().View(pair));
    return true;
  });
}

void SeriesTable::PairsOf(const HeadSeries& series, std::vector<PairId>& out) const {
  if (series.labels_ == HeadSeries::kNoLabels) return;
  VisitPairs(lists_.Get(series.labels_), [&](PairId pair) {
    out.push_back(pair);
    return true;
  });
}

Labels SeriesTable::LabelsOf(const HeadSeries& series) const {
  thread_local std::vector<LabelView> views;
  ViewLabels(series, views);
  return Labels::FromSorted(views);
}

std::string_view SeriesTable::ValueOf(const HeadSeries& series, std::string_view name) const {
  std::string_view value;
  if (series.labels_ == HeadSeries::kNoLabels) return value;
  VisitPairs(lists_.Get(series.labels_), [&](PairId pair) {
    const LabelView label = index_.pairs().View(pair);
    if (label.name == name) value = label.value;
    return label.name < name;
  });
  return value;
}

std::uint32_t SeriesTable::TakeSlot() {
  if (pages_with_room_.empty()) {
    // An empty place in the directory, or one more.
    const auto hole = std::ranges::find_if(slots_, [](const auto& page) { return page == nullptr; });
    const auto page = static_cast<std::uint32_t>(hole - slots_.begin());
    if (hole == slots_.end()) slots_.emplace_back();
    slots_[page] = std::make_unique<SlotPage>();
    pages_with_room_.insert(page);
  }
  const std::uint32_t page = *pages_with_room_.begin();
  SlotPage& slots = *slots_[page];
  const std::size_t at = (~slots.used)._Find_first();
  slots.used.set(at);
  if (slots.used.all()) pages_with_room_.erase(page);
  return static_cast<std::uint32_t>(page * kSlotsPerPage + at);
}

void SeriesTable::FreeSlot(std::uint32_t slot) {
  const auto page = static_cast<std::uint32_t>(slot / kSlotsPerPage);
  HeadSeries& series = At(slot);
  std::destroy_at(&series);
  std::construct_at(&series);
  slots_[page]->used.reset(slot % kSlotsPerPage);
  if (slots_[page]->used.none()) {
    pages_with_room_.erase(page);
    slots_[page].reset();
  } else {
    pages_with_room_.insert(page);
  }
}

HeadSeries& SeriesTable::InsertBare(SeriesId id) {
  const auto n = static_cast<std::uint64_t>(id);
  const std::uint64_t page = n / kIdsPerPage;
  if (page >= ids_.size()) ids_.resize(page + 1);
  if (!ids_[page]) {
    ids_[page] = std::make_unique<IdPage>();
    ids_[page]->slots.fill(kNoSlot);
  }
  const std::uint32_t slot = TakeSlot();
  ids_[page]->slots[n % kIdsPerPage] = slot;
  ++ids_[page]->used;
  ++size_;
  HeadSeries& series = At(slot);
  series.id = id;
  return series;
}

void SeriesTable::SetLabels(HeadSeries& series, std::span<const LabelView> labels) {
  scratch_.clear();
  for (const LabelView& label : labels) scratch_.push_back(Intern(label));
  SetLabels(series, labels, scratch_);
}

void SeriesTable::SetLabels(HeadSeries& series, std::span<const LabelView> labels, std::span<const PairId> pairs) {
  index_.Add(series.id, pairs);
  SetList(series, pairs);
  by_hash_.Insert(HashIndex::Fold(HashLabels(labels)), SlotOf(series.id));
}

void SeriesTable::BulkLabels::Set(HeadSeries& series, std::span<const PairId> pairs, std::uint64_t hash) {
  index_.Add(series.id, pairs);
  table_.SetList(series, pairs);
  entries_.push_back(HashIndex::EntryOf(HashIndex::Fold(hash), table_.SlotOf(series.id)));
}

void SeriesTable::BulkLabels::Finish() {
  index_.Finish();
  table_.by_hash_.InsertAll(std::move(entries_));
}

void SeriesTable::SetList(HeadSeries& series, std::span<const PairId> pairs) {
  thread_local std::string list;
  list.clear();
  for (const PairId pair : pairs) PutVarint(list, static_cast<std::uint32_t>(pair));
  series.labels_ = lists_.Add(list);
}

HeadSeries& SeriesTable::Insert(SeriesId id, const Labels& labels) {
  thread_local std::vector<LabelView> views;
  views.assign(labels.begin(), labels.end());
  HeadSeries& series = InsertBare(id);
  SetLabels(series, views);
  return series;
}

bool SeriesTable::Fits(const Labels& labels) const {
  thread_local std::vector<LabelView> views;
  views.assign(labels.begin(), labels.end());
  return index_.pairs().Fits(views) && lists_.Fits(5 * labels.size(), 1) && size() < kNoSlot;
}

void SeriesTable::Remove(std::span<const SeriesId> ids) {
  std::vector<PairId> touched;
  std::vector<LabelView> labels;
  for (const SeriesId id : ids) {
    const std::uint32_t slot = SlotOf(id);
    const HeadSeries& series = At(slot);
    if (series.labels_ != HeadSeries::kNoLabels) {
      const std::string_view list = lists_.Get(series.labels_);
      VisitPairs(list, [&](PairId pair) {
        touched.push_back(pair);
        return true;
      });
      ViewLabels(series, labels);
      by_hash_.Erase(HashIndex::Fold(HashLabels(labels)), slot);
      lists_.Discard(list.size());
    }
    FreeSlot(slot);
    auto& page = ids_[static_cast<std::uint64_t>(id) / kIdsPerPage];
    page->slots[static_cast<std::uint64_t>(id) % kIdsPerPage] = kNoSlot;
    if (--page->used == 0) page.reset();
    --size_;
  }
  Postings gone(ids.begin(), ids.end());
  Normalize(gone);
  index_.Remove(gone, std::move(touched));
  if (lists_.MostlyDead()) CompactLists();
}

void SeriesTable::CompactLists() {
  ByteArena living;
  for (HeadSeries* series = After(SeriesId::kNone); series != nullptr; series = After(series->id)) {
    if (series->labels_ != HeadSeries::kNoLabels) series->labels_ = living.Add(lists_.Get(series->labels_));
  }
  lists_ = std::move(living);
}

std::size_t SeriesTable::allocated_bytes() const {
  std::size_t bytes = ids_.capacity() * sizeof(ids_[0]) + slots_.capacity() * sizeof(slots_[0]) +
                      by_hash_.allocated_bytes() + lists_.allocated_bytes() + index_.allocated_bytes();
  for (const auto& page : ids_) bytes += page ? sizeof(IdPage) : 0;
  for (const auto& page : slots_) bytes += page ? sizeof(SlotPage) : 0;
  return bytes;
}

}  // namespace vedette::storage
