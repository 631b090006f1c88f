#include "collector/scrape/reading.h"

#include <prometheus/counter.h>
#include <xxhash.h>

#include "collector/exposition/series_labels.h"
#include "collector/scrape/sample_labels.h"
#include "core/numbers.h"

namespace vedette::collector {
namespace {

using Event = ExpositionParser::Event;

}  // namespace

void TargetAppender::Row::AddGone(storage::SeriesId id) { Add(id, StaleNan()); }

TargetAppender::Reading::Reading(TargetAppender& owner, storage::Appender& appender, const ScrapeConfig& job,
                                 const Target& target, TimeMs time, const ScrapeBody& body, Row& row,
                                 ScrapeOutcome& outcome)
    : owner_(owner),
      appender_(appender),
      job_(job),
      target_(target),
      time_(time),
      newest_(time + kMaxAhead),
      row_(row),
      outcome_(outcome),
      parser_(body.text, body.format) {}

Status TargetAppender::Reading::Run() {
  owner_.lines_.Begin();
  Status status = Ok();
  for (;;) {
    const Result<Step> step = ReadLine();
    if (!step) status = step.error();
    if (!step || *step == Step::kEnd) break;
  }
  owner_.metrics_.lines_known->Increment(static_cast<double>(known_));
  owner_.metrics_.lines_searched->Increment(static_cast<double>(searched_));
  const std::size_t limit = job_.sample_limit.value_or(0);
  if (status && limit > 0 && outcome_.kept > limit) {
    owner_.metrics_.exceeded_samples->Increment();
    return Fail(Code::kLimit, "sample limit exceeded ({} samples, limit: {})", outcome_.kept, limit);
  }
  return status;
}

Result<TargetAppender::Reading::Step> TargetAppender::Reading::ReadLine() {
  parser_.SkipEmptyLines();
  // A block of comments is remembered as one line, and that moves the lines: before one of them is looked at.
  const bool in_block = !block_.empty() && parser_.rest().starts_with('#');
  if (!in_block) CloseBlock();
  LineCache::Line* line = in_block ? nullptr : owner_.lines_.Expected(parser_.rest());
  if (line != nullptr && line->is_comment) {
    parser_.SkipKnown(line->length, line->type);
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
      ReadMetadata(event);
      ExtendBlock(start, parser_.rest().data());
      return Step::kGoOn;
  }
}

Status TargetAppender::Reading::ReadSeries(LineCache::Line* line) {
  ++outcome_.scraped;
  if (line != nullptr) {
    owner_.lines_.Advance();
    ++known_;
  } else {
    ++searched_;
    VEDETTE_TRY(line, Resolve(parser_.series()));
  }
  if (line == nullptr || line->dropped) return Ok();
  TakeSample(*line);
  if (!parser_.exemplar().empty()) TakeExemplar(line->series);
  return Ok();
}

void TargetAppender::Reading::ReadMetadata(Event event) {
  ++searched_;
  if (event == Event::kType) owner_.metadata_.SetType(parser_.family(), parser_.type());
  if (event == Event::kHelp) owner_.metadata_.SetHelp(parser_.family(), parser_.text());
  if (event == Event::kUnit) owner_.metadata_.SetUnit(parser_.family(), parser_.text());
}

/// The line of a series text that is not where it was. Null: not to be stored (the store is full).
Result<LineCache::Line*> TargetAppender::Reading::Resolve(std::string_view series) {
  if (LineCache::Line* const known = owner_.lines_.Find(series)) return known;
  VEDETTE_TRY(const RawLabels raw, ParseSeriesLabels(series, parser_.type()));
  auto labels = MakeSampleLabels(raw, target_.labels, job_);
  if (!labels) {
    if (labels.error().code == Code::kLimit) owner_.metrics_.exceeded_labels->Increment();
    return labels.error();
  }
  storage::SeriesId id = storage::SeriesId::kNone;
  if (*labels) {
    const auto found = appender_.Series(**labels);
    if (!found && found.error().code == Code::kLimit) {
      owner_.metrics_.dropped_series_limit->Increment();
      return nullptr;
    }
    if (!found) return found.error();
    id = *found;
    ++outcome_.added;
  }
  LineCache::Line& line = owner_.lines_.Add(series, false, parser_.type());
  line.series = id;
  line.dropped = !*labels;
  return &line;
}

void TargetAppender::Reading::TakeSample(LineCache::Line& line) {
  ++outcome_.kept;
  const std::optional<TimeMs>& time = parser_.timestamp();
  if (!time || !job_.honor_timestamps) {
    if (line.repeated) {
      ++outcome_.repeated;  // the first one stays, as in Prometheus
      return;
    }
    row_.Add(line.series, parser_.value());
    owner_.lines_.MarkSampled(line);
    return;
  }
  if (*time > newest_) {
    owner_.metrics_.dropped_too_new->Increment();
    return;
  }
  appender_.Add(line.series, *time, parser_.value());
  ++single_samples_;
  if (job_.track_timestamps_staleness && !line.repeated) owner_.lines_.MarkSampled(line);
}

/// A target shows the same exemplar until there is a newer one. One without a time is from the first scrape with it.
void TargetAppender::Reading::TakeExemplar(storage::SeriesId series) {
  const std::string_view text = parser_.exemplar();
  const std::uint64_t hash = XXH3_64bits(text.data(), text.size());
  const auto shown = owner_.exemplars_.find(series);
  if (shown != owner_.exemplars_.end() && shown->second == hash) return;
  row_.exemplars.emplace_back(series, hash);
  auto exemplar = ParseExemplar(text, time_);
  if (exemplar) {
    appender_.AddExemplar(series, *std::move(exemplar));
  } else {
    owner_.metrics_.dropped_exemplars->Increment();
  }
}

void TargetAppender::Reading::ExtendBlock(const char* begin, const char* end) {
  if (block_.data() + block_.size() != begin) CloseBlock();
  const char* const first = block_.empty() ? begin : block_.data();
  block_ = {first, static_cast<std::size_t>(end - first)};
}

void TargetAppender::Reading::CloseBlock() {
  if (block_.empty()) return;
  if (owner_.lines_.Find(block_) == nullptr) owner_.lines_.Add(block_, true, parser_.type());
  block_ = {};
}

}  // namespace vedette::collector
