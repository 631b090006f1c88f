#include "storage/rocks/definition_stream.h"

#include "core/labels_hash.h"

namespace vedette::storage {
namespace {

constexpr std::size_t kSlots = 8;

template <class Slot>
std::vector<Slot> SlotsOf(Database& database) {
  std::vector<Slot> slots;
  slots.reserve(kSlots);
  for (std::size_t i = 0; i < kSlots; ++i) slots.emplace_back(database);
  return slots;
}

}  // namespace

DefinitionStream::DefinitionStream(Database& database, std::span<const SeriesId> ids)
    : ids_(ids), slots_(SlotsOf<Slot>(database), [this](Slot& slot) { return Fill(slot); }) {}

Result<bool> DefinitionStream::Fill(Slot& slot) {
  if (ids_.empty()) return false;
  Block& block = slot.block;
  block.series.clear();
  VEDETTE_TRY(block.definitions, slot.reader.BlockOf(ids_.front()));
  std::size_t at = 0;
  // The first is always done, also when it is before all blocks.
  do {
    Series series{ids_.front(), Definitions::kNotThere, 0};
    if (block.definitions != nullptr) {
      const std::span<const SeriesId> there = block.definitions->ids();
      while (at < there.size() && there[at] < series.id) ++at;
      if (at < there.size() && there[at] == series.id) {
        series.at = at;
        block.definitions->ViewLabels(at, views_);
        series.hash = HashLabels(views_);
      }
    }
    block.series.push_back(series);
    ids_ = ids_.subspan(1);
  } while (!ids_.empty() && Raw(ids_.front()) < slot.reader.next_first());
  return true;
}

Result<const DefinitionStream::Block*> DefinitionStream::Next() {
  VEDETTE_TRY(const Slot* const slot, slots_.Next());
  return slot == nullptr ? nullptr : &slot->block;
}

}  // namespace vedette::storage
