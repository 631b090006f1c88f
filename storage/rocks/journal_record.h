// What one journal row says, as bytes (docs/storage_format.md, "Journal").
//
// Three kinds: the rows of a commit; the series whose samples so far were sealed; the open samples of series that were
// carried along when older records were dropped. Replaying the records in key order rebuilds exactly the head that
// wrote them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "storage/append_batch.h"

namespace vedette::storage {

/// First byte of a record. Stored: never reused.
enum class RecordKind : std::uint8_t { kRows = 1, kSealed = 2, kCarried = 3 };

struct CarriedSamples {
  SeriesId id = SeriesId::kNone;
  Columns samples;
};

/// The decoded form; `kind` says which member is filled.
struct JournalRecord {
  RecordKind kind = RecordKind::kRows;
  AppendBatch rows;
  std::vector<SeriesId> sealed;
  std::vector<CarriedSamples> carried;
};

std::string EncodeRows(const AppendBatch& batch);
std::string EncodeSealed(std::span<const SeriesId> ids);
std::string EncodeCarried(std::span<const CarriedSamples> series);

/// `record` is cleared first and reused. Errors: kCorruption; kBadData for a kind this program does not know. Memory is
/// bounded by a constant times the size of `bytes`, plus 64 Ki ids.
Status DecodeRecord(std::string_view bytes, JournalRecord& record);

}  // namespace vedette::storage
