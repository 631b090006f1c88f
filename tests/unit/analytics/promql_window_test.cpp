// Window functions against slow and obvious versions of themselves, on random data with gaps, NaN, infinities and
// resets.
#include <algorithm>
#include <cmath>
#include <functional>
#include <random>

#include "analytics/promql/eval_numerics.h"
#include "analytics/promql/window.h"
#include "core/numbers.h"
#include "storage/memory/memory_storage.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"

namespace vedette::promql {

namespace {

struct Sample {
  std::int64_t time = 0;
  double value = 0;
};
using Samples = std::vector<Sample>;
/// Samples of one window, its start and end; nothing when the function has no value.
using Naive = std::function<std::optional<double>(const Samples&, std::int64_t start, std::int64_t end)>;

struct Series {
  storage::Columns columns;
  bool wild = false;  // holds NaN and infinities
};

Series RandomSeries(std::mt19937& random, bool wild) {
  std::uniform_int_distribution<int> dice(0, 99);
  std::uniform_int_distribution<std::int64_t> jitter(1, 20'000);
  Series series{{}, wild};
  std::int64_t time = -50'000;
  double value = 0;
  for (int i = 0; i < 400; ++i) {
    time += dice(random) < 3 ? 200'000 : jitter(random);
    const int what = dice(random);
    value = what < 5 ? 0 : value + what % 7 - (what > 95 ? 20 : 0);
    double stored = value;
    if (wild && what == 40) stored = kNaN;
    if (wild && what == 41) stored = kInfinity;
    if (wild && what == 42) stored = -kInfinity;
    series.columns.times.push_back(time);
    series.columns.values.push_back(stored);
  }
  return series;
}

double NaiveExtrapolated(const Samples& s, std::int64_t start, std::int64_t end, bool counter) {
  double increase = s.back().value - s.front().value;
  for (std::size_t i = 1; counter && i < s.size(); ++i) {
    if (s[i].value < s[i - 1].value) increase += s[i - 1].value;
  }
  const double sampled = static_cast<double>(s.back().time - s.front().time) / 1e3;
  const double spacing = sampled / static_cast<double>(s.size() - 1);
  double left = static_cast<double>(s.front().time - start) / 1e3,
         right = static_cast<double>(end - s.back().time) / 1e3;
  if (left >= 1.1 * spacing) left = spacing / 2;
  if (right >= 1.1 * spacing) right = spacing / 2;
  if (counter && increase > 0 && s.front().value >= 0) left = std::min(left, sampled * s.front().value / increase);
  return increase * (sampled + left + right) / sampled;
}

std::vector<double> Values(const Samples& samples) {
  std::vector<double> values;
  for (const Sample& sample : samples) values.push_back(sample.value);
  return values;
}

double NaiveQuantile(double q, std::vector<double> values) {
  std::sort(values.begin(), values.end(), LessNanFirst);
  const double rank = q * static_cast<double>(values.size() - 1);
  const auto low = static_cast<std::size_t>(rank);
  const std::size_t high = std::min(low + 1, values.size() - 1);
  const double weight = rank - static_cast<double>(low);
  return values[low] * (1 - weight) + values[high] * weight;
}

double NaiveMad(const Samples& samples) {
  std::vector<double> values = Values(samples);
  if (std::ranges::any_of(values, [](double v) { return std::isnan(v); })) return kNaN;
  const double median = NaiveQuantile(0.5, values);
  for (double& value : values) value = std::fabs(value - median);
  return NaiveQuantile(0.5, values);
}

double NaiveVariance(const Samples& samples) {
  long double mean = 0, squares = 0;
  for (const Sample& s : samples) mean += s.value;
  mean /= static_cast<long double>(samples.size());
  for (const Sample& s : samples) squares += (s.value - mean) * (s.value - mean);
  return static_cast<double>(squares / static_cast<long double>(samples.size()));
}

double NaiveSum(const Samples& samples) {
  long double sum = 0;
  for (const Sample& s : samples) sum += s.value;
  return static_cast<double>(sum);
}

/// The last of the best samples; NaN only when there is nothing else.
Sample Best(const Samples& samples, const std::function<bool(double, double)>& at_least) {
  Sample best = samples.front();
  for (const Sample& s : samples) {
    if (std::isnan(best.value) || at_least(s.value, best.value)) best = s;
  }
  return best;
}

double NaiveSlope(const Samples& s) {
  long double n = 0, x = 0, y = 0, xy = 0, xx = 0;
  for (const Sample& one : s) {
    const long double t = static_cast<long double>(one.time - s.front().time) / 1e3L;
    n += 1, x += t, y += one.value, xy += t * one.value, xx += t * t;
  }
  if (std::ranges::all_of(s, [&](const Sample& one) { return one.value == s.front().value; })) {
    return std::isinf(s.front().value) ? kNaN : 0;
  }
  return static_cast<double>((xy - x * y / n) / (xx - x * x / n));
}

struct Case {
  std::string name;
  WindowFunction function;
  std::size_t least_samples;
  Naive naive;
};

std::vector<Case> Cases() {
  const auto pairs = [](const Samples& s, auto counts) {
    double count = 0;
    for (std::size_t i = 1; i < s.size(); ++i) count += counts(s[i - 1].value, s[i].value) ? 1 : 0;
    return count;
  };
  using Time = std::int64_t;
  return {
      {"increase", fn::Increase, 2, [](auto& s, Time a, Time b) { return NaiveExtrapolated(s, a, b, true); }},
      {"delta", fn::Delta, 2, [](auto& s, Time a, Time b) { return NaiveExtrapolated(s, a, b, false); }},
      {"rate", fn::Rate, 2,
       [](auto& s, Time a, Time b) { return NaiveExtrapolated(s, a, b, true) / (static_cast<double>(b - a) / 1e3); }},
      {"idelta", fn::Idelta, 2, [](auto& s, Time, Time) { return s.back().value - s[s.size() - 2].value; }},
      {"irate", fn::Irate, 2,
       [](auto& s, Time, Time) {
         const Sample &p = s[s.size() - 2], &l = s.back();
         return (l.value < p.value ? l.value : l.value - p.value) / (static_cast<double>(l.time - p.time) / 1e3);
       }},
      {"resets", fn::Resets, 1,
       [=](auto& s, Time, Time) { return pairs(s, [](double a, double b) { return b < a; }); }},
      {"changes", fn::Changes, 1,
       [=](auto& s, Time, Time) {
         return pairs(s, [](double a, double b) { return a != b && !(std::isnan(a) && std::isnan(b)); });
       }},
      {"deriv", fn::Deriv, 2, [](auto& s, Time, Time) { return NaiveSlope(s); }},
      {"sum_over_time", fn::SumOverTime, 1, [](auto& s, Time, Time) { return NaiveSum(s); }},
      {"avg_over_time", fn::AvgOverTime, 1,
       [](auto& s, Time, Time) { return NaiveSum(s) / static_cast<double>(s.size()); }},
      {"stdvar_over_time", fn::StdvarOverTime, 1, [](auto& s, Time, Time) { return NaiveVariance(s); }},
      {"stddev_over_time", fn::StddevOverTime, 1, [](auto& s, Time, Time) { return std::sqrt(NaiveVariance(s)); }},
      {"count_over_time", fn::CountOverTime, 1, [](auto& s, Time, Time) { return static_cast<double>(s.size()); }},
      {"present_over_time", fn::PresentOverTime, 1, [](auto&, Time, Time) { return 1.0; }},
      {"first_over_time", fn::FirstOverTime, 1, [](auto& s, Time, Time) { return s.front().value; }},
      {"last_over_time", fn::LastOverTime, 1, [](auto& s, Time, Time) { return s.back().value; }},
      {"min_over_time", fn::MinOverTime, 1, [](auto& s, Time, Time) { return Best(s, std::less_equal<>()).value; }},
      {"max_over_time", fn::MaxOverTime, 1, [](auto& s, Time, Time) { return Best(s, std::greater_equal<>()).value; }},
      {"ts_of_min_over_time", fn::TsOfMinOverTime, 1,
       [](auto& s, Time, Time) { return static_cast<double>(Best(s, std::less_equal<>()).time) / 1e3; }},
      {"ts_of_max_over_time", fn::TsOfMaxOverTime, 1,
       [](auto& s, Time, Time) { return static_cast<double>(Best(s, std::greater_equal<>()).time) / 1e3; }},
      {"ts_of_first_over_time", fn::TsOfFirstOverTime, 1,
       [](auto& s, Time, Time) { return static_cast<double>(s.front().time) / 1e3; }},
      {"ts_of_last_over_time", fn::TsOfLastOverTime, 1,
       [](auto& s, Time, Time) { return static_cast<double>(s.back().time) / 1e3; }},
      {"quantile_over_time", fn::QuantileOverTime, 1,
       [](auto& s, Time, Time) { return NaiveQuantile(0.3, Values(s)); }},
      {"mad_over_time", fn::MadOverTime, 1, [](auto& s, Time, Time) { return NaiveMad(s); }},
  };
}

bool Close(double want, double got) {
  if (std::isnan(want) || std::isnan(got)) return std::isnan(want) && std::isnan(got);
  if (std::isinf(want) || std::isinf(got)) return want == got;
  return std::fabs(want - got) <= 1e-9 * std::max({1.0, std::fabs(want), std::fabs(got)});
}

/// Runs the function and compares every step with the naive version. Returns the first difference, or nothing.
std::string FirstDifference(const Case& one, const Series& series, const Steps& steps, const RangeShape& shape) {
  const test::FakeClock clock;
  const auto store = storage::NewMemoryStorage({}, clock);
  const EvalContext context(*store, "", 1, Deadline(clock, Millis(1000)), {});
  std::vector<Window> windows;
  FindWindows(series.columns.times, steps, shape, windows);
  const std::vector<Scalar> scalars = {Scalar(steps.count, 0.3)};
  std::vector<double> row(steps.count, Absent());
  MustSucceed(
      one.function({series.columns.times, series.columns.values, windows, steps, shape, scalars, context}, row));
  for (std::size_t step = 0; step < steps.count; ++step) {
    const std::int64_t end = shape.End(steps.At(step)), start = shape.Start(steps.At(step));
    Samples inside;
    for (std::size_t i = 0; i < series.columns.size(); ++i) {
      const std::int64_t time = series.columns.times[i];
      if (start < time && time <= end) inside.push_back({time, series.columns.values[i]});
    }
    std::optional<double> want;
    if (inside.size() >= one.least_samples) want = one.naive(inside, start, end);
    const bool same = want ? !IsAbsent(row[step]) && Close(*want, row[step]) : IsAbsent(row[step]);
    if (!same) {
      return fmt::format("step {} with {} samples: want {}, got {}", step, inside.size(),
                         want ? FormatSampleValue(*want) : "nothing", FormatSampleValue(row[step]));
    }
  }
  return {};
}

}  // namespace

TEST_CASE("window functions agree with their obvious versions", "[promql][window]") {
  const unsigned seed = std::random_device()();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  // From windows that hardly overlap to those that share nearly everything.
  const Steps steps = GENERATE(Steps{-100'000, 60'000, 70}, Steps{0, 1'000, 900});
  const std::int64_t range_ms = GENERATE(5'000, 70'000, 1'500'000);
  const bool wild = GENERATE(false, true);
  const Series series = RandomSeries(random, wild);
  RangeShape shape;
  shape.range_ms = range_ms;
  shape.offset_ms = 7'000;
  for (const Case& one : Cases()) {
    const std::string difference = FirstDifference(one, series, steps, shape);
    INFO(one.name << ", range " << range_ms << ", step " << steps.step << ", wild " << wild);
    CHECK(difference == "");
  }
}

TEST_CASE("a range fixed by @ has the same window at every step", "[promql][window]") {
  std::mt19937 random(1);
  const Series series = RandomSeries(random, false);
  RangeShape shape;
  shape.range_ms = 300'000;
  shape.at_ms = 600'000;
  for (const Case& one : Cases()) {
    INFO(one.name);
    CHECK(FirstDifference(one, series, Steps{0, 60'000, 5}, shape) == "");
  }
}

TEST_CASE("a long window is left when the time is over", "[promql][window]") {
  test::FakeClock clock;
  const auto store = storage::NewMemoryStorage({}, clock);
  const EvalContext context(*store, "", 1, Deadline(clock, Millis(10)), {});
  clock.Advance(Millis(11));
  std::vector<std::int64_t> times(3'000'000);
  for (std::size_t i = 0; i < times.size(); ++i) times[i] = static_cast<std::int64_t>(i);
  const std::vector<double> values(times.size(), 1);
  const Steps steps{static_cast<std::int64_t>(times.size()), 1, 1};
  RangeShape shape;
  shape.range_ms = steps.start;
  std::vector<Window> windows;
  FindWindows(times, steps, shape, windows);
  std::vector<double> row(1, Absent());
  const Status status = fn::SumOverTime({times, values, windows, steps, shape, {}, context}, row);
  REQUIRE(!status);
  CHECK(status.error().code == Code::kTimeout);
}

}  // namespace vedette::promql
