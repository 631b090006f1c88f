// Reads remote-write requests of both versions, without building them: each series is handed over as it comes.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>

#include "collector/push/pushed_series.h"
#include "collector/push/series_cache.h"
#include "core/result.h"

namespace vedette::collector {

/// Bytes that were compressed.
struct Decompressed {
  std::unique_ptr<char[]> bytes;
  std::size_t size = 0;

  std::string_view view() const { return {bytes.get(), size}; }
};

/// What snappy says it will decompress to. Errors: kBadData for no snappy and for a size that the input cannot reach,
/// kLimit when it is more than `max_bytes`.
Result<std::size_t> SnappySize(std::string_view compressed, std::size_t max_bytes);
/// Nothing is allocated before the size is known. Errors: as SnappySize(), kBadData for damaged input.
Result<Decompressed> DecompressSnappy(std::string_view compressed, std::size_t max_bytes);

/// So many samples, histograms or exemplars of a series are charged before they are read.
inline constexpr std::size_t kChargedAtOnce = 4096;

struct WriteRequestSink {
  /// Always called with the same object. Its errors end the reading.
  std::function<Status(PushedSeries&)> series;
  /// Metadata of 1.0, which belong to no series.
  std::function<void(const PushedMetadata&)> metadata;
  /// A series has kChargedAtOnce more items; empty: they cost nothing. Its errors end the reading.
  std::function<Status()> charge;

  /// After `items` of a kind one more is to be read.
  Status Charge(std::size_t items) const {
    return items > 0 && items % kChargedAtOnce == 0 && charge ? charge() : Ok();
  }
};

/// prometheus.WriteRequest (1.0). `hasher` makes the keys of the series. Unknown fields are skipped.
/// Errors: kBadData for malformed protobuf; series before it have been handed over.
Status ReadWriteRequest(std::string_view message, const SeriesCache& hasher, const WriteRequestSink& sink);

/// io.prometheus.write.v2.Request (2.0). Errors: likewise; kLimit for more symbols than anybody needs.
Status ReadWriteRequest2(std::string_view message, const SeriesCache& hasher, const WriteRequestSink& sink);

}  // namespace vedette::collector
