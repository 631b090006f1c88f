// Copies of the database while it runs, and putting them back: Prometheus' snapshots, `vedette backup` and `restore`.
//
// A copy is a data directory of its own: table files are linked, the log is copied as far as it is written, so that
// everything acknowledged before the call is in it.
#pragma once

#include <string>

#include "core/time.h"
#include "storage/rocks/database.h"

namespace vedette::storage {

/// Makes <path>/snapshots/<name>, with a name like Prometheus': 20261121T101530Z-0123456789abcdef. Result: its path.
Result<std::string> TakeSnapshot(Database& database, const std::string& path, TimeMs now);

/// Makes the data directory `to`, which must not exist or be empty, a copy of the data directory `from`, which nobody
/// has open. Files are linked where `link` says so and the file system can. Errors: kBadData naming what is in the way;
/// kNotFound when `from` holds no database; kIo.
Status CopyDataDirectory(const std::string& from, const std::string& to, bool link);

}  // namespace vedette::storage
