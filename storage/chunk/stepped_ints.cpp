#include "storage/chunk/stepped_ints.h"

#include <algorithm>
#include <cmath>

namespace vedette::storage {
namespace {

constexpr unsigned kStepShift = 24;
constexpr double kStepUnit = 1 << kStepShift;
/// A smaller step saves nothing: the distances need its bits. A larger one does not fit in its units.
constexpr double kMinStep = 8, kMaxStep = 5e11;
/// Beyond it doubles, in which the step is looked for, do not hold every integer.
constexpr std::uint64_t kMaxSpread = std::uint64_t{1} << 53;

__extension__ using Int128 = __int128;

/// In integers: the same on every processor, whatever the bytes.
std::int64_t TimesStep(std::int64_t multiple, std::uint64_t step) {
  return static_cast<std::int64_t>((Int128{multiple} * Int128{step} + (Int128{1} << (kStepShift - 1))) >> kStepShift);
}

/// Gaps between neighbours in order of size: those of values on the same multiple, nothing, then those of one step.
/// 0: there is no such hole.
double GuessStep(std::span<const std::int64_t> sorted) {
  thread_local std::vector<std::int64_t> gaps, spare;
  gaps.resize(sorted.size() - 1);
  for (std::size_t i = 0; i < gaps.size(); ++i) gaps[i] = sorted[i + 1] - sorted[i];
  SortInts(gaps, spare);
  // So many gaps must be on each side, and so much larger be the other side's.
  constexpr std::size_t kEnough = 8;
  constexpr std::int64_t kHole = 4;
  for (std::size_t i = kEnough; i + kEnough < gaps.size(); ++i) {
    if (gaps[i] <= kHole * (gaps[i - 1] + 1)) continue;
    double sum = 0;
    std::size_t n = 0;
    for (; i + n < gaps.size() && 2 * gaps[i + n] <= 3 * gaps[i]; ++n) sum += static_cast<double>(gaps[i + n]);
    return n < kEnough ? 0 : sum / static_cast<double>(n);
  }
  return 0;
}

/// The step that fits ever larger distances best, by least squares: each round may trust twice as many steps. 0: the
/// values do not keep to it.
double RefineStep(std::span<const std::int64_t> sorted, double step) {
  constexpr std::size_t kPairs = 1024;
  const std::size_t n = sorted.size();
  const double total = static_cast<double>(sorted[n - 1] - sorted[0]) / step;
  for (double limit = 2; limit < 4 * total; limit *= 2) {
    const double wanted = limit / 2 * static_cast<double>(n) / total;
    const auto lag = static_cast<std::size_t>(std::clamp(wanted, 1.0, static_cast<double>(n / 2)));
    const std::size_t stride = (n - lag) / kPairs + 1;
    double top = 0, bottom = 0;
    std::size_t near = 0, far = 0;
    for (std::size_t i = 0; i + lag < n; i += stride) {
      const auto distance = static_cast<double>(sorted[i + lag] - sorted[i]);
      const double multiple = std::round(distance / step);
      if (multiple < 1 || multiple > limit) continue;
      const bool fits = std::fabs(distance / step - multiple) < 0.2;
      ++(fits ? near : far);
      if (!fits) continue;
      top += multiple * distance;
      bottom += multiple * multiple;
    }
    // Of values without any step two fifths would fit.
    if (far * 4 > near + 16) return 0;
    if (near >= 8) step = top / bottom;
  }
  return step;
}

}  // namespace

bool PlanSteps(std::span<const std::int64_t> values, std::span<const std::int64_t> sorted, IntEffort effort,
               SteppedPlan& plan) {
  const auto spread = static_cast<std::uint64_t>(WrapSub(sorted.back(), sorted.front()));
  if (spread == 0 || spread > kMaxSpread) return false;
  const double guess = GuessStep(sorted);
  if (guess < kMinStep) return false;
  const double step = RefineStep(sorted, guess);
  if (step < kMinStep || step > kMaxStep) return false;
  plan.base = sorted[sorted.size() / 2];
  plan.step = static_cast<std::uint64_t>(std::llround(step * kStepUnit));
  plan.multiples.resize(values.size());
  plan.rests.resize(values.size());
  std::size_t far = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::int64_t distance = values[i] - plan.base;
    plan.multiples[i] = std::llround(static_cast<double>(distance) / step);
    plan.rests[i] = distance - TimesStep(plan.multiples[i], plan.step);
    far += std::fabs(static_cast<double>(plan.rests[i])) * 4 > step;
  }
  if (far * 8 > values.size()) return false;
  plan.multiple_plan = PlanFlatUnsorted(plan.multiples, effort);
  plan.rest_plan = PlanFlatUnsorted(plan.rests, effort);
  plan.bytes = 16 + plan.multiple_plan.bytes + plan.rest_plan.bytes;
  return true;
}

void PutSteps(const SteppedPlan& plan, std::string& out) {
  out.push_back(static_cast<char>(static_cast<unsigned>(plan.multiple_plan.mode) |
                                  static_cast<unsigned>(plan.rest_plan.mode) << 1U));
  PutSigned(out, plan.base);
  PutVarint(out, plan.step);
  std::string multiples;
  PutFlat(plan.multiples, plan.multiple_plan, multiples);
  PutVarint(out, multiples.size());
  out.append(multiples);
  PutFlat(plan.rests, plan.rest_plan, out);
}

bool GetSteps(ByteReader& in, std::size_t count, std::span<std::int64_t> out) {
  const auto modes = in.Byte();
  const auto base = in.Signed();
  const auto step = in.Varint();
  const auto size = in.Varint();
  if (!modes || *modes > 3 || !base || !step || !size || *size > in.size()) return false;
  ByteReader multiples(*in.Bytes(static_cast<std::size_t>(*size)));
  if (!GetFlat(static_cast<FlatMode>(*modes & 1), multiples, count, out)) return false;
  thread_local std::vector<std::int64_t> scratch;
  if (scratch.size() < out.size()) scratch.resize(out.size());
  const auto rests = std::span(scratch).first(out.size());
  if (!GetFlat(static_cast<FlatMode>(*modes >> 1), in, count, rests)) return false;
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = WrapAdd(WrapAdd(*base, TimesStep(out[i], *step)), rests[i]);
  }
  return true;
}

}  // namespace vedette::storage
