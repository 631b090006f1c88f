#include "storage/chunk/int_codec.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numeric>
#include <vector>

#include "storage/chunk/kernels.h"
#include "storage/chunk/stepped_ints.h"

namespace vedette::storage {
namespace {

constexpr std::size_t kMaxOrder = 2;

/// Stored.
enum class Mode : std::uint8_t { kPacked = 0, kBins = 1, kSparse = 2, kSteps = 3 };

/// First byte: order, mode << 2, kScaled.
constexpr unsigned kScaled = 16;

/// A sparse sequence decodes ten times as fast as bins: it may be that much larger. Steps take half as long again.
constexpr double kSparseBonus = 1.03, kStepsMalus = 0.97;
/// Below these steps are not looked for: values, and bits of each.
constexpr std::size_t kStepsMinValues = 512, kStepsMinBits = 10;

void Differences(std::span<const std::int64_t> values, std::vector<std::int64_t>& out) {
  out.resize(values.empty() ? 0 : values.size() - 1);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = WrapSub(values[i + 1], values[i]);
}

/// About the bits that bins would take: entropy over classes of distance from the middle value, a few per octave.
double EstimateBits(std::span<const std::int64_t> values) {
  if (values.empty()) return 0;
  constexpr std::size_t kSample = 63;
  std::array<std::int64_t, kSample> sample;
  for (std::size_t i = 0; i < kSample; ++i) sample[i] = values[i * values.size() / kSample];
  std::ranges::nth_element(sample, sample.begin() + kSample / 2);
  const std::int64_t middle = sample[kSample / 2];
  constexpr unsigned kPerOctave = 2;  // log2 of the classes per octave
  std::array<std::uint32_t, 64 << kPerOctave> counts{};
  std::uint64_t extra = 0;
  for (const std::int64_t v : values) {
    const std::uint64_t z = ZigZag(WrapSub(v, middle));
    const auto width = static_cast<unsigned>(std::bit_width(z));
    const unsigned low = width > kPerOctave + 1 ? width - kPerOctave - 1 : 0;
    extra += low;
    ++counts[(low << kPerOctave) + static_cast<std::size_t>(z >> low)];
  }
  double bits = static_cast<double>(extra);
  const float total = std::log2(static_cast<float>(values.size()));
  for (const std::uint32_t c : counts) {
    if (c != 0) bits += static_cast<float>(c) * (total - std::log2(static_cast<float>(c))) + 8;
  }
  return bits;
}

/// About the middle one of the values.
std::int64_t MiddleOf(std::span<const std::int64_t> values) {
  constexpr std::size_t kSample = 15;
  std::array<std::int64_t, kSample> sample;
  for (std::size_t i = 0; i < kSample; ++i) sample[i] = values[i * values.size() / kSample];
  std::ranges::nth_element(sample, sample.begin() + kSample / 2);
  return sample[kSample / 2];
}

/// About the bits that packing would take: as wide as most are, and the others apart.
double EstimatePacked(std::span<const std::int64_t> values) {
  if (values.empty()) return 0;
  const std::int64_t middle = MiddleOf(values);
  std::array<std::uint32_t, 65> counts{};
  for (const std::int64_t v : values) ++counts[static_cast<std::size_t>(std::bit_width(ZigZag(WrapSub(v, middle))))];
  std::size_t widest = 64;
  while (widest > 0 && counts[widest] == 0) --widest;
  const std::size_t exception_bits = 16 + widest;
  std::size_t left_out = 0, best = SIZE_MAX;
  for (std::size_t width = widest + 1; width-- > 0 && left_out * exception_bits < best;) {
    best = std::min(best, values.size() * width + left_out * exception_bits);
    left_out += counts[width];
  }
  return static_cast<double>(best);
}

/// How often values are differenced before they are coded: what takes the fewest bits, judged by some stretches of
/// them.
std::size_t ChooseOrder(std::span<const std::int64_t> values, IntEffort effort) {
  const bool quick = effort == IntEffort::kPackedOnly;
  const auto estimate = quick ? EstimatePacked : EstimateBits;
  thread_local std::array<std::vector<std::int64_t>, kMaxOrder + 1> ladder;
  for (auto& rung : ladder) rung.clear();
  const std::size_t stretch = quick ? 48 : 256, most_stretches = quick ? 2 : 8;
  const std::size_t stretches = values.size() <= 2 * stretch * most_stretches ? 1 : most_stretches;
  const std::size_t length = stretches == 1 ? values.size() : stretch;
  for (std::size_t s = 0; s < stretches; ++s) {
    const auto part = values.subspan(s * values.size() / stretches, length);
    ladder[0].insert(ladder[0].end(), part.begin(), part.end());
    for (std::size_t i = 1; i < part.size(); ++i) ladder[1].push_back(WrapSub(part[i], part[i - 1]));
    for (std::size_t i = 2; i < part.size(); ++i) {
      ladder[2].push_back(WrapSub(WrapSub(part[i], part[i - 1]), WrapSub(part[i - 1], part[i - 2])));
    }
  }
  const double scale =
      static_cast<double>(values.size()) / static_cast<double>(std::max<std::size_t>(1, stretches * length));
  std::size_t order = 0;
  double best = estimate(ladder[0]) * scale;
  for (std::size_t i = 1; i <= kMaxOrder && i <= values.size(); ++i) {
    // Each step costs one varint for the value that starts it.
    const double bits = estimate(ladder[i]) * scale + 24.0 * static_cast<double>(i);
    if (bits >= best) continue;
    order = i;
    best = bits;
  }
  return order;
}

/// Where the values differ from the usual one: gaps between them, and the values themselves.
struct Sparse {
  std::int64_t usual = 0;
  std::vector<std::int64_t> gaps, others;
  FlatPlan gap_plan, other_plan;
  std::size_t bytes = 0;
};

/// The value that most of `sorted` are, if there is one that leaves at most half.
bool FindUsual(std::span<const std::int64_t> sorted, std::int64_t& usual) {
  usual = sorted[sorted.size() / 2];
  const auto [begin, end] = std::equal_range(sorted.begin(), sorted.end(), usual);
  return static_cast<std::size_t>(end - begin) * 2 >= sorted.size();
}

void PlanSparse(std::span<const std::int64_t> values, IntEffort effort, Sparse& sparse) {
  sparse.gaps.clear();
  sparse.others.clear();
  std::size_t next = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] == sparse.usual) continue;
    sparse.gaps.push_back(static_cast<std::int64_t>(i - next));
    sparse.others.push_back(values[i]);
    next = i + 1;
  }
  sparse.gap_plan = PlanFlatUnsorted(sparse.gaps, effort);
  sparse.other_plan = PlanFlatUnsorted(sparse.others, effort);
  sparse.bytes = 6 + sparse.gap_plan.bytes + sparse.other_plan.bytes;
}

