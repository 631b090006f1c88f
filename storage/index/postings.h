// Sets of series ids and the operations that matchers need. Their stored form is postings_codec.h.
#pragma once

#include <span>
#include <vector>

#include "storage/storage.h"

namespace vedette::storage {

/// Strictly ascending.
using Postings = std::vector<SeriesId>;

/// Makes a set of ids in any order, repeated or not. Ids that lie close together are put in order by a bitmap, which is
/// what makes the union of ten thousand values cheap: append them all, normalize once.
void Normalize(Postings& ids);

// Of two sets. When one is much smaller than the other it is looked up in it by galloping; else both are walked without
// branches that a processor would have to guess.
Postings Intersect(std::span<const SeriesId> a, std::span<const SeriesId> b);
Postings Unite(std::span<const SeriesId> a, std::span<const SeriesId> b);
/// What of `a` is not in `b`.
Postings Subtract(std::span<const SeriesId> a, std::span<const SeriesId> b);
/// Whether any id is in both; returns at the first.
bool Intersects(std::span<const SeriesId> a, std::span<const SeriesId> b);

}  // namespace vedette::storage
