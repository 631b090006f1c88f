#include "tests/torture/check.h"

#include <algorithm>
#include <bit>
#include <limits>

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

Status CheckSeries(const Querier& querier, const SeriesEntry& entry, const Expected::Samples& samples,
                   std::int64_t oldest) {
  Columns got;
  VEDETTE_CHECK(querier.Read(entry.id, TimeRange(), got));
  auto want = samples.lower_bound(oldest);
  std::size_t i = 0;
  for (; i < got.size() && got.times[i] < oldest; ++i) {
    if (!samples.contains(got.times[i])) {
      return Fail(Code::kInternal, "{} has a sample at {} that nobody wrote", entry.labels.ToString(), got.times[i]);
    }
  }
  for (; want != samples.end(); ++want, ++i) {
    if (i >= got.size() || got.times[i] > want->first) {
      return Fail(Code::kInternal, "{} has lost its sample at {} ({} of {} there)", entry.labels.ToString(),
                  want->first, got.size(), samples.size());
    }
    if (got.times[i] < want->first) {
      return Fail(Code::kInternal, "{} has a sample at {} that nobody wrote", entry.labels.ToString(), got.times[i]);
    }
    if (std::bit_cast<std::uint64_t>(got.values[i]) != std::bit_cast<std::uint64_t>(want->second)) {
      return Fail(Code::kInternal, "{} has {} instead of {} at {}", entry.labels.ToString(), got.values[i],
                  want->second, want->first);
    }
  }
  if (i < got.size()) {
    return Fail(Code::kInternal, "{} has a sample at {} that nobody wrote", entry.labels.ToString(), got.times[i]);
  }
  return Ok();
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

}  // namespace

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
  VEDETTE_TRY(const std::vector<SeriesEntry> found, querier->Select({}));
  std::map<Labels, SeriesEntry> by_labels;
  std::set<storage::SeriesId> ids;
  for (const SeriesEntry& entry : found) {
    if (!by_labels.emplace(entry.labels, entry).second || !ids.insert(entry.id).second) {
      return Fail(Code::kInternal, "{} is there twice", entry.labels.ToString());
    }
    if (expected.series().contains(entry.labels)) continue;
    // Named by a commit that did not survive: allowed as long as it has no samples.
    VEDETTE_CHECK(CheckSeries(*querier, entry, {}, oldest));
  }
  std::set<std::string> hosts;
  for (const auto& [labels, samples] : expected.series()) {
    if (samples.lower_bound(oldest) == samples.end()) continue;
    const auto at = by_labels.find(labels);
    if (at == by_labels.end()) return Fail(Code::kInternal, "{} is not found", labels.ToString());
    VEDETTE_CHECK(CheckSeries(*querier, at->second, samples, oldest));
    if (labels.Has("instance")) hosts.emplace(labels.Get("instance"));
  }
  VEDETTE_TRY(const std::vector<std::string> values, querier->LabelValues("instance", {}));
  if (!std::ranges::includes(values, hosts)) return Fail(Code::kInternal, "label values of 'instance' are missing");
  return Ok();
}

Status CheckSome(const storage::Storage& store, const Workload& workload, TimeMs now, const Expected& expected,
                 std::mt19937_64& random) {
  const auto querier = store.NewQuerier(TimeRange());
  const std::int64_t oldest = OldestKept(workload, now);
  const Matcher matcher = Matcher::Equal("instance", "host-" + std::to_string(random() % 3));
  VEDETTE_TRY(const std::vector<SeriesEntry> found, querier->Select(std::span(&matcher, 1)));
  std::size_t matched = 0;
  for (const SeriesEntry& entry : found) {
    const auto at = expected.series().find(entry.labels);
    VEDETTE_CHECK(
        CheckSeries(*querier, entry, at == expected.series().end() ? Expected::Samples() : at->second, oldest));
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