void PutSparse(const Sparse& sparse, std::string& out) {
  out.push_back(static_cast<char>(static_cast<unsigned>(sparse.gap_plan.mode) |
                                  static_cast<unsigned>(sparse.other_plan.mode) << 1U));
  PutSigned(out, sparse.usual);
  PutVarint(out, sparse.gaps.size());
  PutFlat(sparse.gaps, sparse.gap_plan, out);
  PutFlat(sparse.others, sparse.other_plan, out);
}

bool GetSparse(ByteReader& in, std::size_t count, std::span<std::int64_t> out) {
  const auto modes = in.Byte();
  const auto usual = in.Signed();
  const auto size = in.Varint();
  if (!modes || *modes > 3 || !usual || !size || *size > count) return false;
  thread_local std::vector<std::int64_t> gaps, others;
  gaps.resize(static_cast<std::size_t>(*size));
  others.resize(gaps.size());
  if (!GetFlat(static_cast<FlatMode>(*modes & 1), in, gaps.size(), gaps)) return false;
  if (!GetFlat(static_cast<FlatMode>(*modes >> 1), in, others.size(), others)) return false;
  std::ranges::fill(out, *usual);
  std::uint64_t at = 0;
  for (std::size_t i = 0; i < gaps.size(); ++i) {
    const auto gap = static_cast<std::uint64_t>(gaps[i]);
    if (gap >= count - at) return false;
    at += gap;
    if (at < out.size()) out[at] = others[i];
    if (++at == count && i + 1 < gaps.size()) return false;
  }
  return true;
}

