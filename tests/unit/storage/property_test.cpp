// Random sequences of everything that can be done to a store, against a plain model; failing ones are made small and
// printed as a test (tests/torture/sequence.h). VEDETTE_PROPERTY_RUNS: so many more sequences, from other seeds.
#include <cstdlib>

#include "core/numbers.h"
#include "tests/support/catch.h"
#include "tests/support/effort.h"
#include "tests/torture/sequence.h"

namespace vedette::test {
namespace {

constexpr int kShrinkTries = 400;

void CheckSteps(const SequenceSetup& setup, const std::vector<Step>& steps) { MustSucceed(RunSteps(setup, steps)); }

void CheckSeed(std::uint64_t seed, std::size_t count) {
  INFO("seed " << seed);
  const SequenceSetup setup = RandomSetup(seed);
  std::vector<Step> steps = RandomSteps(seed, count);
  const Status first = RunSteps(setup, steps);
  if (first) return;
  steps = Shrink(
      std::move(steps), [&](std::span<const Step> less) { return !RunSteps(setup, less); }, kShrinkTries);
  const Status least = RunSteps(setup, steps);
  FAIL(first.error().message << "\nmade small: " << (least ? "(not reproducible)" : least.error().message) << "\n"
                             << PrintAsTest(setup, steps, seed));
}

TEST_CASE("whatever is done in whatever order, the store answers as the model", "[storage][property]") {
  for (std::uint64_t seed = 1; seed <= test::Repetitions(8U, 3U); ++seed) CheckSeed(seed, 60);
  const char* more = std::getenv("VEDETTE_PROPERTY_RUNS");
  if (more == nullptr) return;
  for (std::uint64_t seed = 1000; seed < 1000 + std::stoull(more); ++seed) CheckSeed(seed, 40 + seed % 200);
}

TEST_CASE("late samples of a deleted series on a day that was re-packed", "[storage][property]") {
  CheckSteps({}, {{Do::kAppend, 4, -86'400'000, 40, 1},
                  {Do::kCommit},
                  {Do::kFlush},
                  {Do::kDelete, 5, 0, 0},
                  {Do::kAppend, 4, -86'385'000, 1, 7},
                  {Do::kCommit},
                  {Do::kFlush},
                  {Do::kQuery, 5, 0, 0}});
}

TEST_CASE("a series that is deleted, forgotten and back under another id while a querier lives",
          "[storage][property]") {
  CheckSteps({.retention_hours = 48, .long_blocks = true}, {{Do::kRow, 0, 0, 1, 1},
                                                            {Do::kCommit, 0, 0, 1, 1},
                                                            {Do::kFlush, 0, 0, 1, 1},
                                                            {Do::kPower, 0, 0, 1, 1},
                                                            {Do::kObserve, 0, 0, 1, 1},
                                                            {Do::kDelete, 0, 0, 0, 1},
                                                            {Do::kClean, 0, 0, 1, 1},
                                                            {Do::kMaintain, 0, 0, 1, 1},
                                                            {Do::kRow, 0, 0, 1, 1},
                                                            {Do::kCommit, 0, 0, 1, 1}});
}

TEST_CASE("a failing sequence is shrunk to what makes it fail", "[storage][property]") {
  // Fails when a deletion follows an append to series 3 with a large value.
  const auto fails = [](std::span<const Step> steps) {
    bool appended = false;
    for (const Step& step : steps) {
      if (step.what == Do::kAppend && step.series == 3 && step.value > 2) appended = true;
      if (step.what == Do::kDelete && appended) return true;
    }
    return false;
  };
  std::vector<Step> steps = RandomSteps(5, 300);
  steps.push_back({Do::kAppend, 3, 1'234, 5, 4});
  steps.push_back({Do::kDelete, 2, 99'000, 7});
  const std::vector<Step> least = Shrink(steps, fails, 5'000);
  REQUIRE(least.size() == 2);
  CHECK(least[0].what == Do::kAppend);
  CHECK(least[0].time == 0);
  CHECK(least[0].count == 1);
  CHECK(least[1].what == Do::kDelete);
  CHECK(least[1].series == 0);
  const std::string printed = PrintAsTest({}, least, 5);
  CHECK(printed.find("{Do::kAppend, 3, 0, 1, ") != std::string::npos);
}

}  // namespace
}  // namespace vedette::test
