// The stored form of a set of series ids (docs/storage_format.md, "index"): blocks of neighbours. A target's series
// have consecutive ids and a metric's have one per target, so most rows are a few runs or strides of a handful of
// bytes.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "core/result.h"
#include "storage/index/postings.h"

namespace vedette::storage {

/// Ids in one row; a row that claims more is damaged. Far above what one machine can have on a day.
inline constexpr std::size_t kMaxStoredIds = std::size_t{1} << 26;

/// Appends to `out`.
void EncodePostings(std::span<const SeriesId> ids, std::string& out);

/// Appends to `out`, which may hold other ids. Errors: kCorruption for an unknown format byte, a torn block, ids that
/// do not ascend or are too many. Cost: a nanosecond per id.
Status DecodePostings(std::string_view bytes, Postings& out);

/// Appends what of the row is in `wanted`; blocks without any of it are stepped over.
Status DecodePostingsWithin(std::string_view bytes, std::span<const SeriesId> wanted, Postings& out);

/// How many ids the row has: reads the heads of its blocks only.
Result<std::size_t> CountPostings(std::string_view bytes);

/// Appends the row of `existing` united with `more`. Ids behind the last block, the usual case, leave all blocks before
/// it as they are. Errors: those of DecodePostings.
Status AppendMerged(std::string_view existing, std::span<const SeriesId> more, std::string& out);

}  // namespace vedette::storage
