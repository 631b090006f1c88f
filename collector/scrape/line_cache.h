// Remembers the lines of a target in their order, so that a scrape that repeats them costs a hash per line.
//
// A line is recognised by the length and the XXH3 of its text (of a series: without the value), seeded per process so
// that nobody can prepare texts that collide. 24 bytes per line and no text are kept. What comes in another format than
// text has keys of 96 bits instead (protobuf_reading.h) and is a line all the same. As long as a scrape follows the
// order of the one before, no table exists; at the first difference one is built, and the order is learned anew.
// Used by one TargetAppender, one thread at a time: Begin, then per line Expected/Advance or Find or Add, then Finish
// or Abandon.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "collector/exposition/parser.h"
#include "storage/storage.h"

namespace vedette::collector {

class LineCache {
 public:
  struct Key {
    std::uint64_t hash = 0;
    std::uint32_t length = 0;  // of a text; otherwise more of a hash
    bool operator==(const Key&) const = default;
  };
  static Key KeyOf(std::string_view text);
  /// The seed of this process, for keys of other things.
  static std::uint64_t Seed();

  struct Line {
    std::uint64_t hash = 0;
    storage::SeriesId series = storage::SeriesId::kNone;
    std::uint32_t length = 0;
    MetricType type = MetricType::kUnknown;  // of comments: the type in force behind them
    bool is_comment : 1 = false;             // whole lines of metadata and comments, line ends included
    bool dropped : 1 = false;                // by metric relabelling
    bool repeated : 1 = false;               // the same series text stands further up
    bool live : 1 = false;                   // had a sample at its last scrape: wants a marker when it goes
    bool fresh : 1 = false;                  // has a sample in this scrape, and will be live if that succeeds
    bool seen : 1 = false;                   // in this scrape; kept only after a difference
    bool histogram : 1 = false;              // its samples are native histograms
    bool converted : 1 = false;              // goes into a native histogram instead of being a sample
    std::uint16_t start = 0;                 // of the hash of its start time, when that was taken: zero is none
  };

  void Begin();

  /// The line that stood here at the last scrape, if `rest` starts with its text; null otherwise. O(length of the
  /// line).
  Line* Expected(std::string_view rest);
  /// The same for what is not text.
  Line* Expected(const Key& key);
  /// Behind the line that Expected() returned.
  void Advance();

  /// The line with this key, wherever it was, which becomes the next of the new order. A line that was there already
  /// in this scrape gives one with `repeated` set. Null: not known.
  Line* Find(const Key& key);
  /// A line that Find() does not know. The pointer is valid until the next call.
  Line& Add(const Key& key, bool is_comment, MetricType type);

  /// The line has a sample now and wants a marker when it goes.
  void MarkSampled(Line& line) {
    if (line.live) return;
    line.fresh = true;
    any_fresh_ = true;
  }

  using Gone = std::function<void(const Line&)>;
  /// The scrape succeeded: forgets lines that were missing and reports the live series among them.
  void Finish(const Gone& gone);
  /// The scrape failed: the order is what it was, with what is new behind it, so that it is not new again; no series is
  /// live any more. Reports those that were.
  void Abandon(const Gone& gone);
  /// Forgets everything; reports the live series.
  void Clear(const Gone& gone);

  std::size_t size() const { return lines_.size(); }
  bool diverged() const { return diverged_; }

 private:
  static constexpr std::uint32_t kNothing = 0xffffffff;

  Line* AtCursor();
  void Diverge();
  void TakeNewOrder(const Gone& gone);
  void Grow();
  void DropTable();
  std::uint32_t& Slot(const Key& key);
  Line* Append(const Line& line);

  std::vector<Line> lines_;  // the order of the last scrape, then what this one added
  std::size_t cursor_ = 0;   // the line expected next
  std::size_t known_ = 0;    // lines of the scrapes before
  std::size_t good_ = 0;     // those of them that the last good scrape had; they come first
  bool diverged_ = false;
  bool any_fresh_ = false;            // some line has `fresh` set
  std::vector<std::uint32_t> order_;  // after a difference: this scrape's order, as indexes into lines_
  std::vector<std::uint32_t> table_;  // after a difference: open addressing, a power of two
};
static_assert(sizeof(LineCache::Line) == 24);

}  // namespace vedette::collector
