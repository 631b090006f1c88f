// Where the series of an index come from: how many per metric, label and value. Reads sizes of sets, never a chunk.
#pragma once

#include "storage/index/select.h"

namespace vedette::storage {

/// Fills the totals and lists of `out` (not what only a head has: chunks and times). Errors: those of the index.
Status CountCardinality(const PostingsSource& index, const CardinalityQuery& query, StoreStats& out);

}  // namespace vedette::storage
