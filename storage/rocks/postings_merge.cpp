#include "storage/rocks/postings_merge.h"

#include <new>

#include <rocksdb/slice.h>

#include "storage/index/postings_codec.h"
#include "storage/rocks/database.h"

namespace vedette::storage {
namespace {

/// The ids that the operands add. They are small and mostly ascend from one to the next.
template <class Operands>
bool Added(const Operands& operands, Postings& ids) {
  for (const rocksdb::Slice& operand : operands) {
    if (!DecodePostings(ToView(operand), ids)) return false;
  }
  Normalize(ids);
  return true;
}

class PostingsMergeOperator final : public rocksdb::MergeOperator {
 public:
  const char* Name() const override { return "vedette.postings.2"; }

  /// False makes RocksDB report corruption for the row.
  bool FullMergeV2(const MergeOperationInput& in, MergeOperationOutput* out) const override {
    const auto unite = [&] {
      Postings ids;
      if (!Added(in.operand_list, ids)) return false;
      out->new_value.clear();
      if (in.existing_value != nullptr) {
        return AppendMerged(ToView(*in.existing_value), ids, out->new_value).has_value();
      }
      EncodePostings(ids, out->new_value);
      return true;
    };
    return NoThrow(unite);
  }

  bool PartialMergeMulti(const rocksdb::Slice&, const std::deque<rocksdb::Slice>& operands, std::string* out,
                         rocksdb::Logger*) const override {
    const auto unite = [&] {
      Postings ids;
      if (!Added(operands, ids)) return false;
      out->clear();
      EncodePostings(ids, *out);
      return true;
    };
    return NoThrow(unite);
  }

 private:
  /// No exception may cross a RocksDB callback: running out of memory fails the merge.
  template <class Work>
  static bool NoThrow(Work work) {
    try {
      return work();
    } catch (const std::bad_alloc&) {
      return false;
    }
  }
};

}  // namespace

std::shared_ptr<rocksdb::MergeOperator> NewPostingsMergeOperator() { return std::make_shared<PostingsMergeOperator>(); }

}  // namespace vedette::storage
