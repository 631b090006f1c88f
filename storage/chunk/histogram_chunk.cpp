#include "storage/chunk/histogram_chunk.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>

#include "storage/chunk/chunk.h"
#include "storage/chunk/chunk_values.h"
#include "storage/chunk/histogram_codec.h"
#include "storage/chunk/int_codec.h"
#include "storage/coding.h"

namespace vedette::storage {
namespace {

constexpr std::uint8_t kChunkVersion = 3;
constexpr std::uint8_t kHistogramFormat = 1;

/// First byte of a group. Stored.
enum HistogramGroupKind : std::uint8_t { kFloatGroup = 0, kIntegerGroup = 1, kStaleGroup = 2 };
/// How the buckets of an integer group are coded. Stored.
enum BucketMode : std::uint8_t { kByBucket = 0, kTogether = 1 };
/// Instead of the hint that all samples share: a sequence of them follows.
constexpr std::uint8_t kMixedHints = 0xFF;

/// Samples of a chunk that share what makes their buckets comparable.
struct HistogramGroup {
  HistogramGroupKind kind = kFloatGroup;
  std::shared_ptr<HistogramLayout> layout;  // null: of markers
  std::vector<std::uint32_t> samples;       // their places in the chunk
};

void UniteNumbers(std::vector<std::int32_t>& all, const std::vector<std::int32_t>& more) {
  if (std::ranges::includes(all, more)) return;
  std::vector<std::int32_t> united;
  std::ranges::set_union(all, more, std::back_inserter(united));
  all = std::move(united);
}

bool FitsGroup(const HistogramGroup& group, const Histogram& histogram) {
  if (IsStaleHistogram(histogram)) return group.kind == kStaleGroup;
  const HistogramLayout& layout = *histogram.layout;
  return group.kind == (histogram.integers ? kIntegerGroup : kFloatGroup) && group.layout->schema == layout.schema &&
         std::bit_cast<std::uint64_t>(group.layout->zero_threshold) ==
             std::bit_cast<std::uint64_t>(layout.zero_threshold) &&
         group.layout->bounds == layout.bounds;
}

std::vector<HistogramGroup> Gather(std::span<const Histogram> histograms) {
  std::vector<HistogramGroup> groups;
  std::size_t last = 0;
  const HistogramLayout* united = nullptr;  // the layout that the last group took in last
  for (std::uint32_t i = 0; i < histograms.size(); ++i) {
    const Histogram& histogram = histograms[i];
    if (groups.empty() || !FitsGroup(groups[last], histogram)) {
      last = static_cast<std::size_t>(
          std::ranges::find_if(groups, [&](const HistogramGroup& group) { return FitsGroup(group, histogram); }) -
          groups.begin());
      united = nullptr;
    }
    if (last == groups.size()) {
      HistogramGroup& fresh = groups.emplace_back();
      const bool stale = IsStaleHistogram(histogram);
      fresh.kind = stale ? kStaleGroup : histogram.integers ? kIntegerGroup : kFloatGroup;
      if (!stale) fresh.layout = std::make_shared<HistogramLayout>(*histogram.layout);
    }
    HistogramGroup& group = groups[last];
    group.samples.push_back(i);
    if (group.kind == kStaleGroup || histogram.layout.get() == united) continue;
    UniteNumbers(group.layout->positive, histogram.layout->positive);
    UniteNumbers(group.layout->negative, histogram.layout->negative);
    united = histogram.layout.get();
  }
  return groups;
}

std::size_t CellsOf(const std::vector<HistogramGroup>& groups) {
  std::size_t cells = 0;
  for (const HistogramGroup& group : groups) {
    if (group.layout) cells += group.samples.size() * group.layout->buckets();
  }
  return cells;
}

/// Within what a decoder takes: also the united layouts are valid ones.
bool FitsChunk(const std::vector<HistogramGroup>& groups) {
  return CellsOf(groups) <= kMaxHistogramCells && std::ranges::all_of(groups, [](const HistogramGroup& group) {
           return !group.layout || group.layout->buckets() <= kMaxHistogramBuckets;
         });
}

std::int64_t ToWhole(double value) { return static_cast<std::int64_t>(value); }

/// The counts of one sign by the numbers of the group.
void SpreadCounts(std::span<const std::int32_t> numbers, std::span<const double> counts,
                  std::span<const std::int32_t> all, std::span<double> out) {
  std::size_t at = 0;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    while (all[at] != numbers[i]) ++at;
    out[at] = counts[i];
  }
}

/// Columns of a group: bucket b of sample s is cells[b * samples + s].
std::vector<double> CellsByBucket(const HistogramGroup& group, std::span<const Histogram> histograms) {
  const std::size_t n = group.samples.size(), buckets = group.layout->buckets();
  std::vector<double> cells(n * buckets), row;
  for (std::size_t s = 0; s < n; ++s) {
    const Histogram& h = histograms[group.samples[s]];
    row.assign(buckets, 0);
    const std::size_t positive = group.layout->positive.size(), own = h.layout->positive.size();
    SpreadCounts(h.layout->positive, std::span(h.counts).first(own), group.layout->positive,
                 std::span(row).first(positive));
    SpreadCounts(h.layout->negative, std::span(h.counts).subspan(own), group.layout->negative,
                 std::span(row).subspan(positive));
    for (std::size_t b = 0; b < buckets; ++b) cells[b * n + s] = row[b];
  }
  return cells;
}

void PutDoubles(std::span<const double> values, std::string& out) {
  const CodedValues coded = EncodeValues(values, std::nullopt);
  out.push_back(static_cast<char>(coded.layout.codec));
  out.push_back(static_cast<char>(coded.layout.exponent | (coded.layout.exceptions ? 0x80 : 0)));
  PutVarint(out, coded.payload.size());
  out.append(coded.payload);
}

bool GetDoubles(ByteReader& in, std::span<double> out) {
  const auto codec = in.Byte(), extra = in.Byte();
  const auto size = in.Varint();
  if (!codec || !extra || !size || *codec > static_cast<unsigned>(ValueCodec::kProducts)) return false;
  const int exponent = *extra & 0x7F;
  const auto payload = in.Bytes(static_cast<std::size_t>(std::min<std::uint64_t>(*size, SIZE_MAX)));
  if (!payload || exponent > kMaxDecimalExponent) return false;
  return DecodeValues({static_cast<ValueCodec>(*codec), exponent, (*extra & 0x80) != 0}, *payload, out.size(), out);
}

/// All buckets as one sequence: the first sample's counts, each minus the one before, then the steps of each bucket.
void PutTogether(std::span<const std::int64_t> cells, std::size_t n, std::string& out) {
  std::vector<std::int64_t> first, steps;
  for (std::size_t at = 0; at < cells.size(); at += n) {
    first.push_back(at == 0 ? cells[0] : WrapSub(cells[at], cells[at - n]));
    for (std::size_t s = 1; s < n; ++s) steps.push_back(WrapSub(cells[at + s], cells[at + s - 1]));
  }
  EncodeInts(first, out);
  if (!steps.empty()) EncodeInts(steps, out);
}

bool GetTogether(ByteReader& in, std::size_t n, std::span<std::int64_t> cells) {
  std::vector<std::int64_t> first(cells.size() / n), steps(cells.size() - first.size());
  if (!DecodeInts(in, first.size(), first) || (!steps.empty() && !DecodeInts(in, steps.size(), steps))) return false;
  std::size_t step = 0;
  for (std::size_t at = 0; at < cells.size(); at += n) {
    cells[at] = at == 0 ? first[0] : WrapAdd(cells[at - n], first[at / n]);
    for (std::size_t s = 1; s < n; ++s) cells[at + s] = WrapAdd(cells[at + s - 1], steps[step++]);
  }
  return true;
}

void PutIntegerBuckets(std::span<const std::int64_t> cells, std::size_t n, std::string& out) {
  if (cells.empty()) return;
  std::string apart, together;
  PutTogether(cells, n, together);
  for (std::size_t at = 0; at < cells.size(); at += n) {
    EncodeInts(cells.subspan(at, n), apart);
    if (apart.size() >= together.size()) break;
  }
  const bool apart_wins = apart.size() < together.size();
  out.push_back(static_cast<char>(apart_wins ? kByBucket : kTogether));
  out.append(apart_wins ? apart : together);
}

bool GetIntegerBuckets(ByteReader& in, std::size_t n, std::span<std::int64_t> cells) {
  if (cells.empty()) return true;
  const auto mode = in.Byte();
  if (!mode || *mode > kTogether) return false;
  if (*mode == kTogether) return GetTogether(in, n, cells);
  for (std::size_t at = 0; at < cells.size(); at += n) {
    if (!DecodeInts(in, n, cells.subspan(at, n))) return false;
  }
  return true;
}

void PutIntegerGroup(const HistogramGroup& group, std::span<const Histogram> histograms, std::string& out) {
  const std::size_t n = group.samples.size();
  const std::vector<double> cells = CellsByBucket(group, histograms);
  std::vector<std::int64_t> whole(cells.size()), zeros(n), rests(n);
  std::ranges::transform(cells, whole.begin(), ToWhole);
  for (std::size_t s = 0; s < n; ++s) {
    const Histogram& h = histograms[group.samples[s]];
    zeros[s] = ToWhole(h.zero_count);
    std::int64_t sum = zeros[s];
    for (std::size_t at = s; at < whole.size(); at += n) sum = WrapAdd(sum, whole[at]);
    rests[s] = WrapSub(ToWhole(h.count), sum);
  }
  EncodeInts(zeros, out);
  EncodeInts(rests, out);
  PutIntegerBuckets(whole, n, out);
}

bool GetIntegerGroup(ByteReader& in, const HistogramGroup& group, std::span<Histogram> out) {
  const std::size_t n = group.samples.size(), buckets = group.layout->buckets();
  std::vector<std::int64_t> zeros(n), rests(n), cells(n * buckets);
  if (!DecodeInts(in, n, zeros) || !DecodeInts(in, n, rests) || !GetIntegerBuckets(in, n, cells)) return false;
  const auto exact = [](std::int64_t v) { return v >= 0 && v <= ToWhole(kMaxHistogramCount); };
  if (!std::ranges::all_of(cells, exact) || !std::ranges::all_of(zeros, exact)) return false;
  for (std::size_t s = 0; s < n; ++s) {
    Histogram& h = out[group.samples[s]];
    std::int64_t sum = zeros[s];
    h.counts.resize(buckets);
    for (std::size_t b = 0; b < buckets; ++b) {
      h.counts[b] = static_cast<double>(cells[b * n + s]);
      sum = WrapAdd(sum, cells[b * n + s]);
    }
    sum = WrapAdd(sum, rests[s]);
    if (!exact(sum)) return false;
    h.zero_count = static_cast<double>(zeros[s]);
    h.count = static_cast<double>(sum);
  }
  return true;
}

void PutFloatGroup(const HistogramGroup& group, std::span<const Histogram> histograms, std::string& out) {
  const std::size_t n = group.samples.size();
  std::vector<double> zeros, counts;
  for (const std::uint32_t at : group.samples) {
    zeros.push_back(histograms[at].zero_count);
    counts.push_back(histograms[at].count);
  }
  PutDoubles(zeros, out);
  PutDoubles(counts, out);
  const std::vector<double> cells = CellsByBucket(group, histograms);
  for (std::size_t at = 0; at < cells.size(); at += n) PutDoubles(std::span(cells).subspan(at, n), out);
}

bool GetFloatGroup(ByteReader& in, const HistogramGroup& group, std::span<Histogram> out) {
  const std::size_t n = group.samples.size(), buckets = group.layout->buckets();
  std::vector<double> zeros(n), counts(n), cells(n * buckets);
  if (!GetDoubles(in, zeros) || !GetDoubles(in, counts)) return false;
  for (std::size_t at = 0; at < cells.size(); at += n) {
    if (!GetDoubles(in, std::span(cells).subspan(at, n))) return false;
  }
  for (std::size_t s = 0; s < n; ++s) {
    Histogram& h = out[group.samples[s]];
    h.zero_count = zeros[s];
    h.count = counts[s];
    h.counts.resize(buckets);
    for (std::size_t b = 0; b < buckets; ++b) h.counts[b] = cells[b * n + s];
  }
  return true;
}

void PutGroups(const std::vector<HistogramGroup>& groups, std::size_t count, std::string& out) {
  PutVarint(out, groups.size());
  std::vector<std::int64_t> members(count);
  for (std::size_t g = 0; g < groups.size(); ++g) {
    out.push_back(static_cast<char>(groups[g].kind));
    if (groups[g].layout) PutLayout(*groups[g].layout, out);
    for (const std::uint32_t at : groups[g].samples) members[at] = static_cast<std::int64_t>(g);
  }
  if (groups.size() > 1) EncodeInts(members, out);
}

bool GetGroups(ByteReader& in, std::size_t count, std::vector<HistogramGroup>& groups) {
  const auto number = in.Varint();
  if (!number || *number == 0 || *number > count || *number > in.size()) return false;
  std::size_t buckets = 0;
  for (std::uint64_t g = 0; g < *number; ++g) {
    const auto kind = in.Byte();
    if (!kind || *kind > kStaleGroup) return false;
    HistogramGroup& group = groups.emplace_back();
    group.kind = static_cast<HistogramGroupKind>(*kind);
    if (group.kind == kStaleGroup) continue;
    group.layout = std::make_shared<HistogramLayout>();
    if (!GetLayout(in, std::min(kMaxHistogramBuckets, kMaxHistogramCells - buckets), *group.layout)) return false;
    buckets += group.layout->buckets();
  }
  std::vector<std::int64_t> members(count);
  if (groups.size() > 1 && !DecodeInts(in, count, members)) return false;
  for (std::uint32_t i = 0; i < count; ++i) {
    if (members[i] < 0 || static_cast<std::size_t>(members[i]) >= groups.size()) return false;
    groups[static_cast<std::size_t>(members[i])].samples.push_back(i);
  }
  return CellsOf(groups) <= kMaxHistogramCells &&
         std::ranges::none_of(groups, [](const HistogramGroup& group) { return group.samples.empty(); });
}

void PutHints(std::span<const Histogram> histograms, std::string& out) {
  const CounterReset first = histograms.front().reset;
  if (std::ranges::all_of(histograms, [&](const Histogram& h) { return h.reset == first; })) {
    out.push_back(static_cast<char>(first));
    return;
  }
  out.push_back(static_cast<char>(kMixedHints));
  std::vector<std::int64_t> hints;
  for (const Histogram& h : histograms) hints.push_back(static_cast<std::int64_t>(h.reset));
  EncodeInts(hints, out);
}

bool GetHints(ByteReader& in, std::span<Histogram> out) {
  const auto first = in.Byte();
  if (!first || (*first > 3 && *first != kMixedHints)) return false;
  std::vector<std::int64_t> hints(out.size(), *first);
  if (*first == kMixedHints && !DecodeInts(in, out.size(), hints)) return false;
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (hints[i] < 0 || hints[i] > 3) return false;
    out[i].reset = static_cast<CounterReset>(hints[i]);
  }
  return true;
}

