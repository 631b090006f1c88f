// What RocksDB's files get beyond what the operating system gives: its list of files, the manifest, is kept twice.
//
// One flipped bit in a manifest can end it early without an error: what was flushed since, whose log is gone, would be
// lost silently. So every manifest has a copy beside it, which is written when the manifest was synced, before RocksDB
// goes on to rely on it; CURRENT, which names the manifest, has one too. Before a database is opened the two are
// compared, and what is damaged is mended from the other (docs/storage_format.md, "The data directory").
//
// It also reads files on their way into the database with patience: RocksDB 7.8 takes wrong bounds for them, or aborts,
// when it cannot read their first or last block. It hands out logs and manifests so that RocksDB 9.10 does not read for
// ever in a damaged one (MendRecycledFragments). And logs get to the medium in their order (log_chain.h).
#pragma once

#include <memory>
#include <string>

#include <rocksdb/env.h>

#include "core/result.h"

namespace vedette::storage {

/// An Env on the file system of `base` for the database in `data_path`/db. Files on their way into it lie in
/// `data_path`/ingest.
std::unique_ptr<rocksdb::Env> NewCarefulEnv(const rocksdb::Env& base, const std::string& data_path);

/// Compares the manifest and CURRENT of the database in `path` with their copies and mends the damaged one; an end of
/// the manifest that a power cut tore is left out. Says so in the log. Errors: kIo. What cannot be mended is left for
/// RocksDB to refuse.
Status MendManifest(rocksdb::Env& env, const std::string& path);

}  // namespace vedette::storage
