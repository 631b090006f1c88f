#include "collector/push/remote_write.h"

#include <algorithm>

#include "collector/media_type.h"
#include "collector/push/push_metadata.h"
#include "collector/push/unpack.h"
#include "collector/push/wire_histogram.h"
#include "collector/push/write_request.h"

namespace vedette::collector {
namespace {

constexpr std::string_view kWriteMedia = "application/x-protobuf";

/// A sample is kept twice until it is stored: by its reader and in the batch.
constexpr std::size_t kPushedSampleBytes = 2 * sizeof(storage::Sample), kPushedHistogramBytes = 256,
                      kPushedExemplarBytes = 192;
/// What one of hundreds of buckets takes at most; beyond this its buckets are charged before they are read.
constexpr std::size_t kLongHistogramBytes = 16 << 10;

/// One request on its way into the store.
class WriteRun {
 public:
  WriteRun(Intake& intake, WriteFormat format)
      : intake_(intake),
        zstd_(format.zstd),
        strict_(format.message == WriteMessage::kVersion2),
        batch_(intake, strict_ ? PushProtocol::kRemoteWrite2 : PushProtocol::kRemoteWrite1) {}

  PushOutcome Run(std::string_view compressed) { return batch_.Finish(Read(compressed)); }

 private:
  Status Read(std::string_view compressed);
  Status ReadMessage(std::string_view message);
  Status Take(PushedSeries& series);
  Result<storage::SeriesId> FindGood(PushedSeries& series, std::size_t samples);
  Result<storage::SeriesId> Find(PushedSeries& series, std::size_t samples);
  void TakeSamples(PushedSeries& series, storage::SeriesId id);
  Status TakeHistograms(PushedSeries& series, storage::SeriesId id);
  Status TakeExemplars(PushedSeries& series, storage::SeriesId id);
  void TakeMetadata(PushedSeries& series);
  void ComplainOfNoSample(PushedSeries& series) {
    batch_.Complain(
        fmt::format("TimeSeries must contain at least one sample or histogram for series {}", Named(series)));
  }
  /// The series' name in complaints.
  std::string Named(PushedSeries& series) const;

