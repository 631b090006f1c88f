#include "storage/chunk/bundle.h"

#include <algorithm>
#include <cassert>

#include "storage/chunk/int_codec.h"
#include "storage/chunk/merge.h"

namespace vedette::storage {
namespace {

constexpr std::uint8_t kBundleVersion = 1;
/// A part is tried beside the nearest ones, and beside those that resemble it most of so many before it: the ids of
/// targets that appeared at once are mixed.
constexpr std::size_t kNearest = 2, kAlike = 2, kCandidates = 16;
/// Of its size alone: what reading a base first has to gain.
constexpr std::size_t kWorthPercent = 97;
/// Time sets that a new part is compared with: those of the targets around it.
constexpr std::size_t kComparedTimes = 4;

/// Of one part, as a number of the column: value codec, relative, exceptions, exponent.
constexpr unsigned kRelativeBit = 16, kExceptionsBit = 32;
std::int64_t CodecNumber(const ValueLayout& layout) {
  return static_cast<std::int64_t>(static_cast<unsigned>(layout.codec) | (layout.relative ? kRelativeBit : 0) |
                                   (layout.exceptions ? kExceptionsBit : 0) |
                                   static_cast<unsigned>(layout.exponent) << 6U);
}
bool ReadCodecNumber(std::int64_t number, ValueLayout& out) {
  if (number < 0 || number >= (kMaxDecimalExponent + 1) << 6) return false;
  const auto bits = static_cast<unsigned>(number);
  out = {static_cast<ValueCodec>(bits & 15U), static_cast<int>(bits >> 6U), (bits & kExceptionsBit) != 0,
         (bits & kRelativeBit) != 0};
  return (bits & 15U) <= static_cast<unsigned>(ValueCodec::kProducts) && (!out.relative || IsDecimalCodec(out.codec));
}

void PutColumn(const std::vector<std::int64_t>& column, std::string& out) {
  std::string bytes;
  EncodeInts(column, bytes);
  PutVarint(out, bytes.size());
  out.append(bytes);
}

/// Empty: damaged.
std::vector<std::int64_t> ReadColumn(ByteReader& in, std::size_t count) {
  const auto size = in.Varint();
  const auto bytes = size && *size <= in.size() ? in.Bytes(static_cast<std::size_t>(*size)) : std::nullopt;
  std::vector<std::int64_t> out(count);
  if (!bytes) return {};
  ByteReader column(*bytes);
  if (!DecodeInts(column, count, out)) return {};
  return out;
}

Error Damaged(std::size_t bytes, std::string_view what) {
  return Fail(Code::kCorruption, "bundle of {} bytes is damaged: {}", bytes, what);
}

}  // namespace

// --- Writing.

std::size_t BundleEncoder::TimeSet(std::span<const std::int64_t> times) {
  for (const auto& [number, known] : known_times_) {
    if (std::ranges::equal(known, times)) return number;
  }
  const TimeCodec codec = TimeCodecOf(times);
  times_.push_back(static_cast<char>(codec));
  PutTimes(times, codec, times_);
  known_times_.emplace_front(time_set_count_, std::vector(times.begin(), times.end()));
  if (known_times_.size() > kComparedTimes) known_times_.pop_back();
  return time_set_count_++;
}

/// Replaces `coded` by what it is beside the base.
BundleEncoder::Base BundleEncoder::FindBase(std::size_t set, std::span<const double> values, CodedValues& coded) const {
  // A glance is too rough to tell what is a few percent smaller.
  const std::uint64_t plain = RoughBits(*coded.decimals);
  std::vector<std::pair<std::uint64_t, const Candidate*>> likely;
  for (const Candidate& candidate : candidates_) {
    if (candidate.time_set != set || candidate.depth >= kMaxBundleDepth) continue;
    const std::uint64_t bits = RoughBits(*coded.decimals, candidate.values);
    if (bits <= plain + plain / 16) likely.emplace_back(bits, &candidate);
  }
  if (likely.size() > kNearest) {
    const auto by_bits = [](const auto& one) { return one.first; };
    std::ranges::stable_sort(likely.begin() + kNearest, likely.end(), {}, by_bits);
    likely.resize(std::min(likely.size(), kNearest + kAlike));
  }
  Base base;
  std::optional<CodedValues> best;
  for (const auto& [bits, candidate] : likely) {
    CodedValues beside = EncodeBeside(values, coded, candidate->values);
    const bool pays = beside.payload.size() * 100 <= coded.payload.size() * kWorthPercent;
    if (!pays || (best && beside.payload.size() >= best->payload.size())) continue;
    best = std::move(beside);
    base = {parts() - candidate->part, candidate->depth + 1};
  }
  if (best) coded = *std::move(best);
  return base;
}

void BundleEncoder::Add(SeriesId series, std::uint32_t seal, std::span<const std::int64_t> times,
                        std::span<const double> values) {
  assert(!times.empty() && times.size() == values.size() && times.size() <= kMaxChunkSamples);
  assert(parts() < kMaxBundleParts && (empty() || series >= last()));
  const std::size_t part = parts(), set = TimeSet(times);
  CodedValues coded = EncodeValues(values, std::nullopt);
  const Base base = coded.decimals ? FindBase(set, values, coded) : Base();
  // What is no decimal has no likeness, and a constant is small already.
  if (IsDecimalCodec(coded.layout.codec)) {
    if (candidates_.size() == kCandidates) candidates_.pop_back();
    candidates_.push_front({part, set, base.depth, std::vector(values.begin(), values.end())});
  }
  ids_.push_back(static_cast<std::int64_t>(series));
  seals_.push_back(seal);
  time_sets_.push_back(static_cast<std::int64_t>(set));
  bases_.push_back(static_cast<std::int64_t>(base.distance));
  codecs_.push_back(CodecNumber(coded.layout));
  sizes_.push_back(static_cast<std::int64_t>(coded.payload.size()));
  payloads_.append(coded.payload);
}

std::string BundleEncoder::Take() {
  std::string out(1, static_cast<char>(kBundleVersion));
  PutVarint(out, parts());
  PutVarint(out, time_set_count_);
  out.append(times_);
  for (const auto* column : {&ids_, &seals_, &time_sets_, &bases_, &codecs_, &sizes_}) PutColumn(*column, out);
  out.append(payloads_);
  *this = BundleEncoder();
  return out;
}

// --- Reading.

Status BundleReader::Open(std::string_view bytes) {
  parts_.clear();
  places_.clear();
  time_sets_.clear();
  decoded_set_ = SIZE_MAX;
  for (Kept& kept : kept_) kept.part = SIZE_MAX;
  ByteReader in(bytes);
  const auto version = in.Byte();
  if (!version) return Damaged(bytes.size(), "it is empty");
  if (*version != kBundleVersion) {
    return Fail(Code::kBadData, "bundle has format {}, this program reads format {}", *version, kBundleVersion);
  }
  const auto count = in.Varint(), sets = in.Varint();
  if (!count || *count == 0 || *count > kMaxBundleParts || !sets || *sets == 0 || *sets > *count) {
    return Damaged(bytes.size(), "impossible count");
  }
  if (!ReadTimeSets(in, static_cast<std::size_t>(*sets))) return Damaged(bytes.size(), "times");
  if (ReadParts(in, static_cast<std::size_t>(*count))) return Ok();
  parts_.clear();
  return Damaged(bytes.size(), "its list of series");
}

bool BundleReader::ReadTimeSets(ByteReader& in, std::size_t sets) {
  time_sets_.reserve(sets);
  for (std::size_t i = 0; i < sets; ++i) {
    const auto codec = in.Byte();
    if (!codec || *codec > static_cast<unsigned>(TimeCodec::kIntegers)) return false;
    const auto times = ReadTimes(in, static_cast<TimeCodec>(*codec));
    if (!times) return false;
    time_sets_.push_back(*times);
  }
  return true;
}

bool BundleReader::ReadParts(ByteReader& in, std::size_t count) {
  enum Column : std::size_t { kIds, kSeals, kTimeSets, kBases, kCodecs, kSizes, kColumns };
  std::array<std::vector<std::int64_t>, kColumns> columns;
  for (auto& column : columns) {
    column = ReadColumn(in, count);
    if (column.empty()) return false;
  }
  parts_.resize(count);
  places_.resize(count);
  std::size_t of_series = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const auto at = [&](Column column) { return columns[column][i]; };
    // Negative numbers are enormous ones here.
    const auto seal = static_cast<std::uint64_t>(at(kSeals)), set = static_cast<std::uint64_t>(at(kTimeSets));
    const auto base = static_cast<std::uint64_t>(at(kBases)), size = static_cast<std::uint64_t>(at(kSizes));
    BundlePart& part = parts_[i];
    Place& place = places_[i];
    part.series = SeriesId(static_cast<std::uint64_t>(at(kIds)));
    if (i > 0 && part.series < parts_[i - 1].series) return false;
    of_series = i > 0 && part.series == parts_[i - 1].series ? of_series + 1 : 1;
    if (seal > UINT32_MAX || set >= time_sets_.size() || base > i || size > in.size()) return false;
    if (!ReadCodecNumber(at(kCodecs), place.layout) || place.layout.relative != (base != 0)) return false;
    const CodedTimes& times = time_sets_[set];
    part = {part.series, static_cast<std::uint32_t>(seal), times.count, times.range};
    if (of_series > 1 && (of_series > kMaxSeriesParts || part.range.min <= parts_[i - 1].range.max)) return false;
    place.time_set = static_cast<std::size_t>(set);
    place.base = static_cast<std::size_t>(base);
    place.payload = *in.Bytes(static_cast<std::size_t>(size));
    if (base == 0) continue;
    Place& to = places_[i - place.base];
    place.depth = to.depth + 1;
    to.is_base = true;
    if (to.time_set != place.time_set || place.depth > kMaxBundleDepth) return false;
  }
  return in.empty();
}

