#include "collector/remote/read_message.h"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <utility>

#include "collector/push/wire.h"
#include "collector/push/write_request.h"
#include "collector/remote/histogram_chunk.h"
#include "collector/remote/histogram_proto.h"
#include "collector/remote/proto_writer.h"
#include "collector/remote/xor_chunk.h"
#include "storage/crc32c.h"

namespace vedette::collector {
namespace {

using Wire = WireReader::Type;

Error MalformedRead(std::string_view what) {
  return Error{Code::kBadData, fmt::format("malformed remote-read message: {}", what)};
}

/// The kinds in the order of their numbers: EQ, NEQ, RE, NRE.
constexpr MatchOp kOps[] = {MatchOp::kEqual, MatchOp::kNotEqual, MatchOp::kRegex, MatchOp::kNotRegex};

Result<Matcher> ReadMatcher(std::string_view bytes) {
  std::uint64_t type = 0;
  std::string_view name, value;
  WireReader in(bytes);
  while (in.Next()) {
    if (in.Is(1, Wire::kVarint)) {
      type = static_cast<std::uint64_t>(in.Varint());
    } else if (in.Is(2, Wire::kBytes)) {
      name = in.Bytes();
    } else if (in.Is(3, Wire::kBytes)) {
      value = in.Bytes();
    } else {
      in.Skip();
    }
  }
  if (!in.ok()) return MalformedRead("a matcher");
  if (type >= std::size(kOps)) return Fail(Code::kBadData, "invalid matcher type: {}", type);
  return Matcher::Create(kOps[type], std::string(name), std::string(value));
}

Result<ReadQuery> ReadOneQuery(std::string_view bytes) {
  ReadQuery out;
  out.range = {TimeMs(0), TimeMs(0)};
  WireReader in(bytes);
  while (in.Next()) {
    if (in.Is(1, Wire::kVarint)) {
      out.range.min = TimeMs(in.Varint());
    } else if (in.Is(2, Wire::kVarint)) {
      out.range.max = TimeMs(in.Varint());
    } else if (in.Is(3, Wire::kBytes)) {
      VEDETTE_TRY(Matcher matcher, ReadMatcher(in.Bytes()));
      out.matchers.push_back(std::move(matcher));
    } else {
      in.Skip();  // hints
    }
  }
  if (!in.ok()) return MalformedRead("a query");
  return out;
}

/// A label message, appended to `labels` as views.
bool ReadLabel(std::string_view bytes, std::vector<LabelView>& labels) {
  LabelView label;
  WireReader in(bytes);
  while (in.Next()) {
    if (in.Is(1, Wire::kBytes)) {
      label.name = in.Bytes();
    } else if (in.Is(2, Wire::kBytes)) {
      label.value = in.Bytes();
    } else {
      in.Skip();
    }
  }
  labels.push_back(label);
  return in.ok();
}

/// Label sets of answers need no metric name, unlike those that are stored.
Result<Labels> MakeReadLabels(std::vector<LabelView>& labels) {
  std::erase_if(labels, [](const LabelView& label) { return label.value.empty(); });
  std::ranges::sort(labels, {}, &LabelView::name);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const bool twice = i > 0 && labels[i].name == labels[i - 1].name;
    if (twice || labels[i].name.empty() || !IsValidUtf8(labels[i].name) || !IsValidUtf8(labels[i].value)) {
      return Fail(Code::kBadData, "remote read: bad label {}", Quote(labels[i].name));
    }
  }
  return Labels::FromSorted(labels);
}

template <class Values>
void SortByTime(storage::Column<std::int64_t>& times, Values& values) {
  if (std::ranges::adjacent_find(times, std::ranges::greater_equal{}) == times.end()) return;
  std::vector<std::size_t> order(times.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return times[i]; });
  storage::Column<std::int64_t> sorted_times;
  Values sorted_values;
  for (const std::size_t i : order) {
    if (!sorted_times.empty() && sorted_times.back() == times[i]) continue;
    sorted_times.push_back(times[i]);
    sorted_values.push_back(values[i]);
  }
  times = std::move(sorted_times);
  values = std::move(sorted_values);
}