struct ParsedHead {
  HistogramChunkHeader header;
  bool regular = true;
  ByteReader rest{""};
};

Result<ParsedHead> ParseHead(std::string_view bytes) {
  ByteReader in(bytes);
  const auto version = in.Byte(), codecs = in.Byte(), format = in.Byte();
  const auto damaged = [&] { return Fail(Code::kCorruption, "histogram chunk of {} bytes is damaged", bytes.size()); };
  if (!version || !codecs || !format) return damaged();
  if (*version != kChunkVersion || *format != kHistogramFormat) {
    return Fail(Code::kBadData, "histogram chunk has format {}.{}, this program reads {}.{}", *version, *format,
                kChunkVersion, kHistogramFormat);
  }
  if ((*codecs & 15U) != static_cast<unsigned>(ValueCodec::kHistograms) || *codecs >> 4U > 1) return damaged();
  ParsedHead out;
  out.regular = *codecs >> 4U == 0;
  const auto count = in.Varint();
  const auto first = in.Signed();
  const auto span = in.Varint();
  if (!count || !first || !span || *count == 0 || *count > kMaxChunkSamples) return damaged();
  out.header.count = static_cast<std::size_t>(*count);
  out.header.range = {TimeMs(*first), TimeMs(WrapAdd(*first, static_cast<std::int64_t>(*span)))};
  const std::uint64_t gaps = *count - 1;
  if (*span > static_cast<std::uint64_t>(INT64_MAX) || out.header.range.max < out.header.range.min ||
      (gaps == 0) != (*span == 0) || (out.regular && gaps != 0 && *span % gaps != 0)) {
    return damaged();
  }
  out.rest = in;
  return out;
}

