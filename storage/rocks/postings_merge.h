// Lets a seal round add series to index rows without reading them: RocksDB unites the sets when it compacts or reads.
#pragma once

#include <memory>

#include <rocksdb/merge_operator.h>

namespace vedette::storage {

std::shared_ptr<rocksdb::MergeOperator> NewPostingsMergeOperator();

}  // namespace vedette::storage
