#include "tests/torture/sequence.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "core/numbers.h"

namespace vedette::test {
namespace {

constexpr std::string_view kDoNames[] = {"kAppend", "kRow",      "kCommit", "kDrop",     "kImport",  "kDelete",
                                         "kClean",  "kMaintain", "kFlush",  "kSnapshot", "kAdvance", "kObserve",
                                         "kQuery",  "kReopen",   "kKill",   "kPower"};

class StepMaker {
 public:
  explicit StepMaker(std::uint64_t seed) : random_(seed) {}

  Step Next() {
    const int what = Pick(100);
    if (what < 18) return Samples(Do::kAppend);
    if (what < 36) return Row();
    if (what < 54) return {Do::kCommit};
    if (what < 55) return {Do::kDrop};
    if (what < 60) return Samples(Do::kImport);
    if (what < 66) return Range(Do::kDelete);
    if (what < 68) return {Do::kClean};
    if (what < 75) return {Do::kMaintain};
    if (what < 77) return {Do::kFlush};
    if (what < 78) return {Do::kSnapshot};
    if (what < 81) return {Do::kAdvance, 0, 0, Pick(4) == 0 ? 60 * Pick(20) : Pick(30)};
    if (what < 84) return {Do::kObserve};
    if (what < 94) return Range(Do::kQuery);
    if (what < 96) return {Do::kReopen};
    if (what < 98) return {Do::kKill};
    return {Do::kPower};
  }

 private:
  int Pick(int n) { return static_cast<int>(random_() % static_cast<std::uint64_t>(n)); }

  /// Mostly on from where the last one ended; or in between, again, or days back.
  std::int64_t Time() {
    switch (Pick(8)) {
      case 0:
        return last_ - Pick(40) * 15'000;
      case 1:
        return -Pick(72) * 3'600'000LL;
      case 2:
        return last_ + 1 + Pick(20'000);
      default:
        return last_ += 15'000;
    }
  }

  double Value() {
    switch (Pick(9)) {
      case 0:
        return StaleNan();
      case 1:
        return NormalNan();
      case 2:
        return Pick(1000) / 8.0;
      case 3:
        return -0.0;
      case 4:
        return 1e300 * Pick(3);
      default:
        return Pick(6);
    }
  }

  Step Samples(Do what) {
    const int count = Pick(3) == 0 ? 1 + Pick(40) : 1;
    return {what, Pick(kSequenceSeries), Time(), count, Value()};
  }
  Step Row() {
    Step out{Do::kRow, Pick(kSequenceTargets), Time(), Pick(5) == 0 ? 1 + Pick(12) : 1, Value()};
    last_ += (out.count - 1) * 15'000;
    return out;
  }
  Step Range(Do what) {
    if (Pick(3) == 0) return {what, Pick(kSequenceMatchers), 0, 0};
    return {what, Pick(kSequenceMatchers), Time() - Pick(30) * 15'000, 1 + Pick(60)};
  }

  std::mt19937_64 random_;
  std::int64_t last_ = 0;
};

std::string PrintValue(double value) {
  if (IsStaleNan(value)) return "StaleNan()";
  if (std::isnan(value)) return "NormalNan()";
  if (value == 0 && std::signbit(value)) return "-0.0";
  return fmt::format("{}", value);
}

/// Plainer variants of a step, the plainest first.
std::vector<Step> PlainerThan(const Step& step) {
  std::vector<Step> out;
  const auto add = [&](auto change) {
    Step plainer = step;
    change(plainer);
    out.push_back(plainer);
  };
  if (step.count > 1) add([](Step& s) { s.count = 1; });
  if (step.count > 2) add([](Step& s) { s.count /= 2; });
  if (step.count > 2) add([](Step& s) { --s.count; });
  if (step.time != 0) add([](Step& s) { s.time = 0; });
  if (step.time % 15'000 != 0) add([](Step& s) { s.time -= s.time % 15'000; });
  if (step.time / 2 != 0) add([](Step& s) { s.time /= 2; });
  if (step.series != 0) add([](Step& s) { s.series = 0; });
  if (!(step.value == 1)) add([](Step& s) { s.value = 1; });
  return out;
}

}  // namespace

std::vector<Step> RandomSteps(std::uint64_t seed, std::size_t count) {
  StepMaker maker(seed);
  std::vector<Step> out;
  for (std::size_t i = 0; i < count; ++i) out.push_back(maker.Next());
  return out;
}

SequenceSetup RandomSetup(std::uint64_t seed) {
  return {.retention_hours = seed % 3 == 0 ? 48 : 0, .long_blocks = seed % 2 == 0};
}

std::vector<Step> Shrink(std::vector<Step> steps, const std::function<bool(std::span<const Step>)>& fails, int tries) {
  const auto still_fails = [&](const std::vector<Step>& smaller) { return tries-- > 0 && fails(smaller); };
  for (bool smaller = true; smaller && tries > 0;) {
    smaller = false;
    for (std::size_t part = std::max<std::size_t>(steps.size() / 2, 1); part > 0; part /= 2) {
      for (std::size_t at = 0; at < steps.size();) {
        std::vector<Step> rest = steps;
        const auto from = rest.begin() + static_cast<std::ptrdiff_t>(at);
        rest.erase(from, from + static_cast<std::ptrdiff_t>(std::min(part, rest.size() - at)));
        if (still_fails(rest)) {
          steps = std::move(rest);
          smaller = true;
        } else {
          at += part;
        }
      }
    }
    for (std::size_t i = 0; i < steps.size(); ++i) {
      for (const Step& plainer : PlainerThan(steps[i])) {
        std::vector<Step> changed = steps;
        changed[i] = plainer;
        if (!still_fails(changed)) continue;
        steps = std::move(changed);
        smaller = true;
        break;
      }
    }
  }
  return steps;
}

std::string PrintAsTest(const SequenceSetup& setup, std::span<const Step> steps, std::uint64_t seed) {
  std::string out = fmt::format(
      "TEST_CASE(\"a sequence that failed once, seed {}\", \"[storage][property]\") {{\n"
      "  CheckSteps({{.retention_hours = {}, .long_blocks = {}}},\n             {{",
      seed, setup.retention_hours, setup.long_blocks);
  for (const Step& step : steps) {
    out += fmt::format("\n                 {{Do::{}, {}, {}, {}, {}}},", kDoNames[static_cast<std::size_t>(step.what)],
                       step.series, step.time, step.count, PrintValue(step.value));
  }
  return out + "\n             });\n}\n";
}

}  // namespace vedette::test