std::pair<std::size_t, std::size_t> BundleReader::Find(SeriesId series) const {
  const auto found = std::ranges::equal_range(parts_, series, {}, &BundlePart::series);
  const auto first = static_cast<std::size_t>(found.begin() - parts_.begin());
  return {first, first + found.size()};
}

Status BundleReader::Decode(std::size_t part, TimeRange range, Columns& out) {
  const BundlePart& head = parts_[part];
  if (range.max < range.min || !range.Overlaps(head.range)) return Ok();
  const std::size_t set = places_[part].time_set, count = time_sets_[set].CountUpTo(range.max), before = out.size();
  out.times.resize(before + count);
  out.values.resize(before + count);
  if (DecodeTimeSet(set, std::span(out.times).subspan(before)) &&
      DecodePart(part, std::span(out.values).subspan(before))) {
    if (places_[part].is_base) {
      Keep(part, std::vector(out.values.begin() + static_cast<std::ptrdiff_t>(before), out.values.end()));
    }
    CutToRange(out, before, range);
    return Ok();
  }
  out.times.resize(before);
  out.values.resize(before);
  return Fail(Code::kCorruption, "bundle is damaged: the {} samples of series {} do not decode", head.count,
              Raw(head.series));
}

/// Of irregular times all are decoded: which of them are wanted is not known before.
bool BundleReader::DecodeTimeSet(std::size_t set, std::span<std::int64_t> out) {
  const CodedTimes& times = time_sets_[set];
  if (times.codec == TimeCodec::kRegular) return DecodeTimes(times, out);
  if (decoded_set_ != set) {
    decoded_set_ = SIZE_MAX;
    decoded_times_.resize(times.count);
    if (!DecodeTimes(times, decoded_times_)) return false;
    decoded_set_ = set;
  }
  std::ranges::copy(std::span(decoded_times_).first(out.size()), out.begin());
  return true;
}

