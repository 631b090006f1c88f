// Every RocksDB option that is set, with the reason. Only 7.8's interface is used; 9.x has the same.
#pragma once

#include <memory>

#include <rocksdb/options.h>

#include "storage/options.h"
#include "storage/rocks/database.h"

namespace vedette::storage {

rocksdb::DBOptions DatabaseTuning(const StorageOptions& options, rocksdb::Env* env,
                                  const std::shared_ptr<DatabaseHealth>& health);
/// `cache` is shared by all families.
rocksdb::ColumnFamilyOptions FamilyTuning(Family family, const StorageOptions& options,
                                          const std::shared_ptr<rocksdb::Cache>& cache);

}  // namespace vedette::storage
