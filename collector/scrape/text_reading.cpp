#include "collector/scrape/text_reading.h"

#include <prometheus/counter.h>
#include <xxhash.h>

#include "collector/exposition/series_labels.h"

namespace vedette::collector {

TargetAppender::TextReading::TextReading(TargetAppender& owner, const Scrape& scrape, const ScrapeBody& body)
    : Reading(owner, scrape),
      parser_(body.text, body.format),
      conversion_(scrape.target.histograms.convert_classic ? owner.conversion_.get() : nullptr) {}

Status TargetAppender::TextReading::ReadAll() {
  for (;;) {
    VEDETTE_TRY(const Step step, ReadLine());
    if (step == Step::kEnd) return FinishHistogram();
  }
}

Result<TargetAppender::TextReading::Step> TargetAppender::TextReading::ReadLine() {
  parser_.SkipEmptyLines();
  // A block of comments is remembered as one line, and that moves the lines: before one of them is looked at.
  const bool in_block = !block_.empty() && parser_.rest().starts_with('#');
  if (!in_block) CloseBlock();
  Line* line = in_block ? nullptr : owner_.lines_.Expected(parser_.rest());
  if (line != nullptr && line->is_comment) {
    VEDETTE_CHECK(FinishHistogram());
    SkipBlock(*line);
    owner_.lines_.Advance();
    ++known_;
    return Step::kGoOn;
  }
  const char* const start = parser_.rest().data();
  const Event event = line != nullptr ? parser_.NextKnown(line->length) : parser_.Next();
  switch (event) {
    case Event::kEnd:
      CloseBlock();
      return Step::kEnd;
    case Event::kError:
      return parser_.error();
    case Event::kSeries: {
      // What stands here may only begin like the expected line.
      if (line != nullptr && parser_.series().size() != line->length) line = nullptr;
      VEDETTE_CHECK(ReadSeries(line));
      return Step::kGoOn;
    }
    default:
      VEDETTE_CHECK(FinishHistogram());
      ReadMetadata(event);
      ExtendBlock(start, parser_.rest().data());
      return Step::kGoOn;
  }
}

/// A conversion has to know which family the last TYPE line named, so it does not step over the block.
void TargetAppender::TextReading::SkipBlock(const Line& block) {
  if (conversion_ == nullptr) return parser_.SkipKnown(block.length, block.type);
  const char* const end = parser_.rest().data() + block.length;
  while (parser_.rest().data() < end) {
    if (parser_.Next() == Event::kType) family_ = LineCache::KeyOf(parser_.family()).hash;
  }
}

Status TargetAppender::TextReading::ReadSeries(Line* line) {
  bool collected = false;
  if (conversion_ != nullptr) {
    VEDETTE_TRY(collected, Collect(parser_.series()));
  }
  const bool converted = collected && !scrape_.target.histograms.always_classic;
  if (!converted) ++scrape_.outcome.scraped;
  if (line != nullptr) {
    owner_.lines_.Advance();
    ++known_;
  }
  if (line == nullptr || line->converted != converted) {
    VEDETTE_TRY(line, LineOf(line, parser_.series(), converted));
  }
  if (converted) return Ok();
  if (line == nullptr || line->dropped) return Ok();
  TakeSample(owner_.lines_, *line, parser_.timestamp(), parser_.value());
  // Of a histogram that is converted they go to what comes out.
  if (!parser_.exemplar().empty() && !collected) TakeExemplar(line->series);
  return Ok();
}

/// Of a series that is not where it was, or (`line`) not what it was. Null: not to be stored.
Result<LineCache::Line*> TargetAppender::TextReading::LineOf(Line* line, std::string_view series, bool converted) {
  LineCache& lines = owner_.lines_;
  const auto read_labels = [&] { return ParseSeriesLabels(series, parser_.type()); };
  if (line == nullptr) {
    ++searched_;
    const LineCache::Key key = LineCache::KeyOf(series);
    if (!converted) {
      VEDETTE_TRY(line, Resolve(lines, key, parser_.type(), read_labels));
    } else if (line = lines.Find(key); line == nullptr) {
      line = &lines.Add(key, false, parser_.type());
      line->converted = true;
    }
  }
  if (line == nullptr || line->converted == converted) return line;
  // Another TYPE line stands in front of the same text than did before.
  if (converted) {
    line->converted = true;
    if (line->live) scrape_.row.gone.push_back({line->series, line->histogram});
    line->live = false;
    return line;
  }
  VEDETTE_TRY(const RawLabels raw, read_labels());
  VEDETTE_TRY(const std::optional<storage::SeriesId> id, FindSeries(raw));
  if (!id) return nullptr;
  line->converted = false;
  return &SetSeries(*line, *id);
}

void TargetAppender::TextReading::ReadMetadata(Event event) {
  ++searched_;
  if (event == Event::kType) {
    owner_.metadata_.SetType(parser_.family(), parser_.type());
    if (conversion_ != nullptr) family_ = LineCache::KeyOf(parser_.family()).hash;
  }
  if (event == Event::kHelp) {
    const std::string_view text = parser_.text();
    const bool open_metrics = parser_.format() == ExpositionFormat::kOpenMetrics;
    owner_.metadata_.SetHelp(parser_.family(), open_metrics ? Unescape(text) : UnescapeTextHelp(text));
  }
  if (event == Event::kUnit) owner_.metadata_.SetUnit(parser_.family(), parser_.text());
}

/// One without a time is from the first scrape with it.
void TargetAppender::TextReading::TakeExemplar(storage::SeriesId series) {
  const std::string_view text = parser_.exemplar();
  const std::uint64_t hash = XXH3_64bits(text.data(), text.size());
  if (!ShowsNew(series, hash)) return;
  auto exemplar = ParseExemplar(text, scrape_.time);
  if (exemplar) {
    TakeExemplars(series, hash, {&*exemplar, 1});
  } else {
    owner_.metrics_.dropped_exemplars->Increment();
    TakeExemplars(series, hash, {});
  }
}

void TargetAppender::TextReading::ExtendBlock(const char* begin, const char* end) {
  if (block_.data() + block_.size() != begin) CloseBlock();
  const char* const first = block_.empty() ? begin : block_.data();
  block_ = {first, static_cast<std::size_t>(end - first)};
}

void TargetAppender::TextReading::CloseBlock() {
  if (block_.empty()) return;
  const LineCache::Key key = LineCache::KeyOf(block_);
  if (owner_.lines_.Find(key) == nullptr && !IsFull()) owner_.lines_.Add(key, true, parser_.type());
  block_ = {};
}

}  // namespace vedette::collector
