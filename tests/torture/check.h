// Whether a store holds exactly what its acts left in it, and nothing else.
#pragma once

#include <cstdint>
#include <random>
#include <set>
#include <string>

#include "storage/storage.h"
#include "tests/torture/workload.h"

namespace rocksdb {
class Env;
}

namespace vedette::test {

/// `verify` of a store that nobody has open finds nothing wrong, but for a log that ends too early: a power cut may
/// tear an older log and leave a newer one whole, and may bring back the name of a log that was flushed and deleted.
Status VerifyAfterPowerCuts(const std::string& path, rocksdb::Env* env);

/// Reads which commits are there, takes those of `possible` that are into `expected`, and compares every series.
/// A commit of `possible` may be missing, but not in part; all of `expected` must be there. The last of `possible` may
/// be a deletion, which happened wholly or not at all, or an import, which may be there in part. With a retention,
/// times beyond it may be missing. Errors: kInternal, naming what is wrong.
Status CheckAll(const storage::Storage& store, const Workload& workload, TimeMs now,
                const std::set<std::uint64_t>& possible, Expected& expected);

/// What the series holds, native histograms as the values that they stand for.
Status ReadSeries(const storage::Querier& querier, const storage::SeriesEntry& entry, storage::Columns& got);

/// Whatever is there was written by one of `acts`; anything may be missing. For a store that lost part of its log.
Status CheckOrigin(const storage::Storage& store, const Workload& workload, const std::set<std::uint64_t>& acts);

/// Reads some series through one querier and compares them: cheap enough for the middle of a round.
Status CheckSome(const storage::Storage& store, const Workload& workload, TimeMs now, const Expected& expected,
                 std::mt19937_64& random);

}  // namespace vedette::test
