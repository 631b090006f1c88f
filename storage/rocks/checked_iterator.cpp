#include "storage/rocks/checked_iterator.h"

#include <cstdint>
#include <optional>
#include <string>

#include <rocksdb/perf_context.h>

namespace vedette::storage {
namespace {

class CheckedIterator final : public rocksdb::Iterator {
 public:
  CheckedIterator(rocksdb::DB& db, const rocksdb::ReadOptions& options, rocksdb::ColumnFamilyHandle* family)
      : db_(db), options_(options), family_(family), at_(db.NewIterator(options, family)) {}

  bool Valid() const override { return damage_.ok() && at_->Valid(); }
  void SeekToFirst() override {
    Begin(true, std::nullopt);
    Watch([this] { at_->SeekToFirst(); });
  }
  void SeekToLast() override {
    Begin(false, std::nullopt);
    Watch([this] { at_->SeekToLast(); });
  }
  void Seek(const rocksdb::Slice& target) override {
    Begin(true, target);
    Watch([this] { at_->Seek(*start_); });
  }
  void SeekForPrev(const rocksdb::Slice& target) override {
    Begin(false, target);
    Watch([this] { at_->SeekForPrev(*start_); });
  }
  void Next() override {
    if (!forward_) Begin(true, at_->key());
    Watch([this] { at_->Next(); });
  }
  void Prev() override {
    if (forward_) Begin(false, at_->key());
    Watch([this] { at_->Prev(); });
  }
  rocksdb::Slice key() const override { return at_->key(); }
  rocksdb::Slice value() const override { return at_->value(); }
  rocksdb::Status status() const override {
    Settle();
    return damage_.ok() ? at_->status() : damage_;
  }

 private:
  /// A stretch ends where the iterator is, and the next one starts.
  void Begin(bool forward, std::optional<rocksdb::Slice> start) {
    std::optional<std::string> from;
    if (start) from.emplace(start->data(), start->size());
    Settle();
    forward_ = forward;
    start_ = std::move(from);
  }
  template <class Step>
  void Watch(const Step& step) {
    const std::uint64_t before = rocksdb::get_perf_context()->internal_range_del_reseek_count;
    step();
    if (rocksdb::get_perf_context()->internal_range_del_reseek_count != before) doubt_ = true;
  }
  void Settle() const {
    if (!doubt_ || !damage_.ok() || !at_->status().ok()) return;
    doubt_ = false;
    rocksdb::ReadOptions options = options_;
    options.ignore_range_deletions = true;
    const std::unique_ptr<rocksdb::Iterator> again(db_.NewIterator(options, family_));
    std::optional<std::string> here;
    if (at_->Valid()) here = at_->key().ToString();
    const std::optional<std::string>&low = forward_ ? start_ : here, &high = forward_ ? here : start_;
    low ? again->Seek(*low) : again->SeekToFirst();
    while (again->Valid() && (!high || again->key().compare(*high) <= 0)) again->Next();
    damage_ = again->status();
  }

  rocksdb::DB& db_;
  const rocksdb::ReadOptions options_;
  rocksdb::ColumnFamilyHandle* const family_;
  const std::unique_ptr<rocksdb::Iterator> at_;
  bool forward_ = true;
  std::optional<std::string> start_;  // of the stretch; nothing: the end that its direction comes from
  mutable bool doubt_ = false;
  mutable rocksdb::Status damage_;
};

}  // namespace

std::unique_ptr<rocksdb::Iterator> NewCheckedIterator(rocksdb::DB& db, const rocksdb::ReadOptions& options,
                                                      rocksdb::ColumnFamilyHandle* family) {
  return std::make_unique<CheckedIterator>(db, options, family);
}

}  // namespace vedette::storage