bool GetTimes(const ParsedHead& head, ByteReader& in, std::vector<std::int64_t>& times) {
  const std::int64_t first = head.header.range.min.ms, last = head.header.range.max.ms;
  times.resize(head.header.count);
  if (!head.regular) {
    return DecodeInts(in, times.size(), times) && times.front() == first && times.back() == last &&
           std::ranges::adjacent_find(times, std::ranges::greater_equal{}) == times.end();
  }
  const std::int64_t step = times.size() == 1 ? 0 : (last - first) / static_cast<std::int64_t>(times.size() - 1);
  for (std::size_t i = 0; i < times.size(); ++i) times[i] = first + static_cast<std::int64_t>(i) * step;
  return true;
}

bool GetSamples(ByteReader& in, std::span<Histogram> out) {
  std::vector<HistogramGroup> groups;
  if (!GetGroups(in, out.size(), groups) || !GetHints(in, out)) return false;
  std::vector<std::uint32_t> filled;
  for (const HistogramGroup& group : groups) {
    if (group.kind != kStaleGroup) filled.insert(filled.end(), group.samples.begin(), group.samples.end());
  }
  std::ranges::sort(filled);
  std::vector<double> sums(filled.size());
  if (!sums.empty() && !GetDoubles(in, sums)) return false;
  for (std::size_t i = 0; i < filled.size(); ++i) out[filled[i]].sum = sums[i];
  for (const HistogramGroup& group : groups) {
    for (const std::uint32_t at : group.samples) {
      if (group.kind == kStaleGroup) {
        out[at] = StaleHistogram();
      } else {
        out[at].layout = group.layout;
        out[at].integers = group.kind == kIntegerGroup;
      }
    }
    if (group.kind == kIntegerGroup && !GetIntegerGroup(in, group, out)) return false;
    if (group.kind == kFloatGroup && !GetFloatGroup(in, group, out)) return false;
    // The layout, and what no codec can see, once per group.
    if (!ValidateHistogram(out[group.samples.front()])) return false;
    for (const std::uint32_t at : group.samples) {
      if (IsStaleHistogram(out[at]) != (group.kind == kStaleGroup)) return false;
      if (group.layout && group.layout->custom() && out[at].zero_count != 0) return false;
    }
  }
  return in.empty();
}

}  // namespace