  Intake& intake_;
  const bool zstd_, strict_;
  PushBatch batch_;
  HistogramBuilder histograms_;
};

Status WriteRun::Read(std::string_view compressed) {
  const std::size_t limit = intake_.options().max_decoded_bytes;
  if (zstd_) {
    std::string buffer;
    std::string_view message;
    VEDETTE_CHECK(UnpackBody(compressed, "zstd", limit, batch_, buffer, message));
    return ReadMessage(message);
  }
  VEDETTE_TRY(const std::size_t size, SnappySize(compressed, limit));
  VEDETTE_CHECK(batch_.Charge(compressed.size() + size));
  VEDETTE_TRY(const Decompressed message, DecompressSnappy(compressed, limit));
  return ReadMessage(message.view());
}

Status WriteRun::ReadMessage(std::string_view message) {
  const WriteRequestSink sink{
      .series = [this](PushedSeries& series) { return Take(series); },
      .metadata = [this](const PushedMetadata& said) { NoteMetadata(intake_, batch_, Labels(), said); },
      .charge = [this] { return batch_.Charge(kChargedAtOnce * kPushedSampleBytes); }};
  const auto read = strict_ ? ReadWriteRequest2 : ReadWriteRequest;
  return read(message, intake_.series_cache(), sink);
}

Status WriteRun::Take(PushedSeries& series) {
  batch_.CountSeries();
  const std::size_t samples = series.samples.size() + series.histograms.size();
  // Of long lists the most was charged as they were read.
  VEDETTE_CHECK(batch_.Charge(series.samples.size() % kChargedAtOnce * kPushedSampleBytes +
                              series.histograms.size() * kPushedHistogramBytes +
                              series.exemplars.size() * kPushedExemplarBytes));
  if (!series.problem.empty()) {
    batch_.Complain(series.problem);
    batch_.SkipSeries();
    batch_.Drop(PushDrop::kBadLabels, samples);
    return Ok();
  }
  VEDETTE_TRY(const storage::SeriesId id, Find(series, samples));
  if (id == storage::SeriesId::kNone) return Ok();
  // Prometheus as a sender splits its batches anywhere: the exemplar of a sample may come without it.
  if (strict_ && samples == 0 && series.exemplars.empty()) {
    ComplainOfNoSample(series);
    return Ok();
  }
  TakeSamples(series, id);
  VEDETTE_CHECK(TakeHistograms(series, id));
  VEDETTE_CHECK(TakeExemplars(series, id));
  if (series.metadata) TakeMetadata(series);
  return Ok();
}

/// Neither series nor metadata come of labels alone. An exemplar goes to a series that is there: a sender may put it
/// into a request behind that of its sample, and the agent may have been started anew between the two.
Result<storage::SeriesId> WriteRun::FindGood(PushedSeries& series, std::size_t samples) {
  if (samples > 0) return batch_.Series(Labels::FromSorted(series.labels), &series.key, samples);
  if (!series.exemplars.empty()) {
    const storage::SeriesId known = batch_.KnownSeries(Labels::FromSorted(series.labels), series.key);
    if (known != storage::SeriesId::kNone) return known;
    batch_.Drop(PushDrop::kBadExemplar, series.exemplars.size());
  }
  if (strict_) ComplainOfNoSample(series);
  return storage::SeriesId::kNone;
}

/// kNone: the series is skipped.
Result<storage::SeriesId> WriteRun::Find(PushedSeries& series, std::size_t samples) {
  if (const storage::SeriesId known = batch_.Find(series.key); known != storage::SeriesId::kNone) return known;
  VEDETTE_CHECK(series.ReadLabels());
  const LabelVerdict verdict = NormalizeLabels(series.labels);
  if (verdict == LabelVerdict::kGood) return FindGood(series, samples);
  batch_.SkipSeries();
  batch_.Drop(PushDrop::kBadLabels, samples);
  if (!strict_) return storage::SeriesId::kNone;
  const std::string labels = batch_.Listens() ? LabelText(series.labels) : std::string();
  if (verdict == LabelVerdict::kInvalid) {
    batch_.Complain(fmt::format("invalid metric name or labels, got {}", labels));
  } else {
    const auto again = std::ranges::adjacent_find(series.labels, std::equal_to(), &LabelView::name);
    batch_.Complain(fmt::format("invalid labels for series, labels {}, duplicated label {}", labels, again->name));
  }
  return storage::SeriesId::kNone;
}

void WriteRun::TakeSamples(PushedSeries& series, storage::SeriesId id) {
  TimeMs last_start = kNoTime;
  for (std::size_t i = 0; i < series.samples.size(); ++i) {
    const storage::Sample& sample = series.samples[i];
    if (!batch_.InTime(sample.time)) {
      batch_.DropOutOfBounds(sample.time, Named(series));
      continue;
    }
    batch_.Add(id, sample.time, sample.value);
    const TimeMs own = series.starts.empty() ? kNoTime : series.starts[i];
    const TimeMs start = own != kNoTime ? own : series.start;
    if (start != last_start && start != kNoTime) batch_.AddStart(id, sample.time, start);
    last_start = start;
  }
}

Status WriteRun::TakeHistograms(PushedSeries& series, storage::SeriesId id) {
  for (const std::string_view bytes : series.histograms) {
    WireHistogram wire;
    // A byte may be a bucket of eight.
    if (bytes.size() > kLongHistogramBytes) VEDETTE_CHECK(batch_.Charge(8 * bytes.size()));
    VEDETTE_CHECK(ReadWireHistogram(bytes, wire));
    if (!batch_.InTime(wire.time)) {
      batch_.DropOutOfBounds(wire.time, Named(series));
      continue;
    }
    auto histogram = histograms_.Build(wire);
    if (!histogram) {
      batch_.Drop(PushDrop::kBadHistogram);
      batch_.Complain(fmt::format("{} for series {}", histogram.error().message, Named(series)));
      continue;
    }
    // A layout of its own is counted as if none was shared.
    VEDETTE_CHECK(batch_.Charge(histogram->counts.size() * sizeof(double) * 2));
    batch_.AddHistogram(id, wire.time, *std::move(histogram));
    const TimeMs start = wire.start != kNoTime ? wire.start : series.start;
    if (start != kNoTime) batch_.AddStart(id, wire.time, start);
  }
  return Ok();
}

Status WriteRun::TakeExemplars(PushedSeries& series, storage::SeriesId id) {
  for (const std::string_view bytes : series.exemplars) {
    VEDETTE_TRY(PushedExemplar pushed, series.ReadExemplar(bytes));
    if (!pushed.problem.empty()) {
      batch_.Complain(fmt::format("parsing exemplar for series {}: {}", Named(series), pushed.problem));
      continue;
    }
    std::optional<storage::Exemplar> exemplar = GoodExemplar(pushed);
    // Nothing but the counter says so, as in Prometheus: exemplars never fail a request.
    if (!exemplar || !batch_.InTime(exemplar->time)) {
      batch_.Drop(PushDrop::kBadExemplar);
      continue;
    }
    batch_.AddExemplar(id, *std::move(exemplar));
  }
  return Ok();
}

/// The target is what job and instance name; the family follows from the series' name.
void WriteRun::TakeMetadata(PushedSeries& series) {
  if (MetadataIsKnown(intake_, series.key, *series.metadata)) return;
  if (!series.ReadLabels() || NormalizeLabels(series.labels) != LabelVerdict::kGood) return;
  NoteSeriesMetadata(intake_, batch_, series);
}

std::string WriteRun::Named(PushedSeries& series) const {
  if (!batch_.Listens() || !series.ReadLabels()) return {};
  static_cast<void>(NormalizeLabels(series.labels));
  return LabelText(series.labels);
}

}  // namespace

Result<std::vector<WriteMessage>> ParseWriteMessages(const std::vector<std::string>& names) {
  std::vector<WriteMessage> out;
  for (const std::string& name : names) {
    const auto* const found = std::ranges::find(kWriteMessageNames, name);
    if (found == std::end(kWriteMessageNames)) {
      return Fail(Code::kBadData, "unknown type for remote write protobuf message {}, supported: {}, {}", name,
                  kWriteMessageNames[0], kWriteMessageNames[1]);
    }
    out.push_back(static_cast<WriteMessage>(found - std::begin(kWriteMessageNames)));
  }
  return out;
}

PushRefusal CheckRemoteWriteHeaders(std::string_view content_type, std::string_view content_encoding,
                                    const std::vector<WriteMessage>& accepted, WriteFormat& format) {
  const std::string_view shown = content_type.substr(0, 200);
  const std::string media = MediaType(content_type);
  if (!media.empty() && media != kWriteMedia) {
    return {415, fmt::format("expected {} as the first (media) part, got {} content-type", kWriteMedia, shown)};
  }
  const std::string name = MediaParameter(content_type, "proto");
  format = WriteFormat();
  WriteMessage& message = format.message;
  if (!name.empty()) {
    const auto* const found = std::ranges::find_if(
        kWriteMessageNames, [&](std::string_view known) { return NormalizedToken(known) == name; });
    if (found == std::end(kWriteMessageNames)) {
      return {415,
              fmt::format("got {} content type; unknown type for remote write protobuf message {}, supported: {}, "
                          "{}",
                          shown, std::string_view(name).substr(0, 200), kWriteMessageNames[0], kWriteMessageNames[1])};
    }
    message = static_cast<WriteMessage>(found - std::begin(kWriteMessageNames));
  }
  if (std::ranges::find(accepted, message) == accepted.end()) {
    std::string list;
    for (const WriteMessage one : accepted) {
      if (!list.empty()) list += ", ";
      list += kWriteMessageNames[static_cast<std::size_t>(one)];
    }
    return {415, fmt::format("{} protobuf message is not accepted by this server; only accepts {}",
                             kWriteMessageNames[static_cast<std::size_t>(message)], list)};
  }
  const std::string encoding = NormalizedToken(content_encoding);
  format.zstd = encoding == "zstd";
  if (!encoding.empty() && encoding != "snappy" && !format.zstd) {
    return {415, fmt::format("{} encoding (compression) is not accepted by this server; only snappy is acceptable",
                             std::string_view(encoding).substr(0, 200))};
  }
  return {};
}

PushOutcome RemoteWriteReceiver::Ingest(std::string_view compressed, WriteFormat format) {
  return WriteRun(intake_, format).Run(compressed);
}

}  // namespace vedette::collector