/// Puts what else was said of a series behind what was said before.
void AppendSeries(RemoteSeries&& from, RemoteSeries& to) {
  to.floats.times.insert(to.floats.times.end(), from.floats.times.begin(), from.floats.times.end());
  to.floats.values.insert(to.floats.values.end(), from.floats.values.begin(), from.floats.values.end());
  to.histograms.times.insert(to.histograms.times.end(), from.histograms.times.begin(), from.histograms.times.end());
  std::ranges::move(from.histograms.histograms, std::back_inserter(to.histograms.histograms));
}

/// Sorts by labels, and the samples of each by time; of samples with one time the first stays.
void PutInOrder(std::vector<RemoteSeries>& all) {
  std::ranges::stable_sort(all, {}, &RemoteSeries::labels);
  std::vector<RemoteSeries> merged;
  for (RemoteSeries& series : all) {
    if (merged.empty() || merged.back().labels != series.labels) {
      merged.push_back(std::move(series));
      continue;
    }
    AppendSeries(std::move(series), merged.back());
  }
  for (RemoteSeries& series : merged) {
    SortByTime(series.floats.times, series.floats.values);
    SortByTime(series.histograms.times, series.histograms.histograms);
  }
  all = std::move(merged);
}

/// The labels that were read, to be kept.
Result<Labels> KeepLabels(std::vector<LabelView>& labels, ReadBudget& budget) {
  std::size_t bytes = 0;
  for (const LabelView& label : labels) bytes += label.name.size() + label.value.size() + sizeof(LabelView);
  VEDETTE_CHECK(budget.Series(bytes));
  return MakeReadLabels(labels);
}

/// Floats of a series, or labels of one, that are asked for at once.
constexpr std::size_t kHeldAtOnce = 4096;
/// Labels of one series.
constexpr std::size_t kMaxReadLabels = 1 << 16;

Result<RemoteSeries> ReadSampleSeries(std::string_view bytes, ReadBudget& budget) {
  RemoteSeries out;
  std::vector<LabelView> labels;
  std::size_t fresh = 0;  // floats that were not asked for yet
  WireReader in(bytes);
  while (in.Next()) {
    if (in.Is(1, Wire::kBytes)) {
      if (!ReadLabel(in.Bytes(), labels)) return MalformedRead("a label");
      if (labels.size() > kMaxReadLabels) return MalformedRead("a series of too many labels");
    } else if (in.Is(2, Wire::kBytes)) {
      WireReader sample(in.Bytes());
      double value = 0;
      std::int64_t time = 0;
      while (sample.Next()) {
        if (sample.Is(1, Wire::kFixed64)) {
          value = sample.Double();
        } else if (sample.Is(2, Wire::kVarint)) {
          time = sample.Varint();
        } else {
          sample.Skip();
        }
      }
      if (!sample.ok()) return MalformedRead("a sample");
      if (++fresh == kHeldAtOnce) VEDETTE_CHECK(budget.Samples(std::exchange(fresh, 0)));
      out.floats.times.push_back(time);
      out.floats.values.push_back(value);
    } else if (in.Is(4, Wire::kBytes)) {
      VEDETTE_TRY(TimedHistogram histogram, ReadHistogramMessage(in.Bytes()));
      VEDETTE_CHECK(budget.Samples(SampleWeight(histogram.histogram)));
      out.histograms.times.push_back(histogram.time.ms);
      out.histograms.histograms.push_back(std::move(histogram.histogram));
    } else {
      in.Skip();
    }
  }
  if (!in.ok()) return MalformedRead("a series");
  VEDETTE_CHECK(budget.Samples(fresh));
  VEDETTE_TRY(out.labels, KeepLabels(labels, budget));
  return out;
}

