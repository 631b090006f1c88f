// The series on their way to one remote end: what they are called there, made once and kept as long as they come.
//
// A series gets its external labels and passes the write relabelling when it is met; what is left is kept as the bytes,
// or the numbers of symbols, that the message names it by. Bounded: beyond a limit what nobody waits for is forgotten
// and made again when it comes. One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "collector/remote/options.h"
#include "core/labels.h"
#include "core/result.h"
#include "storage/storage.h"

namespace vedette::collector {

/// Texts with numbers, of messages that name each text once.
class TextTable {
 public:
  std::uint32_t Intern(std::string_view text);
  std::string_view Text(std::uint32_t symbol) const { return texts_[symbol]; }
  std::size_t size() const { return texts_.size(); }
  std::size_t bytes() const { return bytes_; }

 private:
  std::deque<std::string> texts_;  // do not move
  std::unordered_map<std::string_view, std::uint32_t> numbers_;
  std::size_t bytes_ = 0;
};

struct OutgoingSeries {
  storage::SeriesId id = storage::SeriesId::kNone;
  std::uint64_t hash = 0;         // of the id, which outlives restarts and other relabelling: chooses the shard
  std::uint64_t last_commit = 0;  // with samples of it
  bool dropped = false;           // by relabelling
  bool unknown = false;           // the store has no labels of it any more
  bool used = false;              // since the last sweep
  // Of the message that is being made.
  std::uint32_t message = 0, place = 0;
  /// First message type: all labels as they are written. Second: empty.
  std::string label_bytes;
  /// Second message type: symbols of names and values in turn.
  std::vector<std::uint32_t> symbols;
  static constexpr std::uint32_t kNoName = UINT32_MAX;
  std::uint32_t name_symbol = kNoName;  // of the metric
};

class OutgoingSeriesTable {
 public:
  /// `end` and `external` must outlive the table.
  OutgoingSeriesTable(const RemoteWriteEnd& end, const Labels& external, std::size_t max_bytes)
      : end_(end), external_(external), max_bytes_(max_bytes) {}

  OutgoingSeries* Find(storage::SeriesId id);
  /// A series that Find() does not know; empty labels: the store does not know them.
  OutgoingSeries& Add(storage::SeriesId id, const Labels& labels);

  bool full() const { return bytes_ + symbols_->bytes() > max_bytes_; }
  /// Forgets series whose samples all came with commits up to `done`, those first that were not used since the last
  /// sweep. Pointers to them end, and all numbers of symbols change.
  void Sweep(std::uint64_t done);

  const TextTable& symbols() const { return *symbols_; }
  std::size_t size() const { return series_.size(); }
  std::size_t bytes() const { return bytes_ + symbols_->bytes(); }

 private:
  static std::size_t BytesOf(const OutgoingSeries& series);
  void Name(OutgoingSeries& series, const Labels& labels);

  const RemoteWriteEnd& end_;
  const Labels& external_;
  const std::size_t max_bytes_;
  std::unordered_map<storage::SeriesId, std::unique_ptr<OutgoingSeries>> series_;
  std::unique_ptr<TextTable> symbols_ = std::make_unique<TextTable>();
  std::size_t bytes_ = 0;
};

/// The labels of a series as a remote end sees them: external ones are added where there is none of that name, then
/// write_relabel_configs. Empty: dropped.
Labels LabelsForEnd(const Labels& labels, const Labels& external, std::span<const RelabelConfig> rules);

}  // namespace vedette::collector