/// Whether the values fill their whole spread so evenly that packing all of them alike is as good as leaving some out:
/// then it is planned without sorting them.
bool PlanEvenly(std::span<const std::int64_t> values, FlatPlan& plan) {
  if (values.empty()) return false;
  const auto [least, most] = std::ranges::minmax(values);
  const auto width = static_cast<std::size_t>(std::bit_width(Distance(most, least)));
  const std::int64_t middle = MiddleOf(values);
  const auto usual = static_cast<std::size_t>(std::ranges::count(values, middle));
  const double bits = static_cast<double>(values.size() * width);
  if (width == 0 || usual * 2 >= values.size() || EstimatePacked(values) < bits) return false;
  plan.mode = FlatMode::kPacked;
  plan.pack = {least, static_cast<unsigned>(width), 0, (values.size() * width + 7) / 8};
  plan.bytes = plan.pack.bytes;
  return true;
}

/// What all distances from the first value are multiples of; 1 when that gains nothing.
std::uint64_t CommonFactor(std::span<const std::int64_t> values) {
  std::uint64_t factor = 0;
  for (const std::int64_t v : values) {
    const std::int64_t signed_distance = WrapSub(v, values.front());
    const auto distance = static_cast<std::uint64_t>(signed_distance < 0 ? -static_cast<std::uint64_t>(signed_distance)
                                                                         : static_cast<std::uint64_t>(signed_distance));
    if (distance == 0 || (factor != 0 && distance % factor == 0)) continue;
    factor = std::gcd(factor, distance);
    if (factor == 1) return 1;
  }
  // Wrapped differences are no multiples of what they were; a factor that large is an outlier's anyway.
  return factor == 0 || factor > (std::uint64_t{1} << 62) ? 1 : factor;
}

/// What is in front of a sequence.
struct SequenceHead {
  std::size_t order = 0;
  Mode mode = Mode::kPacked;
  bool scaled = false;
  std::int64_t base = 0, factor = 1;
  std::array<std::int64_t, kMaxOrder> first{};  // as many as the order
};

bool ReadHead(ByteReader& in, std::size_t count, SequenceHead& head) {
  const auto byte = in.Byte();
  if (!byte) return false;
  head.order = *byte & 3U;
  head.mode = static_cast<Mode>(*byte >> 2U & 3U);
  head.scaled = (*byte & kScaled) != 0;
  if (head.order > kMaxOrder || head.order > count || (*byte & ~31U) != 0) return false;
  if (head.scaled) {
    const auto first = in.Signed();
    const auto common = in.Varint();
    if (!first || !common) return false;
    head.base = *first;
    head.factor = static_cast<std::int64_t>(*common);
  }
  for (std::size_t i = 0; i < head.order; ++i) {
    const auto value = in.Signed();
    if (!value) return false;
    head.first[i] = *value;
  }
  return true;
}

/// Behind the head: the sequence itself.
bool DecodeRest(ByteReader& in, const SequenceHead& head, std::size_t count, std::span<std::int64_t> out) {
  const std::size_t skipped = std::min(head.order, out.size());
  const auto rest = out.subspan(skipped);
  const std::size_t left = count - head.order;
  const bool read = head.mode == Mode::kSparse ? GetSparse(in, left, rest)
                    : head.mode == Mode::kSteps
                        ? GetSteps(in, left, rest)
                        : GetFlat(head.mode == Mode::kBins ? FlatMode::kBins : FlatMode::kPacked, in, left, rest);
  if (!read) return false;
  for (std::size_t i = 0; i < skipped; ++i) out[i] = head.first[i];
  if (head.order == 1) SumUp(out);
  if (head.order == 2) SumUpTwice(out);
  if (head.scaled) Rescale(out, head.base, head.factor);
  return true;
}

/// What one part takes, in and out, stays in the first cache. A multiple of 8, so that each begins at a byte.
constexpr std::size_t kPart = 1024;

