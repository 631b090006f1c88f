// What one journal row says, as bytes (docs/storage_format.md, "Journal").
//
// Four kinds: the samples of a commit, as rows of groups and one by one; the series and blocks whose samples so far
// were sealed; the series whose histograms were; the open samples of series that were carried along when older records
// were dropped. Replaying the records in key order rebuilds exactly the head that wrote them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "storage/append_batch.h"
#include "storage/head/row_group.h"

namespace vedette::storage {

/// First byte of a record. Stored: never reused.
enum class RecordKind : std::uint8_t { kCommit = 1, kSealed = 2, kCarried = 3, kSealedHistograms = 4 };

struct CarriedSamples {
  SeriesId id = SeriesId::kNone;
  Columns samples;
};

/// A stretch of a commit record: one row of a block, and the columns that the journal learns with it.
struct RowPart {
  std::uint64_t block = 0;
  bool opens_block = false;
  std::uint64_t group = 0;         // when it opens the block
  std::uint64_t first_column = 0;  // number of the first of `ids`
  std::vector<SeriesId> ids;
  std::uint64_t ordinal = 0;  // rows of the block before it
  TimeMs time;
  std::string_view row;  // within the record; not looked at
};

/// The decoded form; `kind` says which members are filled.
struct JournalRecord {
  RecordKind kind = RecordKind::kCommit;
  std::vector<RowPart> rows;
  AppendBatch singles;           // and histograms
  std::vector<SeriesId> sealed;  // also those of kSealedHistograms
  std::vector<std::uint64_t> sealed_blocks;
  std::vector<CarriedSamples> carried;
};

/// The groups of the drafts are claimed.
std::string EncodeCommit(const RowDrafts& drafts, const AppendBatch& singles,
                         std::span<const AppendBatch::HistogramSample> histograms = {});
std::string EncodeSealed(std::span<const SeriesId> ids, std::span<const std::uint64_t> blocks);
std::string EncodeSealedHistograms(std::span<const SeriesId> ids);
std::string EncodeCarried(std::span<const CarriedSamples> series);

/// `record` is cleared first and reused. Errors: kCorruption; kBadData for a kind this program does not know. Memory is
/// bounded by a constant times the size of `bytes`, plus 64 Ki ids.
Status DecodeRecord(std::string_view bytes, JournalRecord& record);

}  // namespace vedette::storage
