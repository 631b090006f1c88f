// Remote read's stream, written: the chunks of a series in the order of their times.
#include <algorithm>
#include <limits>

#include "collector/remote/histogram_chunk.h"
#include "collector/remote/proto_writer.h"
#include "collector/remote/read_message.h"
#include "collector/remote/xor_chunk.h"
#include "storage/coding.h"
#include "storage/crc32c.h"

namespace vedette::collector {
namespace {

std::string ChunkMessage(std::uint64_t kind, std::span<const std::int64_t> times, const std::string& data) {
  std::string out;
  proto::PutNumber(out, 1, static_cast<std::uint64_t>(times.front()));
  proto::PutNumber(out, 2, static_cast<std::uint64_t>(times.back()));
  proto::PutNumber(out, 3, kind);
  proto::PutText(out, 4, data);
  return out;
}

/// The chunks of a series by time, those of floats and of histograms never overlapping.
class ChunkSource {
 public:
  ChunkSource(const storage::Columns& floats, const storage::HistogramColumns& histograms)
      : floats_(floats), histograms_(histograms) {}

  bool Done() const { return float_ == floats_.size() && histogram_ == histograms_.size(); }
  std::string Next() {
    const std::int64_t float_time = TimeAt(floats_.times, float_);
    const std::int64_t histogram_time = TimeAt(histograms_.times, histogram_);
    const bool is_float = histogram_ == histograms_.size() || (float_ < floats_.size() && float_time < histogram_time);
    return is_float ? NextFloats(histogram_time) : NextHistograms(float_time);
  }

 private:
  static std::int64_t TimeAt(std::span<const std::int64_t> times, std::size_t i) {
    return i < times.size() ? times[i] : std::numeric_limits<std::int64_t>::max();
  }
  std::string NextFloats(std::int64_t end) {
    std::span<const std::int64_t> times = std::span(floats_.times).subspan(float_);
    std::size_t n = std::min(kXorChunkSamples, times.size());
    if (histogram_ < histograms_.size()) {
      n = static_cast<std::size_t>(std::ranges::lower_bound(times.first(n), end) - times.begin());
    }
    times = times.first(n);
    const std::string data = EncodeXorChunk(times, std::span(floats_.values).subspan(float_, n));
    float_ += n;
    return ChunkMessage(kXorKind, times, data);
  }
  std::string NextHistograms(std::int64_t end) {
    const auto left = std::span(histograms_.histograms).subspan(histogram_);
    std::span<const std::int64_t> times = std::span(histograms_.times).subspan(histogram_);
    std::size_t n = FitHistogramChunk(left);
    if (float_ < floats_.size()) {
      n = static_cast<std::size_t>(std::ranges::upper_bound(times.first(n), end) - times.begin());
    }
    times = times.first(n);
    const std::string data = EncodeHistogramChunk(times, left.first(n));
    histogram_ += n;
    return ChunkMessage(IsIntegerChunk(left.front()) ? kHistogramKind : kFloatHistogramKind, times, data);
  }

  const storage::Columns& floats_;
  const storage::HistogramColumns& histograms_;
  std::size_t float_ = 0, histogram_ = 0;  // the next ones
};

}  // namespace

void PutReadFrames(const Labels& labels, const storage::Columns& floats, const storage::HistogramColumns& histograms,
                   std::size_t query, std::size_t max_frame, std::string& stream) {
  std::string name, series, frame;
  PutLabelMessages(labels, name);
  const auto flush = [&] {
    frame.clear();
    proto::PutText(frame, 1, series);
    if (query != 0) proto::PutNumber(frame, 2, query);
    storage::PutVarint(stream, frame.size());
    storage::PutBigEndian(stream, storage::Crc32c(frame));
    stream += frame;
    series.clear();
  };
  for (ChunkSource chunks(floats, histograms); !chunks.Done();) {
    if (series.empty()) series = name;
    proto::PutText(series, 2, chunks.Next());
    if (series.size() >= max_frame) flush();
  }
  if (!series.empty()) flush();
}

}  // namespace vedette::collector
