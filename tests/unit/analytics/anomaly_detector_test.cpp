// The anomaly models: what they expect, what they call an anomaly, and that nothing puts them out of order.
#include <cmath>
#include <random>

#include "analytics/anomaly/models.h"
#include "tests/support/catch.h"

namespace vedette::analytics {
namespace {

constexpr TimeMs kMonday(1'699'833'600'000);  // 2023-11-13 00:00 UTC
constexpr Millis kStep = std::chrono::minutes(5);

std::unique_ptr<Detector> Make() { return FindDetector("")->make(); }

bool Finite(const Judgement& j) {
  return std::isfinite(j.score) && std::isfinite(j.expected) && std::isfinite(j.lower) && std::isfinite(j.upper);
}

TEST_CASE("the first samples are averaged with equal weights", "[anomaly]") {
  const auto detector = Make();
  double sum = 0;
  for (int i = 0; i < 30; ++i) {
    const double value = 10 + (i * 7) % 5;
    const Judgement judgement = detector->Observe(kMonday + kStep * i, value);
    if (i > 0) CHECK_THAT(judgement.expected, WithinRel(sum / i, 1e-12));
    CHECK(judgement.score == 0);
    sum += value;
  }
}

TEST_CASE("a constant series expects itself and any change stands out", "[anomaly]") {
  const double level = GENERATE(0.0, 5.0, -3e12, 1e-3);
  const auto detector = Make();
  for (int i = 0; i < 200; ++i) {
    const Judgement judgement = detector->Observe(kMonday + kStep * i, level);
    CHECK(judgement.score == 0);
    if (i > 0) CHECK(judgement.expected == level);
  }
  const Judgement changed = detector->Observe(kMonday + kStep * 200, level == 0 ? 1 : level * 1.1);
  CHECK(changed.score == kMaxScore);
  CHECK(changed.expected == level);
}

TEST_CASE("the band of Gaussian noise is four standard deviations wide and seldom left", "[anomaly]") {
  std::mt19937_64 random(7);
  std::normal_distribution<double> noise(100, 2);
  const auto detector = Make();
  int outside = 0;
  double width = 0;
  constexpr int kSamples = 6000, kLearned = 1000;
  for (int i = 0; i < kSamples; ++i) {
    const Judgement judgement = detector->Observe(kMonday + kStep * i, noise(random));
    if (i < kLearned) continue;
    outside += judgement.score > 1 ? 1 : 0;
    width += (judgement.upper - judgement.lower) / 2 / (kSamples - kLearned);
  }
  CHECK_THAT(width, WithinRel(8.0, 0.1));
  CHECK(outside <= 3);
}

TEST_CASE("an outlier is seen but hardly learned, a new level is learned", "[anomaly]") {
  std::mt19937_64 random(11);
  std::normal_distribution<double> noise(0, 1);
  const auto detector = Make();
  TimeMs time = kMonday;
  const auto observe = [&](double level) { return detector->Observe(time += kStep, level + noise(random)); };
  for (int i = 0; i < 1000; ++i) observe(50);
  CHECK(observe(150).score > 10);
  const Judgement after = observe(50);
  CHECK_THAT(after.expected, WithinAbs(50, 1));
  CHECK(after.score < 1);
  CHECK(observe(60).score > 1);
  for (int i = 0; i < 400; ++i) observe(60);
  CHECK_THAT(observe(60).expected, WithinAbs(60, 1));
  CHECK(observe(50).score > 1);
}

TEST_CASE("the shape of the day narrows the band and finds what is odd for the hour", "[anomaly]") {
  std::mt19937_64 random(3);
  std::normal_distribution<double> noise(0, 1);
  const auto traffic = [](TimeMs time) {  // nothing at night, a block of work from 8 to 18
    const int hour = ToCivil(time).hour;
    return hour >= 8 && hour < 18 ? 100.0 : 20.0;
  };
  const auto detector = Make();
  TimeMs time = kMonday;
  for (; time < kMonday + std::chrono::hours(24 * 14); time += kStep) {
    detector->Observe(time, traffic(time) + noise(random));
  }
  int alarms = 0;
  for (; time < kMonday + std::chrono::hours(24 * 15); time += kStep) {
    const Judgement judgement = detector->Observe(time, traffic(time) + noise(random));
    CHECK_THAT(judgement.expected, WithinAbs(traffic(time), 6));
    alarms += judgement.score > 1 ? 1 : 0;
  }
  CHECK(alarms <= 2);
  // 3 o'clock in the morning with the traffic of noon.
  for (; ToCivil(time).hour < 3; time += kStep) detector->Observe(time, traffic(time) + noise(random));
  CHECK(detector->Observe(time, 100).score > 2);
}

TEST_CASE("a saved detector goes on exactly where it was", "[anomaly]") {
  std::mt19937_64 random(5);
  std::lognormal_distribution<double> noise(1, 1);
  const auto original = Make();
  for (int i = 0; i < 3000; ++i) original->Observe(kMonday + kStep * i, noise(random));
  const auto restored = Make();
  MustSucceed(restored->Load(original->Save()));
  CHECK(restored->Save() == original->Save());
  for (int i = 3000; i < 3100; ++i) {
    const double value = noise(random);
    const Judgement a = original->Observe(kMonday + kStep * i, value),
                    b = restored->Observe(kMonday + kStep * i, value);
    CHECK((a.score == b.score && a.expected == b.expected && a.lower == b.lower && a.upper == b.upper));
  }
}

TEST_CASE("damaged states are refused and leave the detector as it was", "[anomaly]") {
  const auto detector = Make();
  for (int i = 0; i < 100; ++i) detector->Observe(kMonday + kStep * i, i % 3);
  const std::string good = detector->Save();
  std::string newer = good, with_nan = good;
  newer[0] = 9;
  for (int i = 1; i <= 8; ++i) with_nan[static_cast<std::size_t>(i)] = '\xff';
  for (const std::string& bad : {std::string(), good.substr(0, good.size() - 1), good + "x", newer, with_nan}) {
    const Status status = detector->Load(bad);
    REQUIRE(!status);
    CHECK(status.error().code == Code::kCorruption);
    CHECK(detector->Save() == good);
  }
}

TEST_CASE("no value and no clock makes a judgement that is not a number", "[anomaly]") {
  const auto detector = Make();
  const double inf = std::numeric_limits<double>::infinity();
  const double values[] = {1e308, -1e308, std::nan(""), inf, -inf, 0, 5e-324, 1e149, -1e149, 3};
  std::mt19937_64 random(1);
  for (int i = 0; i < 5000; ++i) {
    // Also backwards in time, and over gaps of a year.
    const TimeMs time = kMonday + Millis(static_cast<std::int64_t>(random() % 31'536'000'000));
    const Judgement judgement = detector->Observe(time, values[random() % std::size(values)]);
    REQUIRE(Finite(judgement));
    REQUIRE(judgement.score >= 0);
    REQUIRE(judgement.score <= kMaxScore);
  }
  const auto reloaded = Make();
  MustSucceed(reloaded->Load(detector->Save()));
}

TEST_CASE("models are found by name", "[anomaly]") {
  CHECK(FindDetector("hour_profile") == FindDetector(""));
  CHECK(FindDetector("crystal_ball") == nullptr);
  for (const DetectorSpec& spec : AllDetectors()) CHECK(!spec.help.empty());
}

}  // namespace
}  // namespace vedette::analytics
