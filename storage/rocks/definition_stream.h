// Reads the definitions of many series ahead of who takes them in, in a thread of its own: half of the work of a start.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "storage/rocks/definition_reader.h"
#include "storage/rocks/read_ahead.h"

namespace vedette::storage {

class DefinitionStream {
 public:
  struct Series {
    SeriesId id;
    std::size_t at;      // in the block, or Definitions::kNotThere
    std::uint64_t hash;  // HashLabels() of its labels
  };
  /// A block of definitions, and those of its series that were asked for, or of series that are nowhere.
  struct Block {
    const Definitions* definitions = nullptr;  // null: it has none of them
    std::vector<Series> series;
  };

  /// `ids` ascend, and stay where they are; the definitions do not change meanwhile.
  DefinitionStream(Database& database, std::span<const SeriesId> ids);

  /// The next block, good until the next call; null behind the last. Errors: kIo, kCorruption naming the block.
  Result<const Block*> Next();

 private:
  struct Slot {
    explicit Slot(Database& database) : reader(database, nullptr) {}
    DefinitionReader reader;
    Block block;
  };

  /// Takes what it has done from the front of ids_; false when nothing was left.
  Result<bool> Fill(Slot& slot);

  std::span<const SeriesId> ids_;
  std::vector<LabelView> views_;
  ReadAhead<Slot> slots_;
};

}  // namespace vedette::storage
