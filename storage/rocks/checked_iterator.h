// An iterator that reports every error it met.
//
// RocksDB 7.8 leaves out what a range tombstone covers by seeking again in the older files, and forgets then what it
// could not read in the newer ones: rows of a damaged block are missing without an error. Whoever is told "this was
// all" here can rely on it: a stretch in which that happened is walked once more without tombstones, only for its
// errors.
#pragma once

#include <memory>

#include <rocksdb/db.h>

namespace vedette::storage {

/// `db` and the snapshot of `options` outlive it.
std::unique_ptr<rocksdb::Iterator> NewCheckedIterator(rocksdb::DB& db, const rocksdb::ReadOptions& options,
                                                      rocksdb::ColumnFamilyHandle* family);

}  // namespace vedette::storage
