#include "collector/push/intake.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>

#include <algorithm>
#include <utility>

#include "collector/push/push_metrics.h"

namespace vedette::collector {

int PushHttpStatus(const Status& status, int good) {
  if (status) return good;
  switch (status.error().code) {
    case Code::kBadData:
    case Code::kLimit:
    case Code::kOutOfOrder:
      return 400;
    case Code::kUnavailable:
    case Code::kIo:
    case Code::kTimeout:
      return 503;
    default:
      return 500;
  }
}

bool ByteBudget::Take(std::size_t bytes) {
  if (taken_.fetch_add(bytes) + bytes <= limit_) return true;
  taken_ -= bytes;
  return false;
}

Intake::Intake(storage::Storage& storage, const Clock& clock, prometheus::Registry& registry,
               const PushOptions& options)
    : storage_(storage),
      clock_(clock),
      options_(options),
      metrics_(std::make_unique<PushMetrics>(registry)),
      series_(options.series_cache_entries),
      metadata_(options.series_cache_entries),
      budget_(std::make_shared<ByteBudget>(options.max_bytes_in_flight)) {}

Intake::~Intake() = default;

PushBatch::PushBatch(Intake& intake, PushProtocol protocol)
    : intake_(intake),
      protocol_(protocol),
      appender_(intake.storage_.NewAppender()),
      rows_(*appender_),
      now_(intake.clock_.Now()),
      newest_(now_ + kMaxAhead) {}

PushBatch::~PushBatch() {
  intake_.metrics_->cached->Increment(static_cast<double>(cached_));
  intake_.metrics_->parsed->Increment(static_cast<double>(parsed_));
  intake_.budget_->Give(charged_);
  intake_.metrics_->bytes_in_flight->Set(static_cast<double>(intake_.budget_->taken()));
}

/// In steps, so that small things do not touch what all requests share.
Status PushBatch::ChargeMore(std::size_t bytes) {
  constexpr std::size_t kStep = 64 << 10;
  const std::size_t most = intake_.options_.max_request_bytes;
  const std::size_t missing = bytes - reserved_;
  if (missing > most - charged_) return Fail(Code::kLimit, "request needs more than {} bytes of memory", most);
  std::size_t more = std::min(std::max(missing, kStep), most - charged_);
  bool taken = intake_.budget_->Take(more);
  if (!taken) {
    more = missing;
    taken = intake_.budget_->Take(more);
  }
  if (!taken) {
    return Fail(Code::kUnavailable, "too many requests under way: {} bytes are all they may take",
                intake_.options_.max_bytes_in_flight);
  }
  charged_ += more;
  reserved_ += more - bytes;
  intake_.metrics_->bytes_in_flight->Set(static_cast<double>(intake_.budget_->taken()));
  return Ok();
}

storage::SeriesId PushBatch::Find(const SeriesCache::Key& key) {
  const storage::SeriesId known = intake_.series_.Find(key);
  if (known != storage::SeriesId::kNone) ++cached_;
  return known;
}

Result<storage::SeriesId> PushBatch::Series(const Labels& labels, const SeriesCache::Key* key, std::size_t weight) {
  ++parsed_;
  const auto id = appender_->Series(labels);
  if (id) {
    if (key != nullptr) intake_.series_.Add(*key, *id);
    return *id;
  }
  if (id.error().code != Code::kLimit && id.error().code != Code::kBadData) return id.error();
  const bool too_many = id.error().code == Code::kLimit;
  if (too_many && complaints_ == 0) complaint_code_ = Code::kLimit;
  Complain(id.error().message);
  SkipSeries();
  Drop(too_many ? PushDrop::kSeriesLimit : PushDrop::kBadLabels, weight);
  return storage::SeriesId::kNone;
}

storage::SeriesId PushBatch::KnownSeries(const Labels& labels, const SeriesCache::Key& key) {
  ++parsed_;
  const storage::SeriesId id = appender_->FindSeries(labels);
  if (id != storage::SeriesId::kNone) intake_.series_.Add(key, id);
  return id;
}

void PushBatch::AddHistogram(storage::SeriesId series, TimeMs time, Histogram histogram) {
  appender_->AddHistogram(series, time, std::move(histogram));
  ++outcome_.histograms;
}

void PushBatch::AddExemplar(storage::SeriesId series, storage::Exemplar exemplar) {
  appender_->AddExemplar(series, std::move(exemplar));
  ++outcome_.exemplars;
}

void PushBatch::AddStart(storage::SeriesId series, TimeMs time, TimeMs start) {
  appender_->AddStart(series, time, start);
}

void PushBatch::SetMetadata(const Said& said, const Labels& target, std::string_view family, storage::MetricInfo info) {
  if (intake_.Knows(said) || !set_.insert(said.about.low ^ said.what).second) return;
  appender_->SetMetadata(target, family, now_, std::move(info));
  Remember(said);
}

void PushBatch::Drop(PushDrop reason, std::size_t count) {
  intake_.metrics_->Dropped(reason).Increment(static_cast<double>(count));
  if (reason != PushDrop::kBadExemplar) outcome_.dropped += count;
}

void PushBatch::Complain(std::string text) {
  if (++complaints_ > kMaxComplaints) return;
  if (!complaint_.empty()) complaint_ += '\n';
  complaint_ += text;
}

void PushBatch::DropOutOfBounds(TimeMs time, std::string_view series) {
  const bool too_new = time > newest_;
  Drop(too_new ? PushDrop::kTooNew : PushDrop::kBefore1970);
  Complain(fmt::format("out of bounds{} for series {}", too_new ? ": timestamp is too far in the future" : "", series));
}

Status PushBatch::Commit() {
  rows_.Flush();
  VEDETTE_TRY(const storage::AppendOutcome stored, appender_->Commit());
  if (stored.unknown > 0) {
    intake_.series_.Clear();
    return Fail(Code::kUnavailable, "{} samples of series that the store has forgotten: send them again",
                stored.unknown);
  }
  for (const Said& said : said_) intake_.metadata_.Add(said.about, storage::SeriesId{said.what});
  Drop(PushDrop::kTooOld, stored.too_old);
  Drop(PushDrop::kTooNew, stored.too_new);
  // Histograms were looked at before.
  Drop(PushDrop::kBadExemplar, stored.invalid);
  outcome_.exemplars -= std::min(outcome_.exemplars, stored.invalid);
  std::size_t lost = stored.too_old + stored.too_new;
  if (lost > 0) {
    Complain(
        fmt::format("out of bounds: {} samples are older than the retention or too far in the future and were "
                    "dropped",
                    lost));
  }
  // The store counts all kinds together.
  for (std::size_t* kind : {&outcome_.samples, &outcome_.histograms, &outcome_.exemplars}) {
    const std::size_t of_kind = std::min(*kind, lost);
    *kind -= of_kind;
    lost -= of_kind;
  }
  return Ok();
}

PushOutcome PushBatch::Finish(Status failed) {
  PushMetrics::OfProtocol& metrics = intake_.metrics_->Of(protocol_);
  if (Status status = failed ? Commit() : std::move(failed); !status) {
    (PushHttpStatus(status, 0) == 400 ? metrics.refused : metrics.failed)->Increment();
    return {.status = std::move(status), .series = outcome_.series};
  }
  metrics.samples->Increment(static_cast<double>(outcome_.samples + outcome_.histograms));
  (complaints_ == 0 ? metrics.ok : metrics.refused)->Increment();
  if (complaints_ > 0) {
    if (complaints_ > kMaxComplaints) complaint_ += fmt::format("\nand {} more", complaints_ - kMaxComplaints);
    outcome_.status = Error{complaint_code_, std::move(complaint_)};
  }
  return std::move(outcome_);
}

}  // namespace vedette::collector