/// Order 0 or 1.
void InParts(const PlainPacking& packed, const SequenceHead& head, std::size_t wanted, const IntSink& sink) {
  std::array<std::int64_t, kPart> part;
  std::int64_t last = head.first[0];
  std::size_t at = 0;
  const auto give = [&](std::span<std::int64_t> values) {
    if (head.scaled) Rescale(values, head.base, head.factor);
    sink(at, values);
    at += values.size();
  };
  if (head.order == 1 && wanted > 0) {
    part[0] = last;
    give(std::span(part).first(1));
  }
  std::size_t done = 0;
  while (at < wanted) {
    const auto values = std::span(part).first(std::min(kPart, wanted - at));
    const std::string_view bits = packed.bits.substr(done * packed.width / 8);
    if (head.order == 1) {
      UnpackSums(bits, packed.width, packed.base, last, values);
      last = values.back();
    } else {
      UnpackBits(bits, packed.width, packed.base, values);
    }
    give(values);
    done += kPart;
  }
}

}  // namespace

void EncodeInts(std::span<const std::int64_t> values, std::string& out, IntEffort effort) {
  thread_local std::array<std::vector<std::int64_t>, kMaxOrder + 1> ladder;
  thread_local std::vector<std::int64_t> sorted, spare;
  thread_local Sparse sparse;
  thread_local SteppedPlan steps;
  std::uint64_t factor = values.size() < 3 ? 1 : CommonFactor(values);
  ladder[0].assign(values.begin(), values.end());
  if (factor > 1) {
    for (std::int64_t& v : ladder[0]) v = WrapSub(v, values.front()) / static_cast<std::int64_t>(factor);
  }
  const std::size_t order = ChooseOrder(ladder[0], effort);
  for (std::size_t i = 1; i <= order; ++i) Differences(ladder[i - 1], ladder[i]);

  const std::vector<std::int64_t>& rest = ladder[order];
  FlatPlan flat;
  const bool even = effort == IntEffort::kPackedOnly && PlanEvenly(rest, flat);
  if (!even) {
    sorted.assign(rest.begin(), rest.end());
    SortInts(sorted, spare);
    flat = PlanFlat(sorted, effort);
  }
  Mode mode = flat.mode == FlatMode::kBins ? Mode::kBins : Mode::kPacked;
  if (!even && !rest.empty() && flat.bytes > 8 && FindUsual(sorted, sparse.usual)) {
    PlanSparse(rest, effort, sparse);
    const double allowed = mode == Mode::kBins ? kSparseBonus : 1;
    if (static_cast<double>(sparse.bytes) < allowed * static_cast<double>(flat.bytes)) mode = Mode::kSparse;
  }

  const bool wide = rest.size() >= kStepsMinValues && flat.bytes * 8 >= rest.size() * kStepsMinBits;
  if (wide && mode != Mode::kSparse && effort == IntEffort::kSmallest && PlanSteps(rest, sorted, effort, steps) &&
      static_cast<double>(steps.bytes) < kStepsMalus * static_cast<double>(flat.bytes)) {
    mode = Mode::kSteps;
  }

  out.push_back(static_cast<char>(order | static_cast<unsigned>(mode) << 2U | (factor > 1 ? kScaled : 0)));
  if (factor > 1) {
    PutSigned(out, values.front());
    PutVarint(out, factor);
  }
  for (std::size_t i = 0; i < order; ++i) PutSigned(out, ladder[i].empty() ? 0 : ladder[i].front());
  if (mode == Mode::kSparse) {
    PutSparse(sparse, out);
  } else if (mode == Mode::kSteps) {
    PutSteps(steps, out);
  } else {
    PutFlat(rest, flat, out);
  }
}

bool DecodeInts(ByteReader& in, std::size_t count, std::span<std::int64_t> out) {
  SequenceHead head;
  return ReadHead(in, count, head) && DecodeRest(in, head, count, out);
}

bool DecodeIntsInParts(ByteReader& in, std::size_t count, std::size_t wanted, const IntSink& sink) {
  SequenceHead head;
  if (!ReadHead(in, count, head)) return false;
  if (head.mode == Mode::kPacked && head.order <= 1) {
    ByteReader behind = in;
    if (const auto packed = ReadPlainPacking(behind, count - head.order)) {
      in = behind;
      InParts(*packed, head, wanted, sink);
      return true;
    }
  }
  thread_local std::vector<std::int64_t> scratch;
  if (scratch.size() < wanted) scratch.resize(wanted);
  const auto all = std::span(scratch).first(wanted);
  if (!DecodeRest(in, head, count, all)) return false;
  sink(0, all);
  return true;
}

}  // namespace vedette::storage
