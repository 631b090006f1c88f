#include "collector/push/write_request.h"

#include <snappy.h>

#include <algorithm>

#include "collector/push/wire.h"

namespace vedette::collector {
namespace {

using Type = WireReader::Type;

Error Malformed(std::string_view what) { return Fail(Code::kBadData, "malformed protobuf in {}", what); }

Result<storage::Sample> ReadSample(std::string_view bytes) {
  storage::Sample sample;
  for (WireReader reader(bytes); reader.Next() || !reader.ok();) {
    if (!reader.ok()) return Malformed("a sample");
    if (reader.Is(1, Type::kFixed64)) {
      sample.value = reader.Double();
    } else if (reader.Is(2, Type::kVarint)) {
      sample.time = TimeMs(reader.Varint());
    } else {
      reader.Skip();
    }
  }
  return sample;
}

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

Status ReadSeries(std::string_view bytes, PushedSeries& series, LabelBytes& labels) {
  WireReader reader(bytes);
  while (reader.Next()) {
    if (reader.Is(1, Type::kBytes)) {
      reader.Bytes();
      if (reader.ok()) labels.Add(reader.tag_at(), reader.at());
    } else if (reader.Is(2, Type::kBytes)) {
      const std::string_view sample_bytes = reader.Bytes();
      if (!reader.ok()) break;
      VEDETTE_TRY(const storage::Sample sample, ReadSample(sample_bytes));
      series.samples.push_back(sample);
    } else {
      if (reader.field() == 4) ++series.histograms;
      reader.Skip();
    }
  }
  series.label_bytes = labels.view();
  return reader.ok() ? Ok() : Status(Malformed("a time series"));
}

}  // namespace

Status PushedSeries::ReadLabels() {
  labels.clear();
  WireReader reader(label_bytes);
  while (reader.Next()) {
    WireReader pair(reader.Bytes());
    LabelView label;
    while (pair.Next()) {
      if (pair.Is(1, Type::kBytes)) {
        label.name = pair.Bytes();
      } else if (pair.Is(2, Type::kBytes)) {
        label.value = pair.Bytes();
      } else {
        pair.Skip();
      }
    }
    if (!pair.ok()) return Malformed("a label");
    labels.push_back(label);
  }
  return reader.ok() ? Ok() : Status(Malformed("the labels"));
}

Result<std::string> DecompressSnappy(std::string_view compressed, std::size_t max_bytes) {
  std::size_t size = 0;
  if (!snappy::GetUncompressedLength(compressed.data(), compressed.size(), &size)) {
    return Fail(Code::kBadData, "snappy: corrupt input");
  }
  if (size > max_bytes) {
    return Fail(Code::kLimit, "snappy: decoded length {} is larger than the maximum {}", size, max_bytes);
  }
  // A declared length that the stream cannot reach would be paid for in memory: each byte makes at most 64.
  if (size / 64 > compressed.size()) return Fail(Code::kBadData, "snappy: corrupt input");
  std::string text(size, '\0');
  if (!snappy::RawUncompress(compressed.data(), compressed.size(), text.data())) {
    return Fail(Code::kBadData, "snappy: corrupt input");
  }
  return text;
}

Status ReadWriteRequest(std::string_view message, const std::function<Status(PushedSeries&)>& take) {
  PushedSeries series;
  WireReader reader(message);
  while (reader.Next()) {
    if (!reader.Is(1, Type::kBytes)) {
      reader.Skip();
      continue;
    }
    const std::string_view bytes = reader.Bytes();
    if (!reader.ok()) break;
    series.samples.clear();
    series.histograms = 0;
    LabelBytes labels;
    VEDETTE_CHECK(ReadSeries(bytes, series, labels));
    VEDETTE_CHECK(take(series));
  }
  return reader.ok() ? Ok() : Status(Malformed("the request"));
}

bool NormalizeLabels(std::vector<LabelView>& labels) {
  const auto by_name = [](const LabelView& a, const LabelView& b) { return a.name < b.name; };
  if (!std::is_sorted(labels.begin(), labels.end(), by_name)) std::sort(labels.begin(), labels.end(), by_name);
  bool named = false;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const auto [name, value] = labels[i];
    if (name.empty() || !IsValidUtf8(name) || !IsValidUtf8(value)) return false;
    if (i > 0 && labels[i - 1].name == name) return false;
    named = named || (name == kMetricName && !value.empty());
  }
  std::erase_if(labels, [](const LabelView& label) { return label.value.empty(); });
  return named;
}

}  // namespace vedette::collector
