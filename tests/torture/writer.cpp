#include "tests/torture/writer.h"

namespace vedette::test {
namespace {

/// An id is asked for again after so many commits without a sample: far sooner than a store may forget it.
constexpr std::uint64_t kIdLives = 40;

}  // namespace

Result<storage::SeriesId> CommitWriter::IdOf(storage::Appender& appender, const Labels& labels, std::uint64_t n) {
  Known& known = known_[labels];
  if (known.id == storage::SeriesId::kNone || n > known.used + kIdLives) {
    VEDETTE_TRY(known.id, appender.Series(labels));
  }
  known.used = n;
  return known.id;
}

Status CommitWriter::Write(std::uint64_t n) {
  if (Workload::TimeOf(n) > clock_.Now()) clock_.Advance(Workload::TimeOf(n) - clock_.Now());
  switch (workload_.ActOf(n)) {
    case Act::kCommit:
      return Commit(n);
    case Act::kDelete: {
      const PlannedDelete planned = workload_.DeleteAt(n);
      return store_.Delete(std::span(&planned.matcher, 1), planned.range);
    }
    case Act::kImport:
      return Import(n);
    case Act::kSnapshot: {
      VEDETTE_TRY(snapshot_, store_.Snapshot());
      return Ok();
    }
  }
  return Ok();
}

Status CommitWriter::Import(std::uint64_t n) {
  const auto bulk = store_.NewBulkWriter();
  std::size_t given = 0;
  for (const auto& [labels, samples] : workload_.ImportAt(n)) {
    VEDETTE_TRY(const storage::SeriesId id, bulk->Series(labels));
    storage::Columns columns;
    storage::HistogramColumns histograms;
    for (const auto& [time, value] : samples) {
      if (HasHistograms(labels)) {
        histograms.times.push_back(time);
        histograms.histograms.push_back(HistogramOf(value));
      } else {
        columns.times.push_back(time);
        columns.values.push_back(value);
      }
    }
    given += samples.size();
    VEDETTE_CHECK(bulk->Add(id, columns));
    VEDETTE_CHECK(bulk->AddHistograms(id, histograms));
  }
  VEDETTE_TRY(const storage::BulkOutcome outcome, bulk->Flush());
  if (outcome.stored == given) return Ok();
  return Fail(Code::kInternal, "import {} of {} samples: {} taken, {} too old, {} too new", n, given, outcome.stored,
              outcome.too_old, outcome.too_new);
}

Status CommitWriter::Commit(std::uint64_t n) {
  const auto appender = store_.NewAppender({});
  std::vector<storage::SeriesId> ids;
  std::vector<double> values;
  const std::vector<PlannedSample> samples = workload_.CommitAt(n);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    VEDETTE_TRY(const storage::SeriesId id, IdOf(*appender, samples[i].labels, n));
    const bool row_ends = i + 1 == samples.size() || samples[i + 1].time != samples[i].time;
    if (HasHistograms(samples[i].labels)) {
      appender->AddHistogram(id, TimeMs(samples[i].time), HistogramOf(samples[i].value));
    } else {
      ids.push_back(id);
      values.push_back(samples[i].value);
    }
    if (i + 1 == samples.size()) {  // the witness
      appender->AddExemplar(id, {{{"n", std::to_string(n)}}, static_cast<double>(n), TimeMs(samples[i].time)});
    }
    if (!row_ends || ids.empty()) continue;
    if (ids.size() == 1) {
      appender->Add(ids.front(), TimeMs(samples[i].time), values.front());
    } else {
      appender->AddRow(TimeMs(samples[i].time), ids, values);
    }
    ids.clear();
    values.clear();
  }
  VEDETTE_TRY(const storage::AppendOutcome outcome, appender->Commit());
  const std::size_t taken = outcome.stored + outcome.duplicates + outcome.conflicts;
  if (taken == samples.size()) return Ok();
  return Fail(Code::kInternal, "commit {} of {} samples: {} taken, {} too old, {} too new, {} unknown", n,
              samples.size(), taken, outcome.too_old, outcome.too_new, outcome.unknown);
}

}  // namespace vedette::test
