#include "collector/scrape/target_appender.h"

#include <prometheus/counter.h>

#include <algorithm>
#include <utility>

#include "collector/scrape/protobuf_reading.h"
#include "collector/scrape/text_reading.h"
#include "core/histogram.h"
#include "core/log.h"
#include "core/numbers.h"

namespace vedette::collector {
namespace {

constexpr std::size_t kUsualReports = 5;  // the rest only with extra_scrape_metrics
constexpr std::array<std::string_view, 8> kReportNames = {
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
    "scrape_timeout_seconds",
    "scrape_sample_limit",
    "scrape_body_size_bytes",
};

/// What scrape_body_size_bytes says: -1 is a body beyond the limit.
double BodyBytes(const Result<ScrapeBody>& body) {
  if (body) return static_cast<double>(body->text.size());
  return body.error().code == Code::kLimit ? -1 : 0;
}

}  // namespace

TargetAppender::TargetAppender(storage::Storage& storage, ScrapeMetrics& metrics, MetadataPool& pool)
    : storage_(storage), metrics_(metrics), metadata_(pool) {}

TargetAppender::~TargetAppender() = default;

ScrapeOutcome TargetAppender::Store(const ScrapeConfig& job, const Target& target, TimeMs time, double seconds,
                                    const Result<ScrapeBody>& body) {
  // Large and needed for a moment only: one per worker instead of one per target.
  thread_local Row row;
  row.ClearSamples();
  row.gone.clear();
  const TimeMs previous = std::exchange(last_time_, time);
  ScrapeOutcome outcome;
  std::unique_ptr<storage::Appender> appender = storage_.NewAppender();
  std::size_t single_samples = 0;
  const bool readable = body && body->readable;
  BeginLines(target.histograms.convert_classic && readable && body->format != ExpositionFormat::kProtobuf);
  if (readable) {
    single_samples = Read({*appender, job, target, time, previous, row, outcome}, *body);
  } else {
    outcome.status = body ? body->readable : Status(body.error());
  }
  if (!outcome.status) {
    appender = storage_.NewAppender();  // forgets what was collected before the error
    row.ClearSamples();
    single_samples = 0;
  }
  unseen_lines_ = unseen_lines_ || outcome.added > 0;
  if (outcome.status && (unseen_lines_ || shared_series_)) {
    const std::size_t repeats = row.DropRepeats();
    shared_series_ = shared_series_ || repeats > 0;
    unseen_lines_ = false;
    outcome.repeated += repeats;
  }
  // An empty page says nothing about which series there are: as in Prometheus they are not new when they are back.
  FinishLines(outcome.status && !body->text.empty(), row);
  AddMarkers(*appender, time, row);

  const std::array<double, kReports> reports = {outcome.status ? 1.0 : 0.0,
                                                seconds,
                                                static_cast<double>(outcome.scraped),
                                                static_cast<double>(outcome.kept),
                                                static_cast<double>(outcome.added),
                                                static_cast<double>(target.timeout.count()) / 1000,
                                                static_cast<double>(job.sample_limit.value_or(0)),
                                                BodyBytes(body)};
  Status stored = AddReports(*appender, job, target, reports, row);
  if (stored && outcome.status) AddMetadata(*appender, target, time);
  if (stored) stored = Commit(*appender, time, row, single_samples);
  if (stored && outcome.status) {
    metadata_.ClearChanges();
    NoteExemplars(row);
  }
  if (!stored && outcome.status) outcome.status = stored;

  metrics_.series_added->Increment(static_cast<double>(outcome.added));
  metrics_.dropped_duplicate->Increment(static_cast<double>(outcome.repeated));
  if (outcome.repeated > 0 && !repeats_) {
    LogWarn("collector", "target names series twice, keeping the first",
            {{"target", target.labels.ToString()}, {"samples", outcome.repeated}});
  }
  repeats_ = repeats_ || outcome.repeated > 0;
  return outcome;
}

/// Samples that went to the appender directly. Sets the status of the outcome.
std::size_t TargetAppender::Read(const Scrape& scrape, const ScrapeBody& body) {
  if (body.text.empty()) return 0;  // in any format a page without samples, as in Prometheus
  const auto run = [&](Reading& reading) {
    scrape.outcome.status = reading.Run();
    return reading.single_samples();
  };
  if (body.format == ExpositionFormat::kProtobuf) {
    ProtobufReading reading(*this, scrape, body);
    return run(reading);
  }
  TextReading reading(*this, scrape, body);
  return run(reading);
}

void TargetAppender::BeginLines(bool convert) {
  lines_.Begin();
  if (convert && !conversion_) conversion_ = std::make_unique<Conversion>();
  if (!conversion_) return;
  conversion_->lines.Begin();
  constexpr std::size_t kSpare = 1024;
  if (conversion_->parts.size() > 2 * lines_.size() + kSpare) conversion_->parts.clear();  // mostly of lines that went
}

/// What is not there any more goes to `row.gone`.
void TargetAppender::FinishLines(bool good, Row& row) {
  row.gone.insert(row.gone.end(), orphans_.begin(), orphans_.end());
  orphans_ = {};
  const LineCache::Gone mark = [&row](const LineCache::Line& line) {
    row.gone.push_back({line.series, line.histogram});
  };
  const auto finish = [&](LineCache& lines) { good ? lines.Finish(mark) : lines.Abandon(mark); };
  finish(lines_);
  if (conversion_) finish(conversion_->lines);
  good ? layouts_.DropUnused() : layouts_.DropAdded();
}

void TargetAppender::ClearLines(const LineCache::Gone& gone) {
  lines_.Clear(gone);
  shared_series_ = false;
  if (conversion_) conversion_->lines.Clear(gone);
  conversion_.reset();
}

/// Of series that have a sample all the same (another text means them now) no marker is needed.
void TargetAppender::AddMarkers(storage::Appender& appender, TimeMs time, Row& row) {
  if (row.gone.empty()) return;
  std::ranges::sort(row.gone, {}, &Marker::series);
  std::vector<bool> present(row.gone.size());
  const auto strike = [&](storage::SeriesId id) {
    for (auto at = std::ranges::lower_bound(row.gone, id, {}, &Marker::series);
         at != row.gone.end() && at->series == id; ++at) {
      present[static_cast<std::size_t>(at - row.gone.begin())] = true;
    }
  };
  std::ranges::for_each(row.series, strike);
  std::ranges::for_each(row.histograms, strike);
  for (std::size_t i = 0; i < row.gone.size(); ++i) {
    const Marker marker = row.gone[i];
    if (present[i] || (i > 0 && marker.series == row.gone[i - 1].series)) continue;
    if (marker.histogram) {
      appender.AddHistogram(marker.series, time, StaleHistogram());
    } else {
      row.Add(marker.series, StaleNan());
    }
  }
}

void TargetAppender::Reset() {
  ClearLines([this](const LineCache::Line& line) { orphans_.push_back({line.series, line.histogram}); });
  layouts_.Clear();
}

void TargetAppender::AddMetadata(storage::Appender& appender, const Target& target, TimeMs time) const {
  for (const SharedMetadata& said : metadata_.Changes()) {
    appender.SetMetadata(target.labels, said->metric, time, {said->type, said->help, said->unit});
  }
}

void TargetAppender::NoteExemplars(const Row& row) {
  if (row.exemplars.empty()) return;
  if (exemplars_.size() > lines_.size()) exemplars_.clear();  // mostly of series that went
  for (const auto& [series, shown] : row.exemplars) exemplars_[series] = shown;
}

Status TargetAppender::End(const Target& target, TimeMs time) {
  Row row;
  ClearLines([&](const LineCache::Line& line) { row.gone.push_back({line.series, line.histogram}); });
  row.gone.insert(row.gone.end(), orphans_.begin(), orphans_.end());
  orphans_ = {};
  for (const storage::SeriesId id : reports_) {
    if (id != storage::SeriesId::kNone) row.gone.push_back({id, false});
  }
  if (row.gone.empty()) return Ok();
  // At the time of a sample the marker would lose against it.
  const TimeMs end = std::max(time, last_time_ + Millis(1));
  const std::unique_ptr<storage::Appender> appender = storage_.NewAppender();
  AddMarkers(*appender, end, row);
  appender->EndMetadata(target.labels, end);
  return Commit(*appender, end, row, 0);
}

Status TargetAppender::AddReports(storage::Appender& appender, const ScrapeConfig& job, const Target& target,
                                  const std::array<double, kReports>& values, Row& row) {
  const std::size_t count = job.extra_scrape_metrics.value_or(false) ? kReports : kUsualReports;
  for (std::size_t i = 0; i < count; ++i) {
    if (reports_[i] == storage::SeriesId::kNone) {
      LabelsBuilder labels(target.labels);
      labels.Set(kMetricName, kReportNames[i]);
      VEDETTE_TRY(reports_[i], appender.Series(labels.Build()));
    }
    row.Add(reports_[i], values[i]);
  }
  return Ok();
}

Status TargetAppender::Commit(storage::Appender& appender, TimeMs time, const Row& row, std::size_t single_samples) {
  appender.AddRow(time, row.series, row.values);
  VEDETTE_TRY(const storage::AppendOutcome outcome, appender.Commit());
  metrics_.samples->Increment(static_cast<double>(row.series.size() + single_samples));
  metrics_.dropped_duplicate->Increment(static_cast<double>(outcome.conflicts));
  metrics_.dropped_too_old->Increment(static_cast<double>(outcome.too_old));
  metrics_.dropped_too_new->Increment(static_cast<double>(outcome.too_new));
  metrics_.dropped_exemplars->Increment(static_cast<double>(outcome.invalid));
  if (outcome.unknown > 0) {
    // The store forgot series of a target that had been silent for a whole retention: ask for them anew.
    ClearLines([](const LineCache::Line&) {});
    reports_ = {};
  }
  return Ok();
}

}  // namespace vedette::collector
