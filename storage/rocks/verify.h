// Reading everything in a data directory that nobody has open, and naming what is damaged: `vedette storage verify`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/result.h"

namespace rocksdb {
class Env;
}

namespace vedette::storage {

struct VerifyReport {
  /// `chunks`: with the parts of bundles.
  std::uint64_t table_files = 0, series = 0, bundles = 0, chunks = 0, samples = 0, index_rows = 0, journal_records = 0,
                tier_rows = 0;
  /// One sentence for each damaged place, the first thousand; `problem_count` counts all.
  std::vector<std::string> problems;
  std::uint64_t problem_count = 0;
  /// What --repair did, and what was lost by it.
  std::vector<std::string> repairs;
};

/// Checks the checksums of all table files; that definitions are whole and found by their hash; that each chunk can be
/// decoded, lies where its key says and belongs to a series that is defined and in its day's index (or in the
/// journal, whose next sealing puts it there); that the logs are whole; that the index
/// names nothing else, by its values as by its series; that the journal can be replayed, and that rows of
/// tiers and facts can be read. `repair` drops the chunks, bundles and parts of bundles that cannot be read; without it
/// the directory stays as it is (Access::kRead). Errors: what keeps the store from being opened at all, naming the
/// file. `env`: null for the operating system's files.
Result<VerifyReport> VerifyStore(const std::string& path, bool repair, rocksdb::Env* env = nullptr);

}  // namespace vedette::storage
