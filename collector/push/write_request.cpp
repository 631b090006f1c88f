#include "collector/push/write_request.h"

#include <snappy.h>

#include <cstring>

#include "collector/push/wire.h"

namespace vedette::collector {
namespace {

using Type = WireReader::Type;

Error MalformedRequest(std::string_view what) { return Fail(Code::kBadData, "malformed protobuf in {}", what); }

/// Labels usually stand together at the beginning: then their bytes are a view; otherwise they are gathered.
class LabelBytes {
 public:
  void Add(const char* begin, const char* end) {
    if (view_.empty()) {
      view_ = {begin, static_cast<std::size_t>(end - begin)};
    } else if (gathered_.empty() && view_.data() + view_.size() == begin) {
      view_ = {view_.data(), static_cast<std::size_t>(end - view_.data())};
    } else {
      if (gathered_.empty()) gathered_ = view_;
      gathered_.append(begin, end);
      view_ = gathered_;
    }
  }
  std::string_view view() const { return view_; }

 private:
  std::string_view view_;
  std::string gathered_;
};

/// As every sender writes a sample of our days: the value, and a time of six bytes. False: otherwise.
bool ReadUsualSample(std::string_view bytes, storage::Sample& sample) {
  constexpr std::size_t kSize = 16, kTimeAt = 10;
  if (bytes.size() != kSize || bytes[0] != 0x09 || bytes[kTimeAt - 1] != 0x10) return false;
  std::uint64_t raw = 0;
  std::memcpy(&raw, bytes.data() + kTimeAt, kSize - kTimeAt);
  if ((raw & 0x8080'8080'8080) != 0x0080'8080'8080) return false;
  std::uint64_t time = raw & 0x7f;
  for (int i = 1; i < 6; ++i) time |= (raw >> i) & (std::uint64_t{0x7f} << (7 * i));
  std::memcpy(&sample.value, bytes.data() + 1, sizeof sample.value);
  sample.time = TimeMs(static_cast<std::int64_t>(time));
  return true;
}

bool ReadSample(WireReader& outer, storage::Sample& sample) {
  const std::string_view bytes = outer.Bytes();
  if (ReadUsualSample(bytes, sample)) return true;
  WireReader reader(bytes);
  while (reader.Next()) {
    if (reader.Is(1, Type::kFixed64)) {
      sample.value = reader.Double();
    } else if (reader.Is(2, Type::kVarint)) {
      sample.time = TimeMs(reader.Varint());
    } else {
      reader.SkipUnknown(1U << 1 | 1U << 2);
    }
  }
  return reader.ok() && outer.ok();
}

Status ReadSeries(std::string_view bytes, const WriteRequestSink& sink, PushedSeries& series, LabelBytes& labels) {
  WireReader reader(bytes);
  while (reader.Next()) {
    if (reader.Is(1, Type::kBytes)) {
      reader.Bytes();
      if (reader.ok()) labels.Add(reader.tag_at(), reader.at());
    } else if (reader.Is(2, Type::kBytes)) {
      VEDETTE_CHECK(sink.Charge(series.samples.size()));
      if (!ReadSample(reader, series.samples.emplace_back(TimeMs(0), 0.0))) return MalformedRequest("a sample");
    } else if (reader.Is(3, Type::kBytes)) {
      VEDETTE_CHECK(sink.Charge(series.exemplars.size()));
      series.exemplars.push_back(reader.Bytes());
    } else if (reader.Is(4, Type::kBytes)) {
      VEDETTE_CHECK(sink.Charge(series.histograms.size()));
      series.histograms.push_back(reader.Bytes());
    } else {
      reader.SkipUnknown(1U << 1 | 1U << 2 | 1U << 3 | 1U << 4);
    }
  }
  series.label_bytes = labels.view();
  return reader.ok() ? Ok() : Status(MalformedRequest("a time series"));
}

Status ReadMetadata(std::string_view bytes, PushedMetadata& out) {
  WireReader reader(bytes);
  while (reader.Next()) {
    if (reader.Is(1, Type::kVarint)) {
      out.type = PushedTypeName(static_cast<std::uint64_t>(reader.Varint()));
    } else if (reader.Is(2, Type::kBytes)) {
      out.family = reader.Bytes();
    } else if (reader.Is(4, Type::kBytes)) {
      out.help = reader.Bytes();
    } else if (reader.Is(5, Type::kBytes)) {
      out.unit = reader.Bytes();
    } else {
      reader.SkipUnknown(1U << 1 | 1U << 2 | 1U << 4 | 1U << 5);
    }
  }
  return reader.ok() ? Ok() : Status(MalformedRequest("metadata"));
}

}  // namespace

Result<std::size_t> SnappySize(std::string_view compressed, std::size_t max_bytes) {
  std::size_t size = 0;
  if (!snappy::GetUncompressedLength(compressed.data(), compressed.size(), &size)) {
    return Fail(Code::kBadData, "snappy: corrupt input");
  }
  if (size > max_bytes) {
    return Fail(Code::kLimit, "snappy: decoded length {} exceeds limit {}", size, max_bytes);
  }
  // A declared length that the stream cannot reach would be paid for in memory: each byte makes at most 64.
  if (size / 64 > compressed.size()) return Fail(Code::kBadData, "snappy: corrupt input");
  return size;
}

Result<Decompressed> DecompressSnappy(std::string_view compressed, std::size_t max_bytes) {
  VEDETTE_TRY(const std::size_t size, SnappySize(compressed, max_bytes));
  Decompressed out{std::make_unique_for_overwrite<char[]>(size), size};
  if (!snappy::RawUncompress(compressed.data(), compressed.size(), out.bytes.get())) {
    return Fail(Code::kBadData, "snappy: corrupt input");
  }
  return out;
}

Status ReadWriteRequest(std::string_view message, const SeriesCache& hasher, const WriteRequestSink& sink) {
  PushedSeries series;
  WireReader reader(message);
  while (reader.Next()) {
    if (reader.Is(3, Type::kBytes)) {
      PushedMetadata metadata;
      VEDETTE_CHECK(ReadMetadata(reader.Bytes(), metadata));
      if (reader.ok() && sink.metadata) sink.metadata(metadata);
      continue;
    }
    if (!reader.Is(1, Type::kBytes)) {
      reader.SkipUnknown(1U << 1 | 1U << 3);
      continue;
    }
    const std::string_view bytes = reader.Bytes();
    if (!reader.ok()) break;
    series.Clear();
    LabelBytes labels;
    VEDETTE_CHECK(ReadSeries(bytes, sink, series, labels));
    series.key = hasher.KeyOf(series.label_bytes);
    VEDETTE_CHECK(sink.series(series));
  }
  return reader.ok() ? Ok() : Status(MalformedRequest("the request"));
}

}  // namespace vedette::collector
