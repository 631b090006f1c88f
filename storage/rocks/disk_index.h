// The inverted index of one UTC day as it lies in the column family `index`.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "storage/index/select.h"
#include "storage/rocks/database.h"
#include "storage/rocks/index_cache.h"

namespace vedette::storage {

/// Where a day's findings may be kept: nowhere without a stable version.
struct DayCache {
  IndexCache* cache = nullptr;
  std::optional<std::uint64_t> version;
  /// The series that came to the day after an earlier version; nothing: not known.
  std::function<std::optional<std::vector<SeriesEntry>>(std::uint64_t from)> added_since;
  explicit operator bool() const { return cache != nullptr && version.has_value(); }
};

/// Not thread-safe: made for one query.
class DiskIndex final : public PostingsSource, public KeptSets {
 public:
  /// `snapshot` may be null: the newest state. All arguments must outlive the object.
  DiskIndex(const Database& database, std::int32_t day, const rocksdb::Snapshot* snapshot, DayCache cache = {})
      : database_(database), day_(day), snapshot_(snapshot), cache_(std::move(cache)) {}

  Status All(Postings& out) const override;
  Status WithLabel(std::string_view name, std::string_view value, Postings& out) const override;
  Status WithValues(std::string_view name, std::string_view prefix, const AcceptValue& accept,
                    Postings& out) const override;
  /// Known when the list of values was read before; else as many as there can be.
  std::size_t ValueCount(std::string_view name) const override;
  Status VisitNames(const AcceptValue& visit) const override;
  Status VisitValues(std::string_view name, const AcceptValue& visit) const override;
  Result<std::size_t> SeriesCount(std::string_view name, std::string_view value) const override;
  Status KeepWithLabel(std::string_view name, std::string_view value, Postings& ids) const override;
  Status VisitValuesOf(std::string_view name, std::span<const SeriesId> ids, const AcceptValue& visit) const override;
  std::shared_ptr<const std::string> Recall(const Matcher& m) const override;
  void Remember(const Matcher& m, std::string postings) const override;

  Status VisitPairs(const Postings* within, const VisitPair& visit) const override;

  /// All rows but that of all series, in the order of their keys, until `visit` returns false or an error.
  using VisitRow =
      std::function<Result<bool>(std::string_view name, std::string_view value, std::string_view postings)>;
  Status VisitRows(const VisitRow& visit) const;

 private:
  using Bytes = std::shared_ptr<const std::string>;
  /// Null: there is no such row.
  Result<Bytes> Row(std::string_view name, std::string_view value) const;
  std::unique_ptr<rocksdb::Iterator> NewIterator() const;
  Status Damaged(std::string_view name, std::string_view value, const Error& error) const;
  std::shared_ptr<const IndexCache::Entry> Cached(IndexCache::Kind kind, std::string_view text) const;
  void PutCached(IndexCache::Kind kind, std::string_view text, IndexCache::Entry entry) const;
  /// What is kept for any version, brought to this one by `update(entry, series that came since)`; null: nothing.
  using Update = std::function<Status(IndexCache::Entry&, std::span<const SeriesEntry>)>;
  std::shared_ptr<const IndexCache::Entry> Current(IndexCache::Kind kind, std::string_view text,
                                                   const Update& update) const;
  /// Through the cached list, or by `walk`, whose texts then make one.
  Status VisitTexts(IndexCache::Kind kind, std::string_view text, const AcceptValue& visit,
                    const std::function<Status(const AcceptValue&)>& walk) const;
  Status WalkNames(const AcceptValue& visit) const;
  Status WalkValues(std::string_view name, const AcceptValue& visit) const;

  const Database& database_;
  const std::int32_t day_;
  const rocksdb::Snapshot* snapshot_;
  const DayCache cache_;
  mutable std::map<std::string, Bytes, std::less<>> rows_;  // what this query read: a row is counted, then used
};

/// Collects the series of a seal round by label and adds them to the index rows of their days.
class DiskIndexBatch {
 public:
  /// The views in `labels` must stay valid until Write().
  void Add(std::int32_t day, SeriesId id, const Labels& labels);
  /// Hold the result until the batch is written.
  DayVersions::Change Write(const Database& database, rocksdb::WriteBatch& batch);

 private:
  struct Day {
    Postings all;
    std::map<LabelView, Postings> by_label;
  };
  std::map<std::int32_t, Day> days_;
};

}  // namespace vedette::storage
