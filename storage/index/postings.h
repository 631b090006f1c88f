// Sets of series ids: ascending vectors, the operations that matchers need, and their stored form.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "storage/storage.h"

namespace vedette::storage {

/// Strictly ascending.
using Postings = std::vector<SeriesId>;

/// Makes a set of ids in any order, repeated or not.
void Normalize(Postings& ids);
Postings Intersect(std::span<const SeriesId> a, std::span<const SeriesId> b);
Postings Unite(std::span<const SeriesId> a, std::span<const SeriesId> b);
/// What of `a` is not in `b`.
Postings Subtract(std::span<const SeriesId> a, std::span<const SeriesId> b);

/// Stored form: a format byte, then the gaps between ids as varints (docs/storage_format.md). Appends to `out`.
void EncodePostings(std::span<const SeriesId> ids, std::string& out);
/// Appends to `out`, which may hold other ids. Errors: kCorruption for an unknown format byte, a torn varint, ids that
/// do not ascend. Cost: O(bytes).
Status DecodePostings(std::string_view bytes, Postings& out);

}  // namespace vedette::storage
