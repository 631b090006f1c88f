// A bundle: the samples of neighbouring series on one UTC day, in one row. Re-packing makes them of chunks.
//
// Series of one target have the same times, are described alike, and often follow each other: the buckets of a
// histogram, a total and its parts. In a bundle the times are stored once, what a chunk has as its header is a column
// of small numbers, and the values of a series may be coded next to those of one before it. All that a series needs
// lies in its row, so a row can be moved, written anew or deleted for itself.
//
// Layout: docs/storage_format.md, "Bundles". Decoders trust nothing: any bytes give samples or kCorruption, with memory
// bounded by kMaxChunkSamples and kMaxBundleDepth.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "storage/chunk/chunk_times.h"
#include "storage/chunk/chunk_values.h"
#include "storage/storage.h"

namespace vedette::storage {

inline constexpr std::size_t kMaxBundleParts = 4096;
/// A series with more parts stays in chunks: a query of an hour should not read a day of every second.
inline constexpr std::size_t kMaxSeriesParts = 4;
/// To read one part takes reading at most so many others, each next to which the one after it is coded: the buckets of
/// a histogram and their count.
inline constexpr std::size_t kMaxBundleDepth = 12;

/// Usage: Add() each series, Take().
class BundleEncoder {
 public:
  /// Samples of one series, strictly ascending in time, 1 to kMaxChunkSamples. Series ascend; a series may come in up
  /// to kMaxSeriesParts, one behind the other in time. `seal`: the newest round that any of them is of. At most
  /// kMaxBundleParts.
  void Add(SeriesId series, std::uint32_t seal, std::span<const std::int64_t> times, std::span<const double> values);

  bool empty() const { return ids_.empty(); }
  std::size_t parts() const { return ids_.size(); }
  /// Of the last part.
  SeriesId last() const { return SeriesId(static_cast<std::uint64_t>(ids_.back())); }
  /// What Take() returns is hardly larger.
  std::size_t bytes() const { return times_.size() + payloads_.size(); }
  /// Ends the bundle, which is not empty; the next Add() begins another.
  std::string Take();

 private:
  /// A part that others may be coded next to.
  struct Candidate {
    std::size_t part = 0, time_set = 0, depth = 0;
    std::vector<double> values;
  };
  struct Base {
    std::size_t distance = 0, depth = 0;  // 0: there is none
  };
  std::size_t TimeSet(std::span<const std::int64_t> times);
  Base FindBase(std::size_t set, std::span<const double> values, CodedValues& coded) const;

  std::vector<std::int64_t> ids_, seals_, time_sets_, bases_, codecs_, sizes_;  // of each part
  std::deque<std::pair<std::size_t, std::vector<std::int64_t>>> known_times_;   // newest first
  std::size_t time_set_count_ = 0;
  std::deque<Candidate> candidates_;  // newest first
  std::string times_, payloads_;
};

struct BundlePart {
  SeriesId series = SeriesId::kNone;
  std::uint32_t seal = 0;
  std::size_t count = 0;
  TimeRange range;  // of the first and the last sample
};

/// Reads one bundle after another. Keeps what it needs again: reading the parts in their order mostly decodes each
/// once.
class BundleReader {
 public:
  /// `bytes` must stay. Errors: kCorruption; kBadData for a format that this program does not read. No part is open
  /// then.
  Status Open(std::string_view bytes);

  std::span<const BundlePart> parts() const { return parts_; }
  /// The parts of a series: [first, end).
  std::pair<std::size_t, std::size_t> Find(SeriesId series) const;
  /// Appends the samples of a part within `range`. Errors: kCorruption; `out` is unchanged then.
  Status Decode(std::size_t part, TimeRange range, Columns& out);
  Status Decode(std::size_t part, Columns& out) { return Decode(part, parts_[part].range, out); }

 private:
  struct Place {
    std::size_t time_set = 0, base = 0, depth = 0;  // base: how many parts before; 0: none
    bool is_base = false;
    ValueLayout layout;
    std::string_view payload;
  };
  /// The first values of a part, which another is coded next to.
  struct Kept {
    std::size_t part = SIZE_MAX;
    std::vector<double> values;
  };
  bool ReadTimeSets(ByteReader& in, std::size_t sets);
  bool ReadParts(ByteReader& in, std::size_t count);
  bool DecodeTimeSet(std::size_t set, std::span<std::int64_t> out);
  bool DecodePart(std::size_t part, std::span<double> out);
  const std::vector<double>* Base(std::size_t part, std::size_t count);
  void Keep(std::size_t part, std::vector<double> values);

  std::vector<BundlePart> parts_;
  std::vector<Place> places_;
  std::vector<CodedTimes> time_sets_;
  std::size_t decoded_set_ = SIZE_MAX;
  std::vector<std::int64_t> decoded_times_;  // of an irregular set, all of them
  std::array<Kept, 4> kept_;
  std::size_t next_kept_ = 0;
};

}  // namespace vedette::storage