Status ReadChunk(std::string_view bytes, ReadBudget& budget, RemoteSeries& out) {
  std::uint64_t type = 0;
  std::string_view data;
  WireReader in(bytes);
  while (in.Next()) {
    if (in.Is(3, Wire::kVarint)) {
      type = static_cast<std::uint64_t>(in.Varint());
    } else if (in.Is(4, Wire::kBytes)) {
      data = in.Bytes();
    } else {
      in.Skip();
    }
  }
  if (!in.ok()) return MalformedRead("a chunk");
  if (type == kHistogramKind || type == kFloatHistogramKind) {
    const auto hold = [&](std::size_t weight) { return budget.Samples(weight); };
    return DecodeHistogramChunk(data, type == kHistogramKind, hold, out.histograms);
  }
  if (type != kXorKind) return Fail(Code::kBadData, "remote read: chunk of the unknown encoding {}", type);
  VEDETTE_CHECK(budget.Samples(XorChunkSize(data)));
  return DecodeXorChunk(data, out.floats);
}

Result<RemoteSeries> ReadChunkedSeries(std::string_view bytes, ReadBudget& budget) {
  RemoteSeries out;
  std::vector<LabelView> labels;
  WireReader in(bytes);
  while (in.Next()) {
    if (in.Is(1, Wire::kBytes)) {
      if (!ReadLabel(in.Bytes(), labels)) return MalformedRead("a label");
      if (labels.size() > kMaxReadLabels) return MalformedRead("a series of too many labels");
    } else if (in.Is(2, Wire::kBytes)) {
      VEDETTE_CHECK(ReadChunk(in.Bytes(), budget, out));
    } else {
      in.Skip();
    }
  }
  if (!in.ok()) return MalformedRead("a series");
  VEDETTE_TRY(out.labels, KeepLabels(labels, budget));
  return out;
}

}  // namespace

void PutLabelMessages(const Labels& labels, std::string& out) {
  std::string label;
  for (const auto& [name, value] : labels) {
    label.clear();
    proto::PutText(label, 1, name);
    proto::PutText(label, 2, value);
    proto::PutText(out, 1, label);
  }
}

std::string EncodeReadRequest(const ReadRequest& request) {
  std::string out, query, matcher;
  for (const ReadQuery& item : request.queries) {
    query.clear();
    proto::PutNumber(query, 1, static_cast<std::uint64_t>(item.range.min.ms));
    proto::PutNumber(query, 2, static_cast<std::uint64_t>(item.range.max.ms));
    for (const Matcher& m : item.matchers) {
      matcher.clear();
      const auto type = static_cast<std::uint64_t>(std::ranges::find(kOps, m.op()) - std::begin(kOps));
      if (type != 0) proto::PutNumber(matcher, 1, type);
      proto::PutText(matcher, 2, m.name());
      proto::PutText(matcher, 3, m.value());
      proto::PutText(query, 3, matcher);
    }
    proto::PutText(out, 1, query);
  }
  std::string packed;
  for (const std::uint64_t type : request.accepted) storage::PutVarint(packed, type);
  if (!packed.empty()) proto::PutText(out, 2, packed);
  return out;
}

Result<ReadRequest> DecodeReadRequest(std::string_view message) {
  ReadRequest out;
  WireReader in(message);
  while (in.Next()) {
    if (in.Is(1, Wire::kBytes)) {
      VEDETTE_TRY(ReadQuery query, ReadOneQuery(in.Bytes()));
      out.queries.push_back(std::move(query));
    } else if (in.Is(2, Wire::kVarint)) {
      out.accepted.push_back(static_cast<std::uint64_t>(in.Varint()));
    } else if (in.Is(2, Wire::kBytes)) {
      storage::ByteReader packed(in.Bytes());
      for (auto type = packed.Varint(); type; type = packed.Varint()) out.accepted.push_back(*type);
    } else {
      in.Skip();
    }
  }
  if (!in.ok()) return MalformedRead("the request");
  return out;
}

