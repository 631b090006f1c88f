#include "storage/rocks/definition_stream.h"

#include "core/labels_hash.h"

namespace vedette::storage {

DefinitionStream::DefinitionStream(Database& database, std::span<const SeriesId> ids) : ids_(ids) {
  slots_.reserve(kSlots);
  for (std::size_t i = 0; i < kSlots; ++i) slots_.emplace_back(database);
  thread_ = std::thread([this] { Run(); });
}

DefinitionStream::~DefinitionStream() {
  stop_ = true;
  free_.release();
  thread_.join();
}

void DefinitionStream::Run() {
  for (std::size_t i = 0;; i = (i + 1) % kSlots) {
    free_.acquire();
    if (stop_) return;
    Slot& slot = slots_[i];
    slot.end = ids_.empty();
    if (!slot.end) slot.status = Fill(slot);
    const bool last = slot.end || !slot.status;
    full_.release();
    if (last) return;
  }
}

Status DefinitionStream::Fill(Slot& slot) {
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
  return Ok();
}

Result<const DefinitionStream::Block*> DefinitionStream::Next() {
  if (holds_) free_.release();
  holds_ = false;
  full_.acquire();
  const Slot& slot = slots_[next_];
  if (slot.end || !slot.status) {
    full_.release();  // the next call finds it again
    if (slot.end) return nullptr;
    return slot.status.error();
  }
  next_ = (next_ + 1) % kSlots;
  holds_ = true;
  return &slot.block;
}

}  // namespace vedette::storage
