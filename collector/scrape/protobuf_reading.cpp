#include "collector/scrape/protobuf_reading.h"

#include <prometheus/counter.h>
#include <xxhash.h>

#include <array>
#include <bit>
#include <limits>

#include "core/labels.h"

namespace vedette::collector {
namespace {

constexpr double kLastBound = std::numeric_limits<double>::infinity();

/// A seed for each part, which nobody outside knows: bounds are numbers that a target chooses.
std::array<std::uint64_t, 6> PartSeeds() {
  std::array<std::uint64_t, 6> seeds{};
  for (std::uint8_t i = 0; i < seeds.size(); ++i) seeds[i] = XXH3_64bits_withSeed(&i, 1, LineCache::Seed());
  return seeds;
}

}  // namespace

TargetAppender::ProtobufReading::ProtobufReading(TargetAppender& owner, const Scrape& scrape, const ScrapeBody& body)
    : Reading(owner, scrape), parser_(body.text) {}

Status TargetAppender::ProtobufReading::ReadAll() {
  for (;;) {
    switch (parser_.Next()) {
      case ProtobufParser::Event::kEnd:
        return Ok();
      case ProtobufParser::Event::kError:
        return parser_.error();
      case ProtobufParser::Event::kFamily:
        VEDETTE_CHECK(ReadFamily());
        break;
      case ProtobufParser::Event::kMetric:
        VEDETTE_CHECK(ReadMetric());
        break;
    }
  }
}

/// What a family says about itself is a line of its own.
Status TargetAppender::ProtobufReading::ReadFamily() {
  const ProtobufParser::Family& family = parser_.family();
  family_seed_ = XXH3_64bits_withSeed(family.name.data(), family.name.size(), LineCache::Seed());
  const std::uint64_t typed = family_seed_ + 1 + static_cast<std::uint64_t>(family.type);
  const std::uint64_t help = XXH3_64bits_withSeed(family.help.data(), family.help.size(), typed);
  const XXH128_hash_t hash = XXH3_128bits_withSeed(family.unit.data(), family.unit.size(), help);
  const LineCache::Key key{hash.low64, static_cast<std::uint32_t>(hash.high64)};
  if (owner_.lines_.Expected(key) != nullptr) {
    owner_.lines_.Advance();
    ++known_;
    return Ok();
  }
  ++searched_;
  VEDETTE_CHECK(parser_.CheckFamily());
  owner_.metadata_.SetHelp(family.name, family.help);
  owner_.metadata_.SetType(family.name, family.type);
  if (!family.unit.empty() && IsValidUtf8(family.unit)) owner_.metadata_.SetUnit(family.name, family.unit);
  if (owner_.lines_.Find(key) == nullptr) owner_.lines_.Add(key, true, family.type);
  return Ok();
}

Status TargetAppender::ProtobufReading::ReadMetric() {
  const ProtobufMetric& metric = parser_.metric();
  const XXH128_hash_t hash = XXH3_128bits_withSeed(metric.labels.data(), metric.labels.size(), family_seed_);
  metric_ = {hash.low64, static_cast<std::uint32_t>(hash.high64)};
  switch (parser_.family().type) {
    case MetricType::kSummary:
      return ReadSummary();
    case MetricType::kHistogram:
    case MetricType::kGaugeHistogram:
      return ReadHistogram();
    default:
      return TakeSeries(Part::kValue, 0, metric.value, metric.exemplar);
  }
}

Status TargetAppender::ProtobufReading::ReadSummary() {
  const ProtobufMetric& metric = parser_.metric();
  VEDETTE_CHECK(TakeSeries(Part::kCount, 0, metric.count));
  VEDETTE_CHECK(TakeSeries(Part::kSum, 0, metric.sum));
  for (const ProtobufMetric::Point& quantile : metric.points) {
    VEDETTE_CHECK(TakeSeries(Part::kQuantile, quantile.bound, quantile.value));
  }
  return Ok();
}

Status TargetAppender::ProtobufReading::ReadHistogram() {
  const ProtobufMetric& metric = parser_.metric();
  const HistogramChoice& wanted = scrape_.target.histograms;
  if (wanted.native && metric.native.IsNative()) {
    auto histogram = MakeNativeHistogram(metric.native, metric.sum, gauge(), owner_.layouts_);
    if (!histogram) return Annotate("histogram " + Quote(parser_.family().name), histogram.error());
    VEDETTE_CHECK(TakeNative(*std::move(histogram)));
    return wanted.always_classic && !metric.points.empty() ? ReadClassic() : Ok();
  }
  if (!wanted.convert_classic) return ReadClassic();
  if (wanted.always_classic) VEDETTE_CHECK(ReadClassic());
  return TakeConverted();
}

/// The series that this histogram is in the text formats.
Status TargetAppender::ProtobufReading::ReadClassic() {
  const ProtobufMetric& metric = parser_.metric();
  VEDETTE_CHECK(TakeSeries(Part::kCount, 0, metric.count));
  VEDETTE_CHECK(TakeSeries(Part::kSum, 0, metric.sum));
  for (const ProtobufMetric::Point& bucket : metric.points) {
    VEDETTE_CHECK(TakeSeries(Part::kBucket, bucket.bound, bucket.value, bucket.exemplar));
    if (bucket.bound == kLastBound) return Ok();
  }
  return TakeSeries(Part::kBucket, kLastBound, metric.count);
}

Status TargetAppender::ProtobufReading::TakeConverted() {
  const ProtobufMetric& metric = parser_.metric();
  classic_.Clear();
  classic_.SetCount(metric.count);
  classic_.SetSum(metric.sum);
  for (const ProtobufMetric::Point& bucket : metric.points) classic_.SetBucket(bucket.bound, bucket.value);
  VEDETTE_TRY(Histogram histogram, classic_.Convert(owner_.layouts_));
  if (gauge()) histogram.reset = CounterReset::kGauge;
  return TakeNative(std::move(histogram));
}

Status TargetAppender::ProtobufReading::TakeSeries(Part part, double bound, double value,
                                                   const std::optional<std::string_view>& exemplar) {
  ++scrape_.outcome.scraped;
  const LineCache::Key key = KeyOf(part, bound);
  Line* line = KnownLine(key);
  if (line == nullptr) {
    VEDETTE_TRY(line, SearchLine(key, part, bound));
  }
  if (line == nullptr || line->dropped) return Ok();
  TakeStart(*line, parser_.metric().start, nullptr);
  TakeSample(owner_.lines_, *line, parser_.metric().time, value);
  if (exemplar) TakeExemplar(line->series, *exemplar);
  return Ok();
}

Status TargetAppender::ProtobufReading::TakeNative(Histogram histogram) {
  ++scrape_.outcome.scraped;
  const LineCache::Key key = KeyOf(Part::kHistogram, 0);
  Line* line = KnownLine(key);
  if (line == nullptr) {
    VEDETTE_TRY(line, SearchLine(key, Part::kHistogram, 0));
  }
  if (line == nullptr || line->dropped) return Ok();
  TakeStart(*line, parser_.metric().start, &histogram);
  VEDETTE_CHECK(TakeHistogram(owner_.lines_, *line, parser_.metric().time, std::move(histogram)));
  TakeHistogramExemplars(line->series);
  return Ok();
}

LineCache::Key TargetAppender::ProtobufReading::KeyOf(Part part, double bound) const {
  static const std::array<std::uint64_t, 6> kSeeds = PartSeeds();
  constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15;
  // Both steps can be undone, so that two series of one metric never have one key; shifting brings the exponent, in
  // which bounds mostly differ, down to where the table of the cache looks.
  std::uint64_t hash = std::bit_cast<std::uint64_t>(bound) ^ kSeeds[static_cast<std::size_t>(part)];
  hash = (hash ^ (hash >> 32)) * kOdd;
  return {metric_.hash ^ hash ^ (hash >> 32), metric_.length};
}

/// Null: it is not where it was.
LineCache::Line* TargetAppender::ProtobufReading::KnownLine(const LineCache::Key& key) {
  Line* const line = owner_.lines_.Expected(key);
  if (line == nullptr) return nullptr;
  owner_.lines_.Advance();
  ++known_;
  return line;
}

/// Null: not to be stored (the store is full).
Result<LineCache::Line*> TargetAppender::ProtobufReading::SearchLine(const LineCache::Key& key, Part part,
                                                                     double bound) {
  ++searched_;
  return Resolve(owner_.lines_, key, parser_.family().type, [&] { return LabelsOf(part, bound); });
}

Result<RawLabels> TargetAppender::ProtobufReading::LabelsOf(Part part, double bound) const {
  RawLabels labels;
  std::string name(parser_.family().name);
  if (part == Part::kCount) name += "_count";
  if (part == Part::kSum) name += "_sum";
  if (part == Part::kBucket) name += "_bucket";
  labels.emplace_back(kMetricName, std::move(name));
  VEDETTE_CHECK(AppendProtobufLabels(parser_.metric().labels, labels));
  if (part == Part::kBucket) labels.emplace_back("le", FloatForm(bound));
  if (part == Part::kQuantile) labels.emplace_back("quantile", FloatForm(bound));
  VEDETTE_CHECK(CheckUniqueNames(labels));
  return labels;
}

/// One without a time is from the first scrape with it.
void TargetAppender::ProtobufReading::TakeExemplar(storage::SeriesId series, std::string_view message) {
  const std::uint64_t hash = XXH3_64bits(message.data(), message.size());
  if (!ShowsNew(series, hash)) return;
  auto exemplar = ReadProtobufExemplar(message, scrape_.time);
  if (exemplar && *exemplar) {
    TakeExemplars(series, hash, {&**exemplar, 1});
  } else {
    owner_.metrics_.dropped_exemplars->Increment();
    TakeExemplars(series, hash, {});
  }
}

/// Its own, or those of the buckets when it has none; and of those the ones that say when they were.
void TargetAppender::ProtobufReading::TakeHistogramExemplars(storage::SeriesId series) {
  const ProtobufMetric& metric = parser_.metric();
  shown_ = metric.native.exemplars;
  if (shown_.empty()) {
    for (const ProtobufMetric::Point& bucket : metric.points) {
      if (bucket.exemplar) shown_.push_back(*bucket.exemplar);
    }
  }
  if (shown_.empty()) return;
  std::uint64_t hash = 0;
  for (const std::string_view message : shown_) hash = XXH3_64bits_withSeed(message.data(), message.size(), hash);
  if (!ShowsNew(series, hash)) return;
  std::vector<storage::Exemplar> exemplars;
  for (const std::string_view message : shown_) {
    auto exemplar = ReadProtobufExemplar(message, std::nullopt);
    if (!exemplar) {
      owner_.metrics_.dropped_exemplars->Increment();
    } else if (*exemplar) {
      exemplars.push_back(**std::move(exemplar));
    }
  }
  TakeExemplars(series, hash, exemplars);
}

}  // namespace vedette::collector
