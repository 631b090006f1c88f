// The messages of remote read, both ways: requests with matchers, and answers as samples or as a stream of chunks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
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

/// What an answer may take while it is decoded: few bytes on the wire may stand for very many samples or series.
class ReadBudget {
 public:
  /// `hold` is asked before so many more samples are kept, a histogram counting for several; empty: any number.
  using Hold = std::function<Status(std::size_t samples)>;
  static constexpr std::size_t kMaxSeriesBytes = std::size_t{256} << 20;
  explicit ReadBudget(Hold hold = {}, std::size_t max_series_bytes = kMaxSeriesBytes)
      : hold_(std::move(hold)), series_bytes_(max_series_bytes) {}

  /// Errors: of `hold`.
  Status Samples(std::size_t count);
  /// One more series with labels of so many bytes. Errors: kLimit.
  Status Series(std::size_t label_bytes);
  /// Samples() has failed: it is the one who asked that does not want more, whatever the answer is.
  bool refused() const { return refused_; }

 private:
  Hold hold_;
  std::size_t series_bytes_;
  bool refused_ = false;
};

/// prometheus.ReadResponse with the result of one query. Errors: kBadData; of the budget.
Result<std::vector<RemoteSeries>> DecodeReadResponse(std::string_view message, ReadBudget& budget);

/// A stream of frames: size, CRC-32C, prometheus.ChunkedReadResponse; decoded as it comes.
class ReadStreamDecoder {
 public:
  ReadStreamDecoder(std::size_t max_frame, ReadBudget& budget) : max_frame_(max_frame), budget_(budget) {}

  /// Errors: kBadData, also for a frame of more than `max_frame` bytes; of the budget.
  Status Read(std::string_view piece);
  /// All of it was read. Errors: kBadData in the midst of a frame.
  Result<std::vector<RemoteSeries>> Finish() &&;

 private:
  Status ReadFrame(std::string_view frame);

  const std::size_t max_frame_;
  ReadBudget& budget_;
  std::string waiting_;  // less than a frame
  std::vector<RemoteSeries> series_;
};

/// The kinds of chunks by their numbers in messages.
inline constexpr std::uint64_t kXorKind = 1, kHistogramKind = 2, kFloatHistogramKind = 3;

// The answering side.
/// Appends the labels as field 1 of a series.
void PutLabelMessages(const Labels& labels, std::string& out);
/// Appends a TimeSeries to a QueryResult.
void PutReadSeries(const Labels& labels, const storage::Columns& floats, const storage::HistogramColumns& histograms,
                   std::string& result);
/// A ReadResponse of these results.
std::string EncodeReadResponse(std::span<const std::string> results);
/// Appends frames of at most about `max_frame` bytes with the chunks of a series.
void PutReadFrames(const Labels& labels, const storage::Columns& floats, const storage::HistogramColumns& histograms,
                   std::size_t query, std::size_t max_frame, std::string& stream);

}  // namespace vedette::collector
