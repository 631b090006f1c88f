// The bundles of a day as they lie in the family `bundles`: looking for a series, walking, writing one anew.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <rocksdb/iterator.h>

#include "storage/chunk/bundle.h"
#include "storage/rocks/keys.h"

namespace vedette::storage {

/// Stays at the bundle that was last found: whoever asks for series in their order opens each bundle once.
class BundleCursor {
 public:
  explicit BundleCursor(std::unique_ptr<rocksdb::Iterator> at) : at_(std::move(at)) {}

  /// Goes to the bundle of `day` that holds the series if any does: the first that ends with it or behind it. False:
  /// there is none. Errors: kCorruption and kIo, naming the bundle or the series and day.
  Result<bool> Find(std::int32_t day, SeriesId series);
  /// The next one of the day.
  Result<bool> Next();

  /// After an error: whether there is a row, which is damaged; its key and value are there.
  bool on_row() const { return at_->Valid(); }
  /// Whether Find() would stay where it is.
  bool IsAt(std::int32_t day, SeriesId series) const {
    return known_ && day == day_ && series >= asked_ && (!found_ || series <= last_);
  }
  // Of the bundle that was found, until the next call of the above.
  BundleReader& bundle() { return bundle_; }
  std::string_view key() const { return {at_->key().data(), at_->key().size()}; }
  std::string_view value() const { return {at_->value().data(), at_->value().size()}; }

 private:
  Result<bool> Load();

  std::unique_ptr<rocksdb::Iterator> at_;
  BundleReader bundle_;
  std::int32_t day_ = 0;
  SeriesId asked_ = SeriesId::kNone, last_ = SeriesId::kNone;  // where `known_` holds
  bool known_ = false, found_ = false;
};

/// A bundle as it has to be written.
struct BundleRow {
  std::string key, value;
};
/// The parts of `bundle` with those of `replaced` (by number) in place of their own; without samples a part goes.
/// Nothing when none is left. Errors: kCorruption of a part that is not replaced.
Result<std::optional<BundleRow>> Rewrite(BundleReader& bundle, std::int32_t day,
                                         const std::map<std::size_t, Columns>& replaced);

}  // namespace vedette::storage
