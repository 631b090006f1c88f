// The messages of remote read, both ways: requests with matchers, and answers as samples or as a stream of chunks.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/labels.h"
#include "core/matcher.h"
#include "core/result.h"
#include "core/time.h"
#include "storage/storage.h"

namespace vedette::collector {

inline constexpr std::string_view kStreamedType =
    "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse";

struct ReadQuery {
  TimeRange range;
  std::vector<Matcher> matchers;
};

struct ReadRequest {
  std::vector<ReadQuery> queries;
  std::vector<std::uint64_t> accepted;  // response types, in the order of preference; empty: samples
};
inline constexpr std::uint64_t kSamplesType = 0, kStreamedChunksType = 1;

/// Protobuf, not compressed.
std::string EncodeReadRequest(const ReadRequest& request);
/// Errors: kBadData for malformed bytes, unknown kinds of matchers, expressions that do not compile.
Result<ReadRequest> DecodeReadRequest(std::string_view message);

/// A series of an answer; samples ascend by time, each once.
struct RemoteSeries {
  Labels labels;
  storage::Columns floats;
  storage::HistogramColumns histograms;
};

/// prometheus.ReadResponse with the result of one query. Errors: kBadData.
Result<std::vector<RemoteSeries>> DecodeReadResponse(std::string_view message);

/// A stream of frames: size, CRC-32C, prometheus.ChunkedReadResponse. `has_histograms` is set when there are chunks of
/// native histograms, which are not decoded: they are to be asked for as samples. Errors: kBadData, also for a frame of
/// more than `max_frame` bytes.
Result<std::vector<RemoteSeries>> DecodeReadStream(std::string_view body, std::size_t max_frame, bool& has_histograms);

// The answering side.
/// Appends a TimeSeries to a QueryResult.
void PutReadSeries(const Labels& labels, const storage::Columns& floats, const storage::HistogramColumns& histograms,
                   std::string& result);
/// A ReadResponse of these results.
std::string EncodeReadResponse(std::span<const std::string> results);
/// Appends frames of at most about `max_frame` bytes with the chunks of a series.
void PutReadFrames(const Labels& labels, const storage::Columns& floats, std::size_t query, std::size_t max_frame,
                   std::string& stream);

}  // namespace vedette::collector