std::size_t FitHistograms(std::span<const Histogram> histograms, std::size_t most) {
  std::size_t n = std::min({most, histograms.size(), kMaxChunkSamples});
  while (n > 1 && !FitsChunk(Gather(histograms.first(n)))) n /= 2;
  return n;
}

void EncodeHistogramChunk(std::span<const std::int64_t> times, std::span<const Histogram> histograms,
                          std::string& out) {
  assert(!times.empty() && times.size() == histograms.size() && times.size() <= kMaxChunkSamples);
  bool regular = true;
  for (std::size_t i = 2; i < times.size(); ++i) {
    regular = regular && WrapSub(times[i], times[i - 1]) == WrapSub(times[1], times[0]);
  }
  out.push_back(static_cast<char>(kChunkVersion));
  out.push_back(static_cast<char>(static_cast<unsigned>(ValueCodec::kHistograms) | (regular ? 0U : 16U)));
  out.push_back(static_cast<char>(kHistogramFormat));
  PutVarint(out, times.size());
  PutSigned(out, times.front());
  PutVarint(out, static_cast<std::uint64_t>(WrapSub(times.back(), times.front())));
  if (!regular) EncodeInts(times, out);
  const std::vector<HistogramGroup> groups = Gather(histograms);
  PutGroups(groups, times.size(), out);
  PutHints(histograms, out);
  std::vector<double> sums;
  for (const Histogram& h : histograms) {
    if (!IsStaleHistogram(h)) sums.push_back(h.sum);
  }
  if (!sums.empty()) PutDoubles(sums, out);
  for (const HistogramGroup& group : groups) {
    if (group.kind == kIntegerGroup) PutIntegerGroup(group, histograms, out);
    if (group.kind == kFloatGroup) PutFloatGroup(group, histograms, out);
  }
}

Result<HistogramChunkHeader> ReadHistogramChunkHeader(std::string_view bytes) {
  VEDETTE_TRY(const ParsedHead head, ParseHead(bytes));
  return head.header;
}

Status DecodeHistogramChunk(std::string_view bytes, HistogramColumns& out) {
  VEDETTE_TRY(const ParsedHead head, ParseHead(bytes));
  ByteReader in = head.rest;
  std::vector<std::int64_t> times;
  std::vector<Histogram> histograms(head.header.count);
  if (!GetTimes(head, in, times) || !GetSamples(in, histograms)) {
    return Fail(Code::kCorruption, "histogram chunk of {} bytes is damaged: its {} samples do not decode", bytes.size(),
                head.header.count);
  }
  out.times.insert(out.times.end(), times.begin(), times.end());
  out.histograms.insert(out.histograms.end(), std::make_move_iterator(histograms.begin()),
                        std::make_move_iterator(histograms.end()));
  return Ok();
}

}  // namespace vedette::storage
