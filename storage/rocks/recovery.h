// A start: the journal is replayed into the head.
#pragma once

#include <cstdint>

#include "storage/head/head.h"
#include "storage/rocks/database.h"
#include "storage/rocks/series_catalog.h"

namespace vedette::storage {

struct Recovered {
  std::uint64_t samples = 0;  // replayed
  std::uint64_t records = 0;
};

/// Restores series and open chunks, and where commit numbers go on. Before any thread uses the head.
/// `sealed_max_time`: no sample on disk is newer. Errors: kCorruption naming the record, kIo.
Result<Recovered> ReplayJournal(Database& database, SeriesCatalog& catalog, Head& head, std::int64_t sealed_max_time,
                                TimeMs now);

}  // namespace vedette::storage
