// The feeds of the journal (storage/feed.h): where each one is, and what the journal has to keep for them.
//
// A feed at commit p needs the records behind p, and those from before from which the rows behind p are decoded: a
// block of rows is read from its beginning on. The first of all of these is its *base*. Both are one row of `meta`
// (docs/storage_format.md), written like a commit, so that they survive the death of the process.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "storage/append_batch.h"
#include "storage/feed.h"
#include "storage/rocks/database.h"

namespace vedette::storage {

struct Engine;

struct FeedPosition {
  std::uint64_t through = 0;  // handed out, and not needed any more
  std::uint64_t base = 0;     // records from this commit on are
  std::string note;
};
std::string EncodeFeedPosition(const FeedPosition& position);
std::optional<FeedPosition> DecodeFeedPosition(std::string_view bytes);

/// Thread-safe.
class Feeds {
 public:
  explicit Feeds(Database& database) : database_(database) {}

  /// Reads the positions. Once, before anything is dropped from the journal.
  Status Recover();

  /// Records from this commit on are needed; UINT64_MAX: none.
  std::uint64_t HeldFrom() const { return held_from_.load(); }
  /// Whether commits have to write their exemplars for feeds.
  bool WantExemplars() const { return exemplars_.load(std::memory_order_relaxed); }
  void SetWantExemplars() { exemplars_ = has_exemplar_rows_ = true; }
  /// The exemplars of a commit, those numbered in `fresh`, as a row of `facts`.
  void PutExemplars(std::uint64_t commit, std::span<const BatchFacts::ExemplarSample> samples,
                    std::span<const std::size_t> fresh, rocksdb::WriteBatch& batch) const;
  /// Adds the deletion of what belongs to commits before `commit` and is not in the journal.
  void DropBefore(std::uint64_t commit, rocksdb::WriteBatch& batch) const;

  bool Find(std::string_view name, FeedPosition& out) const;
  Status Set(const std::string& name, const FeedPosition& position);
  Status Drop(std::string_view name);
  std::vector<std::string> Names() const;

 private:
  void Hold();

  Database& database_;
  std::atomic<std::uint64_t> held_from_{UINT64_MAX};
  std::atomic<bool> exemplars_{false};
  std::atomic<bool> has_exemplar_rows_{false};  // or may have
  mutable std::mutex mutex_;
  std::map<std::string, FeedPosition, std::less<>> positions_;
};

/// A feed that exists already or begins behind what is visible.
Result<std::unique_ptr<FeedReader>> NewFeedReader(Engine& engine, std::string_view name);

/// Row of `facts`: exemplars that came with a commit, for feeds.
std::string EncodeFeedExemplars(std::span<const BatchFacts::ExemplarSample> samples,
                                std::span<const std::size_t> which);
/// Errors: kCorruption.
Status DecodeFeedExemplars(std::string_view bytes, std::vector<FeedExemplar>& out);

}  // namespace vedette::storage
