// The inverted index of one UTC day as it lies in the column family `index`.
#pragma once

#include <cstdint>
#include <map>
#include <memory>

#include "storage/index/select.h"
#include "storage/rocks/database.h"

namespace vedette::storage {

class DiskIndex final : public PostingsSource {
 public:
  /// `snapshot` may be null: the newest state. All arguments must outlive the object.
  DiskIndex(const Database& database, std::int32_t day, const rocksdb::Snapshot* snapshot)
      : database_(database), day_(day), snapshot_(snapshot) {}

  Status All(Postings& out) const override;
  Status WithLabel(std::string_view name, std::string_view value, Postings& out) const override;
  Status WithValues(std::string_view name, std::string_view prefix, const AcceptValue& accept,
                    Postings& out) const override;
  /// Not known without a walk, and the labels of what was found are read anyway: as many as there can be.
  std::size_t ValueCount(std::string_view name) const override;
  Status VisitNames(const AcceptValue& visit) const override;
  Status VisitValues(std::string_view name, const AcceptValue& visit) const override;

 private:
  std::unique_ptr<rocksdb::Iterator> NewIterator() const;
  Status Damaged(std::string_view name, std::string_view value, const Error& error) const;

  const Database& database_;
  const std::int32_t day_;
  const rocksdb::Snapshot* snapshot_;
};

/// Collects the series of a seal round by label and adds them to the index rows of their days.
class DiskIndexBatch {
 public:
  /// The views in `labels` must stay valid until Write().
  void Add(std::int32_t day, SeriesId id, const Labels& labels);
  void Write(const Database& database, rocksdb::WriteBatch& batch);

 private:
  struct Day {
    Postings all;
    std::map<LabelView, Postings> by_label;
  };
  std::map<std::int32_t, Day> days_;
};

}  // namespace vedette::storage