bool BundleReader::DecodePart(std::size_t part, std::span<double> out) {
  const Place& place = places_[part];
  const std::size_t count = parts_[part].count;
  if (place.base == 0) return DecodeValues(place.layout, place.payload, count, out);
  const std::vector<double>* base = Base(part - place.base, out.size());
  return base != nullptr && DecodeValues(place.layout, place.payload, count, out, *base);
}

/// The first `count` values of a part; null when they are damaged. Valid until the next one is asked for.
const std::vector<double>* BundleReader::Base(std::size_t part, std::size_t count) {
  const auto find = [&]() -> const std::vector<double>* {
    for (const Kept& kept : kept_) {
      if (kept.part == part && kept.values.size() >= count) return &kept.values;
    }
    return nullptr;
  };
  if (const auto* known = find()) return known;
  std::vector<double> values(count);
  if (!DecodePart(part, values)) return nullptr;
  Keep(part, std::move(values));
  return find();
}

void BundleReader::Keep(std::size_t part, std::vector<double> values) {
  const auto known = std::ranges::find(kept_, part, &Kept::part);
  Kept& to = known != kept_.end() ? *known : kept_[next_kept_++ % kept_.size()];
  if (to.part == part && to.values.size() >= values.size()) return;
  to = {part, std::move(values)};
}

}  // namespace vedette::storage
