// The half of TextReading that makes native histograms of classic ones.
#include <prometheus/counter.h>
#include <xxhash.h>

#include "collector/exposition/series_labels.h"
#include "collector/scrape/text_reading.h"
#include "core/labels.h"

namespace vedette::collector {

/// Valid until the next scrape.
Result<const TargetAppender::Conversion::Part*> TargetAppender::TextReading::PartOf(std::string_view series) {
  const std::uint64_t hash = LineCache::KeyOf(series).hash;
  const auto [entry, fresh] = conversion_->parts.try_emplace(hash);
  Part& part = entry->second;
  if (!fresh) return &part;
  auto labels = ParseSeriesLabels(series, parser_.type());
  if (!labels) {
    conversion_->parts.erase(entry);
    return labels.error();
  }
  part.part = TakeClassicPart(*labels, part.bound);
  LabelsBuilder builder;
  for (const auto& [name, value] : *labels) builder.Set(name, value);
  const Labels histogram = builder.Build();
  part.histogram = LineCache::KeyOf(histogram.ToString());
  part.family = LineCache::KeyOf(histogram.MetricName()).hash;
  return &part;
}

/// Whether the series is part of a classic histogram, which has taken it then.
Result<bool> TargetAppender::TextReading::Collect(std::string_view series) {
  const bool histogram = parser_.type() == MetricType::kHistogram;
  if (!histogram) VEDETTE_CHECK(FinishHistogram());
  if (!histogram) return false;
  VEDETTE_TRY(const Part* const part, PartOf(series));
  if (collecting_ != nullptr && collecting_->histogram != part->histogram) VEDETTE_CHECK(FinishHistogram());
  if (part->part == ClassicPart::kNone || part->family != family_) return false;
  if (collecting_ == nullptr) {
    conversion_->classic.Clear();
    collected_exemplars_.clear();
    first_series_ = series;
  }
  collecting_ = part;
  collected_time_ = parser_.timestamp();
  if (!parser_.exemplar().empty()) collected_exemplars_.push_back(parser_.exemplar());
  if (part->part == ClassicPart::kBucket) conversion_->classic.SetBucket(part->bound, parser_.value());
  if (part->part == ClassicPart::kCount) conversion_->classic.SetCount(parser_.value());
  if (part->part == ClassicPart::kSum) conversion_->classic.SetSum(parser_.value());
  return true;
}

/// One that contradicts itself is left out, as in Prometheus.
Status TargetAppender::TextReading::FinishHistogram() {
  if (collecting_ == nullptr) return Ok();
  const LineCache::Key key = std::exchange(collecting_, nullptr)->histogram;
  auto histogram = conversion_->classic.Convert(owner_.layouts_);
  if (!histogram) {
    owner_.metrics_.dropped_unconverted->Increment();
    return Ok();
  }
  ++scrape_.outcome.scraped;
  LineCache& lines = conversion_->lines;
  Line* line = lines.Expected(key);
  if (line != nullptr) {
    lines.Advance();
  } else {
    const auto read_labels = [&]() -> Result<RawLabels> {
      VEDETTE_TRY(RawLabels labels, ParseSeriesLabels(first_series_, MetricType::kHistogram));
      double bound = 0;
      TakeClassicPart(labels, bound);
      return labels;
    };
    VEDETTE_TRY(line, Resolve(lines, key, MetricType::kHistogram, read_labels));
  }
  if (line == nullptr || line->dropped) return Ok();
  const storage::SeriesId series = line->series;
  VEDETTE_CHECK(TakeHistogram(lines, *line, collected_time_, *std::move(histogram)));
  if (!collected_exemplars_.empty()) TakeConvertedExemplars(series);
  return Ok();
}

/// Of a native histogram only those count that have a time.
void TargetAppender::TextReading::TakeConvertedExemplars(storage::SeriesId series) {
  std::uint64_t hash = 0;
  for (const std::string_view text : collected_exemplars_) hash = XXH3_64bits_withSeed(text.data(), text.size(), hash);
  if (!ShowsNew(series, hash)) return;
  std::vector<storage::Exemplar> exemplars;
  for (const std::string_view text : collected_exemplars_) {
    auto exemplar = ParseExemplar(text, TimeMs::Min());
    if (!exemplar) {
      owner_.metrics_.dropped_exemplars->Increment();
    } else if (exemplar->time != TimeMs::Min()) {
      exemplars.push_back(*std::move(exemplar));
    }
  }
  TakeExemplars(series, hash, exemplars);
}

}  // namespace vedette::collector
