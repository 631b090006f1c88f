#include "collector/scrape/target_appender.h"

#include <prometheus/counter.h>

#include <algorithm>

#include "collector/scrape/reading.h"
#include "core/log.h"

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

}  // namespace

TargetAppender::TargetAppender(storage::Storage& storage, ScrapeMetrics& metrics, MetadataPool& pool)
    : storage_(storage), metrics_(metrics), metadata_(pool) {}

ScrapeOutcome TargetAppender::Store(const ScrapeConfig& job, const Target& target, TimeMs time, double seconds,
                                    const Result<ScrapeBody>& body) {
  // Large and needed for a moment only: one per worker instead of one per target.
  thread_local Row row;
  row.Clear();
  last_time_ = time;
  ScrapeOutcome outcome;
  std::unique_ptr<storage::Appender> appender = storage_.NewAppender();
  const LineCache::Gone mark = [](storage::SeriesId id) { row.AddGone(id); };
  std::size_t single_samples = 0;
  if (body) {
    Reading reading(*this, *appender, job, target, time, *body, row, outcome);
    outcome.status = reading.Run();
    single_samples = reading.single_samples();
  } else {
    outcome.status = body.error();
    lines_.Begin();
  }
  if (outcome.status) {
    MarkOrphans(row);
    lines_.Finish(mark);
  } else {
    appender = storage_.NewAppender();  // forgets what was collected before the error
    row.Clear();
    single_samples = 0;
    outcome.added = 0;
    lines_.Abandon(mark);
    MarkOrphans(row);
  }

  const double body_bytes = body ? static_cast<double>(body->text.size()) : -1;
  const std::array<double, kReports> reports = {outcome.status ? 1.0 : 0.0,
                                                seconds,
                                                static_cast<double>(outcome.scraped),
                                                static_cast<double>(outcome.kept),
                                                static_cast<double>(outcome.added),
                                                static_cast<double>(target.timeout.count()) / 1000,
                                                static_cast<double>(job.sample_limit.value_or(0)),
                                                body_bytes};
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

void TargetAppender::Reset() {
  lines_.Clear([this](storage::SeriesId id) { orphans_.push_back(id); });
}

void TargetAppender::AddMetadata(storage::Appender& appender, const Target& target, TimeMs time) const {
  for (const SharedMetadata& said : metadata_.Changes()) {
    appender.SetMetadata(target.labels, said->metric, time, {said->type, said->help, said->unit});
  }
}

void TargetAppender::NoteExemplars(const Row& row) {
  if (row.exemplars.empty()) return;
  if (exemplars_.size() > lines_.size()) exemplars_.clear();  // mostly of series that went
  for (const auto& [series, hash] : row.exemplars) exemplars_[series] = hash;
}

Status TargetAppender::End(const Target& target, TimeMs time) {
  Row row;
  lines_.Clear([&](storage::SeriesId id) { row.AddGone(id); });
  MarkOrphans(row);
  for (const storage::SeriesId id : reports_) {
    if (id != storage::SeriesId::kNone) row.AddGone(id);
  }
  if (row.series.empty()) return Ok();
  // At the time of a sample the marker would lose against it.
  const TimeMs end = std::max(time, last_time_ + Millis(1));
  const std::unique_ptr<storage::Appender> appender = storage_.NewAppender();
  appender->EndMetadata(target.labels, end);
  return Commit(*appender, end, row, 0);
}

/// Markers for the series that were live before Reset() and have no sample now.
void TargetAppender::MarkOrphans(Row& row) {
  if (orphans_.empty()) return;
  std::vector<storage::SeriesId> present = row.series;
  std::sort(present.begin(), present.end());
  for (const storage::SeriesId id : orphans_) {
    if (!std::binary_search(present.begin(), present.end(), id)) row.AddGone(id);
  }
  orphans_ = {};
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
    lines_.Clear([](storage::SeriesId) {});
    reports_ = {};
  }
  return Ok();
}

}  // namespace vedette::collector
