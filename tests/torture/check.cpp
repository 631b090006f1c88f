#include "tests/torture/check.h"

#include <algorithm>
#include <limits>

#include "core/numbers.h"
#include "storage/rocks/verify.h"

namespace vedette::test {
namespace {

using storage::Columns;
using storage::Querier;
using storage::SeriesEntry;

/// Times from here on must be there.
std::int64_t OldestKept(const Workload& workload, TimeMs now) {
  if (workload.retention().count() == 0) return std::numeric_limits<std::int64_t>::min();
  return now.ms - workload.retention().count();
}

/// Of each commit that is `there`, and of no other: both come in one batch.
Status CheckExemplars(const Querier& querier, const std::set<std::uint64_t>& there, std::int64_t oldest) {
  const std::vector<std::vector<Matcher>> witnesses{{Matcher::Equal("__name__", "witness")}};
  VEDETTE_TRY(const auto found, querier.Exemplars(witnesses, TimeRange()));
  std::set<std::uint64_t> got;
  for (const storage::SeriesExemplars& series : found) {
    for (const storage::Exemplar& exemplar : series.exemplars) {
      const auto n = static_cast<std::uint64_t>(exemplar.value);
      if (exemplar.time != Workload::TimeOf(n) || exemplar.labels.Get("n") != std::to_string(n) ||
          series.series != Workload::WitnessOf(n)) {
        return Fail(Code::kInternal, "exemplar of commit {} is damaged", n);
      }
      got.insert(n);
    }
  }
  const auto recent = [&](std::uint64_t n) { return Workload::TimeOf(n).ms >= oldest; };
  for (const std::uint64_t n : there) {
    if (recent(n) && !got.contains(n)) return Fail(Code::kInternal, "the exemplar of commit {} is lost", n);
  }
  for (const std::uint64_t n : got) {
    if (recent(n) && !there.contains(n)) return Fail(Code::kInternal, "commit {} has left its exemplar", n);
  }
  return Ok();
}

/// `perhaps`: samples of an import of which any part may be there. `got`: what is.
Status CheckSeries(const Querier& querier, const SeriesEntry& entry, const Expected::Samples& samples,
                   std::int64_t oldest, const Expected::Samples& perhaps, Columns& got) {
  VEDETTE_CHECK(ReadSeries(querier, entry, got));
  auto want = samples.begin();
  const auto lost_before = [&](std::int64_t time) -> Status {
    for (; want != samples.end() && want->first < time; ++want) {
      if (want->first < oldest) continue;
      return Fail(Code::kInternal, "{} has lost its sample at {} ({} of {} there)", entry.labels.ToString(),
                  want->first, got.size(), samples.size());
    }
    return Ok();
  };
  for (std::size_t i = 0; i < got.size(); ++i) {
    const std::int64_t time = got.times[i];
    VEDETTE_CHECK(lost_before(time));
    const bool known = want != samples.end() && want->first == time;
    const auto imported = perhaps.find(time);
    if (!known && imported == perhaps.end()) {
      return Fail(Code::kInternal, "{} has a sample at {} that nobody wrote", entry.labels.ToString(), time);
    }
    bool right = known && SameBits(got.values[i], want->second);
    if (imported != perhaps.end()) {
      const double value = known ? storage::ResolveDuplicate(want->second, imported->second) : imported->second;
      right = right || SameBits(got.values[i], value);
    }
    if (!right) {
      return Fail(Code::kInternal, "{} has {} instead of {} at {}", entry.labels.ToString(), got.values[i],
                  known ? want->second : imported->second, time);
    }
    if (known) ++want;
  }
  return lost_before(std::numeric_limits<std::int64_t>::max());
}

/// The commits whose witnesses are there.
Result<std::set<std::uint64_t>> ReadWitnesses(const Querier& querier) {
  std::set<std::uint64_t> out;
  const Matcher matcher = Matcher::Equal("__name__", "witness");
  VEDETTE_TRY(const std::vector<SeriesEntry> found, querier.Select(std::span(&matcher, 1)));
  for (const SeriesEntry& entry : found) {
    Columns got;
    VEDETTE_CHECK(querier.Read(entry.id, TimeRange(), got));
    for (std::size_t i = 0; i < got.size(); ++i) {
      const auto n = static_cast<std::uint64_t>(got.values[i]);
      if (Workload::TimeOf(n).ms != got.times[i] || Workload::WitnessOf(n) != entry.labels) {
        return Fail(Code::kInternal, "{} has the foreign sample {} at {}", entry.labels.ToString(), got.values[i],
                    got.times[i]);
      }
      out.insert(n);
    }
  }
  return out;
}

Status CheckEverySeries(const storage::Storage& store, const Querier& querier, std::int64_t oldest,
                        const std::map<Labels, Expected::Samples>& imported, Expected& expected) {
  VEDETTE_TRY(const std::vector<SeriesEntry> found, querier.Select({}));
  std::set<Labels> listed;
  std::set<storage::SeriesId> ids;
  std::set<std::string> hosts;
  std::map<Labels, Expected::Samples> adopted;
  const Expected::Samples none;
  Columns got;
  for (const SeriesEntry& entry : found) {
    if (!listed.insert(entry.labels).second || !ids.insert(entry.id).second) {
      return Fail(Code::kInternal, "{} is there twice", entry.labels.ToString());
    }
    // One that is not expected was named by a commit that did not survive: allowed as long as it has no samples.
    const auto want = expected.series().find(entry.labels);
    const auto perhaps = imported.find(entry.labels);
    VEDETTE_CHECK(CheckSeries(querier, entry, want == expected.series().end() ? none : want->second, oldest,
                              perhaps == imported.end() ? none : perhaps->second, got));
    if (perhaps == imported.end()) continue;
    Expected::Samples& samples = adopted[entry.labels];
    for (std::size_t i = 0; i < got.size(); ++i) samples.emplace(got.times[i], got.values[i]);
  }
  for (const auto& [labels, samples] : expected.series()) {
    if (samples.lower_bound(oldest) == samples.end()) continue;
    if (!listed.contains(labels)) return Fail(Code::kInternal, "{} is not found", labels.ToString());
    if (labels.Has("instance")) hosts.emplace(labels.Get("instance"));
  }
  for (auto& [labels, samples] : adopted) expected.Adopt(labels, std::move(samples));
  VEDETTE_TRY(const std::vector<std::string> values, store.NewQuerier(TimeRange())->LabelValues("instance", {}));
  if (!std::ranges::includes(values, hosts)) return Fail(Code::kInternal, "label values of 'instance' are missing");
  return Ok();
}

}  // namespace

Status ReadSeries(const Querier& querier, const SeriesEntry& entry, Columns& got) {
  got.clear();
  if (!HasHistograms(entry.labels)) return querier.Read(entry.id, TimeRange(), got);
  storage::HistogramColumns histograms;
  VEDETTE_CHECK(querier.ReadMixed(entry.id, TimeRange(), got, histograms));
  if (got.size() > 0) return Fail(Code::kInternal, "{} has floats", entry.labels.ToString());
  for (std::size_t i = 0; i < histograms.size(); ++i) {
    const Histogram& histogram = histograms.histograms[i];
    const double value = IsStaleHistogram(histogram) ? StaleNan() : histogram.count;
    if (!SameHistogram(histogram, HistogramOf(value))) {
      return Fail(Code::kInternal, "{} has a damaged histogram at {}", entry.labels.ToString(), histograms.times[i]);
    }
    got.times.push_back(histograms.times[i]);
    got.values.push_back(value);
  }
  return Ok();
}

Status CheckOrigin(const storage::Storage& store, const Workload& workload, const std::set<std::uint64_t>& acts) {
  std::map<Labels, std::multimap<std::int64_t, double>> written;
  for (const std::uint64_t n : acts) {
    for (const PlannedSample& sample : workload.CommitAt(n)) written[sample.labels].emplace(sample.time, sample.value);
  }
  const auto querier = store.NewQuerier(TimeRange());
  VEDETTE_TRY(const std::vector<SeriesEntry> found, querier->Select({}));
  Columns got;
  for (const SeriesEntry& entry : found) {
    got.clear();
    VEDETTE_CHECK(querier->Read(entry.id, TimeRange(), got));
    for (std::size_t i = 0; i < got.size(); ++i) {
      const auto [first, last] = written[entry.labels].equal_range(got.times[i]);
      const auto same = [&](const auto& sample) { return SameBits(sample.second, got.values[i]); };
      if (std::any_of(first, last, same)) continue;
      return Fail(Code::kInternal, "{} has {} at {}, which nobody wrote", entry.labels.ToString(), got.values[i],
                  got.times[i]);
    }
  }
  return Ok();
}

Status VerifyAfterPowerCuts(const std::string& path, rocksdb::Env* env) {
  VEDETTE_TRY(const storage::VerifyReport report, storage::VerifyStore(path, false, env));
  for (const std::string& problem : report.problems) {
    if (problem.find(".log is damaged at its end") != std::string::npos) continue;
    return Fail(Code::kInternal, "verify finds {} problems, one of them: {}", report.problem_count, problem);
  }
  return Ok();
}

Status CheckAll(const storage::Storage& store, const Workload& workload, TimeMs now,
                const std::set<std::uint64_t>& possible, Expected& expected) {
  const auto querier = store.NewQuerier(TimeRange());
  const std::int64_t oldest = OldestKept(workload, now);
  VEDETTE_TRY(const std::set<std::uint64_t> there, ReadWitnesses(*querier));
  for (const std::uint64_t n : expected.commits()) {
    if (!there.contains(n) && Workload::TimeOf(n).ms >= oldest) {
      return Fail(Code::kInternal, "commit {} was acknowledged and is lost", n);
    }
  }
  for (const std::uint64_t n : there) {
    if (expected.Has(n)) continue;
    if (!possible.contains(n)) return Fail(Code::kInternal, "commit {} is there, and was not before", n);
    expected.Add(n);
  }
  VEDETTE_CHECK(CheckExemplars(*querier, there, oldest));
  const std::uint64_t last = possible.empty() ? 0 : *possible.rbegin();
  const Act act = last == 0 ? Act::kCommit : workload.ActOf(last);
  if (act == Act::kImport) return CheckEverySeries(store, *querier, oldest, workload.ImportAt(last), expected);
  const Status checked = CheckEverySeries(store, *querier, oldest, {}, expected);
  if (checked || act != Act::kDelete) return checked;
  Expected after = expected;
  after.Add(last);
  const Status deleted = CheckEverySeries(store, *querier, oldest, {}, after);
  if (!deleted) {
    return Fail(Code::kInternal, "deletion {} is there in part: without it {}; with it {}", last,
                checked.error().message, deleted.error().message);
  }
  for (const auto& [labels, samples] : after.series()) expected.Adopt(labels, samples);
  return Ok();
}

Status CheckSome(const storage::Storage& store, const Workload& workload, TimeMs now, const Expected& expected,
                 std::mt19937_64& random) {
  const auto querier = store.NewQuerier(TimeRange());
  const std::int64_t oldest = OldestKept(workload, now);
  const Matcher matcher = Matcher::Equal("instance", "host-" + std::to_string(random() % 3));
  VEDETTE_TRY(const std::vector<SeriesEntry> found, querier->Select(std::span(&matcher, 1)));
  std::size_t matched = 0;
  Columns got;
  for (const SeriesEntry& entry : found) {
    const auto at = expected.series().find(entry.labels);
    VEDETTE_CHECK(CheckSeries(*querier, entry, at == expected.series().end() ? Expected::Samples() : at->second, oldest,
                              {}, got));
    if (at != expected.series().end() && at->second.lower_bound(oldest) != at->second.end()) ++matched;
  }
  std::size_t wanted = 0;
  for (const auto& [labels, samples] : expected.series()) {
    if (matcher.Matches(labels.Get("instance")) && samples.lower_bound(oldest) != samples.end()) ++wanted;
  }
  if (matched != wanted) return Fail(Code::kInternal, "{} of {} series of a target are found", matched, wanted);
  return Ok();
}

}  // namespace vedette::test