Result<std::vector<RemoteSeries>> DecodeReadResponse(std::string_view message, ReadBudget& budget) {
  std::vector<RemoteSeries> out;
  WireReader in(message);
  while (in.Next()) {
    if (!in.Is(1, Wire::kBytes)) {
      in.Skip();
      continue;
    }
    WireReader result(in.Bytes());
    while (result.Next()) {
      if (!result.Is(1, Wire::kBytes)) {
        result.Skip();
        continue;
      }
      VEDETTE_TRY(RemoteSeries series, ReadSampleSeries(result.Bytes(), budget));
      out.push_back(std::move(series));
    }
    if (!result.ok()) return MalformedRead("a result");
  }
  if (!in.ok()) return MalformedRead("the response");
  PutInOrder(out);
  return out;
}

Status ReadBudget::Samples(std::size_t count) {
  if (!hold_ || count == 0) return Ok();
  Status held = hold_(count);
  refused_ = refused_ || !held;
  return held;
}

Status ReadBudget::Series(std::size_t label_bytes) {
  const std::size_t bytes = label_bytes + sizeof(RemoteSeries);
  if (bytes > series_bytes_) return Fail(Code::kLimit, "remote read: the labels of an answer are too large");
  series_bytes_ -= bytes;
  return Ok();
}

Status ReadStreamDecoder::Read(std::string_view piece) {
  constexpr std::size_t kLongestVarint = 10, kSumBytes = 4;
  waiting_ += piece;
  storage::ByteReader in(waiting_);
  for (;;) {
    storage::ByteReader frame = in;
    const auto size = frame.Varint();
    if (!size && in.size() >= kLongestVarint) return MalformedRead("the size of a frame");
    if (size && *size > max_frame_) {
      return Fail(Code::kBadData, "remote read: a frame of {} bytes, more than chunked_read_limit {}", *size,
                  max_frame_);
    }
    if (!size || frame.size() < kSumBytes + *size) break;
    const std::string_view sum = *frame.Bytes(kSumBytes), bytes = *frame.Bytes(*size);
    if (storage::Crc32c(bytes) != storage::GetBigEndian<std::uint32_t>(sum))
      return MalformedRead("checksum of a frame");
    VEDETTE_CHECK(ReadFrame(bytes));
    in = frame;
  }
  waiting_.erase(0, waiting_.size() - in.size());
  return Ok();
}

Status ReadStreamDecoder::ReadFrame(std::string_view frame) {
  WireReader message(frame);
  while (message.Next()) {
    if (!message.Is(1, Wire::kBytes)) {
      message.Skip();
      continue;
    }
    VEDETTE_TRY(RemoteSeries series, ReadChunkedSeries(message.Bytes(), budget_));
    if (!series_.empty() && series_.back().labels == series.labels) {
      AppendSeries(std::move(series), series_.back());
    } else {
      series_.push_back(std::move(series));
    }
  }
  return message.ok() ? Ok() : Status(MalformedRead("a frame"));
}

Result<std::vector<RemoteSeries>> ReadStreamDecoder::Finish() && {
  if (!waiting_.empty()) return MalformedRead("the stream ends within a frame");
  PutInOrder(series_);
  return std::move(series_);
}

void PutReadSeries(const Labels& labels, const storage::Columns& floats, const storage::HistogramColumns& histograms,
                   std::string& result) {
  std::string series, item;
  PutLabelMessages(labels, series);
  for (std::size_t i = 0; i < floats.size(); ++i) {
    item.clear();
    proto::PutDouble(item, 1, floats.values[i]);
    if (floats.times[i] != 0) proto::PutNumber(item, 2, static_cast<std::uint64_t>(floats.times[i]));
    proto::PutText(series, 2, item);
  }
  for (std::size_t i = 0; i < histograms.size(); ++i) {
    item.clear();
    PutHistogramMessage(histograms.histograms[i], TimeMs(histograms.times[i]), item);
    proto::PutText(series, 4, item);
  }
  proto::PutText(result, 1, series);
}

std::string EncodeReadResponse(std::span<const std::string> results) {
  std::string out;
  for (const std::string& result : results) proto::PutText(out, 1, result);
  return out;
}

}  // namespace vedette::collector
