#include "tests/torture/workload.h"

#include <algorithm>
#include <random>

#include "core/numbers.h"
#include "storage/storage.h"

namespace vedette::test {
namespace {

constexpr const char* kHistogramName = "latency";
constexpr std::int64_t kStart = 1'700'000'000'000;
constexpr std::uint64_t kTargets = 3;
constexpr std::uint64_t kSeriesPerTarget = 12;
constexpr std::uint64_t kWideRow = 250;
/// After so many commits hours pass, and a target has other series: a deployment.
constexpr std::uint64_t kEpoch = 64;
constexpr std::int64_t kEpochMs = 6 * 3'600'000;
constexpr std::int64_t kHourMs = 3'600'000;
/// Long enough for a table file where these are small.
constexpr std::uint64_t kImportSamples = 60;

using Random = std::mt19937_64;

std::uint64_t Pick(Random& random, std::uint64_t below) { return random() % below; }

/// Of the series of a target.
bool IsHistogram(std::uint64_t i) { return i % 6 == 3; }

Labels TargetSeries(std::uint64_t target, std::uint64_t i, std::uint64_t epoch) {
  // A third of the series is renamed with each epoch.
  const std::string version = i % 3 == 0 ? "v" + std::to_string(epoch) : "v";
  const char* const name = IsHistogram(i) ? kHistogramName : i % 2 == 0 ? "requests_total" : "load";
  return {{"__name__", name},
          {"instance", "host-" + std::to_string(target)},
          {"i", std::to_string(i)},
          {"version", version}};
}

double ValueOf(Random& random, std::uint64_t i, std::uint64_t n) {
  if (Pick(random, 25) == 0) return StaleNan();
  if (IsHistogram(i)) return static_cast<double>(n * 16 + Pick(random, 32)) / (Pick(random, 4) == 0 ? 3 : 1);
  switch (i % 6) {
    case 0:
      return 1;
    case 1:
      return static_cast<double>(n * 17);
    case 2:
      return Pick(random, 2) == 0 ? static_cast<double>(Pick(random, 1000)) / 10
                                  : static_cast<double>(random()) * 0x1p-64;
    case 4:
      return Pick(random, 40) == 0 ? NormalNan() : static_cast<double>(Pick(random, 3));
    default:
      return -static_cast<double>(n) * 1e9;
  }
}

}  // namespace

bool HasHistograms(const Labels& labels) { return labels.MetricName() == kHistogramName; }

Histogram HistogramOf(double value) {
  if (IsStaleNan(value)) return StaleHistogram();
  HistogramLayout layout;
  const auto whole = static_cast<std::int64_t>(value);
  layout.schema = whole % 7 == 0 ? 1 : 3;
  for (std::int64_t i = 0; i < 3 + whole % 5; ++i) {
    layout.positive.push_back(static_cast<std::int32_t>(i * (1 + whole % 2) - 4));
  }
  Histogram out;
  out.integers = value == static_cast<double>(whole);
  out.count = value;
  out.sum = value / 7;
  out.counts.assign(layout.positive.size(), static_cast<double>(whole / 8));
  out.layout = std::make_shared<const HistogramLayout>(std::move(layout));
  return out;
}

TimeMs Workload::TimeOf(std::uint64_t n) {
  return TimeMs(kStart + static_cast<std::int64_t>(n) * 1000 + static_cast<std::int64_t>(n / kEpoch) * kEpochMs);
}

Labels Workload::WitnessOf(std::uint64_t n) {
  return {{"__name__", "witness"}, {"lane", std::to_string(n % kWitnesses)}};
}

Act Workload::ActOf(std::uint64_t n) const {
  if (!mixed_) return Act::kCommit;
  const std::uint64_t what = Random(seed_ * 7'919 + n)() % 100;
  return what < 88 ? Act::kCommit : what < 93 ? Act::kDelete : what < 96 ? Act::kImport : Act::kSnapshot;
}

PlannedDelete Workload::DeleteAt(std::uint64_t n) const {
  Random random(seed_ * 1'000'003 + n);
  const std::int64_t now = TimeOf(n).ms;
  const Matcher matchers[] = {
      Matcher::Equal("instance", "host-" + std::to_string(Pick(random, kTargets))),
      Matcher::Equal("i", std::to_string(Pick(random, kSeriesPerTarget))),
      Matcher::Equal("version", "v" + std::to_string(n / kEpoch - std::min<std::uint64_t>(n / kEpoch, 1))),
      Matcher::Equal("__name__", "once"),
      Matcher::Equal("__name__", "wide"),
      Matcher::Equal("__name__", "imported"),
  };
  const Matcher& matcher = matchers[Pick(random, std::size(matchers))];
  const auto ago = [&] { return TimeMs(now - static_cast<std::int64_t>(Pick(random, 100)) * kHourMs); };
  switch (Pick(random, 5)) {
    case 0:
      return {matcher, TimeRange()};
    case 1:
      return {matcher, {TimeMs::Min(), ago()}};
    case 2:
      return {matcher, {ago(), TimeMs::Max()}};
    case 3:  // what came in the last minute
      return {matcher, {TimeMs(now - 60'000), TimeMs(now - static_cast<std::int64_t>(Pick(random, 50)) * 1000)}};
    default: {
      const TimeMs a = ago(), b = ago();
      return {matcher, {std::min(a, b), std::max(a, b)}};
    }
  }
}

std::map<Labels, std::map<std::int64_t, double>> Workload::ImportAt(std::uint64_t n) const {
  Random random(seed_ * 1'000'003 + n);
  const std::int64_t now = TimeOf(n).ms, oldest = retention_.count() > 0 ? now - retention_.count() : INT64_MIN;
  std::map<Labels, std::map<std::int64_t, double>> out;
  for (std::uint64_t k = 0; k <= Pick(random, 5); ++k) {
    // Series of their own, and those that scrapes bring as well.
    const std::uint64_t i = Pick(random, kSeriesPerTarget);
    const Labels labels = Pick(random, 2) == 0 && !IsHistogram(i)
                              ? Labels{{"__name__", "imported"}, {"i", std::to_string(i)}}
                              : TargetSeries(Pick(random, kTargets), i, n / kEpoch);
    std::int64_t time = now - static_cast<std::int64_t>(Pick(random, 96)) * kHourMs;
    for (std::uint64_t s = 0; s < kImportSamples && time <= now; ++s) {
      const double value = ValueOf(random, i, n + s);
      if (time >= oldest) out[labels].emplace(time, value);
      time += Pick(random, 3) == 0 ? 1000 : kHourMs / 2;
    }
  }
  return out;
}

std::vector<PlannedSample> Workload::ContentOf(std::uint64_t n) const {
  Random random(seed_ * 1'000'003 + n);
  std::vector<PlannedSample> out;
  const std::int64_t now = TimeOf(n).ms;
  const std::uint64_t epoch = n / kEpoch;
  const auto row = [&](std::uint64_t target, std::int64_t time, std::uint64_t missing_percent) {
    for (std::uint64_t i = 0; i < kSeriesPerTarget; ++i) {
      if (Pick(random, 100) < missing_percent) continue;
      out.push_back({TargetSeries(target, i, epoch), time, ValueOf(random, i, n)});
    }
  };
  const std::uint64_t what = Pick(random, 100);
  if (what < 50) {
    row(n % kTargets, now, 0);
  } else if (what < 60) {
    row(n % kTargets, now, 40);
  } else if (what < 65) {
    row(n % kTargets, now, 0);
    row(n % kTargets, now - 500, 20);
  } else if (what < 80) {
    // Late by up to three days, on a coarse grid so that they hit each other and what was there.
    for (std::uint64_t k = 0; k <= Pick(random, 6); ++k) {
      const std::uint64_t i = Pick(random, kSeriesPerTarget);
      const auto late = static_cast<std::int64_t>(Pick(random, 72) * 3'600'000);
      out.push_back({TargetSeries(Pick(random, kTargets), i, epoch), now - late, ValueOf(random, i, n)});
    }
  } else if (what < 90 && n > 0) {
    // An earlier commit again, with the same values or with others.
    out = ContentOf(n - 1 - Pick(random, std::min<std::uint64_t>(n, 30)));
    if (Pick(random, 2) == 0) {
      for (PlannedSample& sample : out) {
        const std::uint64_t float_kind = Pick(random, 3);
        sample.value = ValueOf(random, HasHistograms(sample.labels) ? 3 : float_kind, n);
      }
    }
  } else if (what < 97) {
    for (std::uint64_t k = 0; k < 4; ++k) {
      out.push_back({{{"__name__", "once"}, {"n", std::to_string(n)}, {"k", std::to_string(k)}}, now, 1.5});
    }
  } else {
    const std::string padding(150, 'x');
    for (std::uint64_t i = 0; i < kWideRow; ++i) {
      out.push_back(
          {{{"__name__", "wide"}, {"i", std::to_string(i)}, {"padding", padding}}, now, ValueOf(random, i, n)});
    }
  }
  return out;
}

std::vector<PlannedSample> Workload::CommitAt(std::uint64_t n, std::size_t* too_old) const {
  std::vector<PlannedSample> out = ContentOf(n);
  std::size_t refused = 0;
  if (retention_.count() > 0) {
    const std::int64_t oldest = TimeOf(n).ms - retention_.count();
    refused = std::erase_if(out, [&](const PlannedSample& sample) { return sample.time < oldest; });
  }
  if (too_old != nullptr) *too_old = refused;
  out.push_back({WitnessOf(n), TimeOf(n).ms, static_cast<double>(n)});
  return out;
}

void Expected::Add(std::uint64_t act) {
  const auto take = [&](const Labels& labels, std::int64_t time, double value) {
    const auto [at, fresh] = series_[labels].emplace(time, value);
    if (!fresh) at->second = storage::ResolveDuplicate(at->second, value);
  };
  switch (workload_.ActOf(act)) {
    case Act::kCommit:
      if (!commits_.insert(act).second) return;
      for (const PlannedSample& sample : workload_.CommitAt(act)) take(sample.labels, sample.time, sample.value);
      break;
    case Act::kDelete: {
      const PlannedDelete planned = workload_.DeleteAt(act);
      for (auto& [labels, samples] : series_) {
        if (!planned.matcher.Matches(labels.Get(planned.matcher.name()))) continue;
        samples.erase(samples.lower_bound(planned.range.min.ms), samples.upper_bound(planned.range.max.ms));
      }
      break;
    }
    case Act::kImport:
      for (const auto& [labels, samples] : workload_.ImportAt(act)) {
        for (const auto& [time, value] : samples) take(labels, time, value);
      }
      break;
    case Act::kSnapshot:
      break;
  }
}

}  // namespace vedette::test
