#include "storage/rocks/definition_reader.h"

#include <memory>

#include "storage/rocks/keys.h"

namespace vedette::storage {
namespace {}  // namespace

Status DefinitionReader::Load(SeriesId id) {
  Forget();
  block_.Clear();
  rocksdb::ReadOptions options;
  options.snapshot = snapshot_;
  options.total_order_seek = true;  // across prefixes: the filter must not be asked
  const std::unique_ptr<rocksdb::Iterator> at = database_.NewIterator(options, Family::kSeries);
  const auto is_block = [&] { return at->Valid() && at->key().size() == 9 && at->key()[0] == kSeriesBlockTag; };
  at->SeekForPrev(SeriesBlockKey(id));
  first_ = 0;
  if (is_block()) {
    first_ = Raw(ParseSeriesKey(ToView(at->key())));
    bytes_.assign(at->value().data(), at->value().size());
    const Status decoded = block_.Decode(bytes_);
    if (!decoded) return Annotate(fmt::format("block of series from {} on", first_), decoded.error());
    at->Next();
  } else if (at->status().ok()) {
    at->Seek(SeriesBlockKey(id));
  }
  next_first_ = is_block() ? Raw(ParseSeriesKey(ToView(at->key()))) : UINT64_MAX;
  if (!at->status().ok()) return ToError(at->status(), "read of series");
  if (!block_.empty() && (Raw(block_.id(0)) != first_ || Raw(block_.ids().back()) >= next_first_)) {
    return Fail(Code::kCorruption, "block of series from {} on has ids {} to {}, the next starts at {}", first_,
                Raw(block_.id(0)), Raw(block_.ids().back()), next_first_);
  }
  loaded_ = true;
  return Ok();
}

Result<const Definitions*> DefinitionReader::BlockOf(SeriesId id) {
  if (!loaded_ || Raw(id) < first_ || Raw(id) >= next_first_) VEDETTE_CHECK(Load(id));
  return block_.empty() ? nullptr : &block_;
}

Result<DefinitionReader::Found> DefinitionReader::Find(SeriesId id) {
  VEDETTE_TRY(const Definitions* const block, BlockOf(id));
  if (block == nullptr) return Found{};
  const std::size_t at = block->Find(id);
  return at == Definitions::kNotThere ? Found{} : Found{block, at};
}

Result<Labels> DefinitionReader::Read(SeriesId id) {
  VEDETTE_TRY(const Found found, Find(id));
  return found.block == nullptr ? Labels() : found.block->LabelsOf(found.at);
}

}  // namespace vedette::storage
