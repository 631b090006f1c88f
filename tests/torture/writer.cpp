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
  const auto appender = store_.NewAppender({});
  std::vector<storage::SeriesId> ids;
  std::vector<double> values;
  const std::vector<PlannedSample> samples = workload_.CommitAt(n);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    VEDETTE_TRY(const storage::SeriesId id, IdOf(*appender, samples[i].labels, n));
    ids.push_back(id);
    values.push_back(samples[i].value);
    if (i + 1 < samples.size() && samples[i + 1].time == samples[i].time) continue;
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
