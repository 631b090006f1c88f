// Whether the logs of a database are whole, as far as it can be told.
//
// RocksDB takes a log up to the first place that it cannot read, and later ones only when they go on from there. After
// a power cut that is right: what is torn was not synced. A damaged record that whole ones follow is another matter:
// what was acknowledged is lost, and has to be said.
#pragma once

#include <string>
#include <vector>

#include "core/result.h"

namespace rocksdb {
class Env;
}

namespace vedette::storage {

struct LogState {
  std::vector<std::string> damaged;  // one sentence for each log of which records are left out
  bool torn = false;                 // some log does not end with a whole record
};

/// Errors: kIo.
Result<LogState> CheckLogs(rocksdb::Env& env, const std::string& path);

}  // namespace vedette::storage
