// A start: the journal is replayed into the head.
#pragma once

#include <cstdint>
#include <vector>

#include "storage/head/head.h"
#include "storage/index/postings.h"
#include "storage/rocks/database.h"

namespace vedette::storage {

struct Recovered {
  std::uint64_t samples = 0;  // replayed
  std::uint64_t records = 0;
  Postings series;  // whatever the journal names: in the table, without labels
};

/// Restores series and open chunks, and where commit numbers go on; labels are SeriesCatalog::LoadLabels(). Before any
/// thread uses the head. `sealed_max_time`: no sample on disk is newer. Errors: kCorruption naming the record, kIo.
Result<Recovered> ReplayJournal(Database& database, Head& head, std::int64_t sealed_max_time, TimeMs now);

/// After records of the log were lost: takes care that no number is given again that a table file may still have. Ids
/// of series go on behind the highest of `days`, seal rounds far behind what a log can hold. Before anything is
/// recovered.
Status SkipLostNumbers(Database& database, const std::vector<std::int32_t>& days);

}  // namespace vedette::storage
