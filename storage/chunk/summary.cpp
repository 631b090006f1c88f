#include "storage/chunk/summary.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace vedette::storage {
namespace {

double Sum(std::span<const double> values) {
  double sum = 0, lost = 0;
  for (const double v : values) {
    const double next = sum + v;
    lost += std::fabs(sum) >= std::fabs(v) ? (sum - next) + v : (v - next) + sum;
    sum = next;
  }
  return std::isfinite(sum) ? sum + lost : sum;
}

std::int64_t WrapMultiply(std::int64_t a, std::uint64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) * b);
}

std::optional<ChunkSummary> GetDoubleSummary(std::size_t count, ByteReader& in) {
  ChunkSummary s;
  for (double* field : {&s.min, &s.max, &s.sum, &s.first, &s.last}) {
    const auto v = in.Double();
    if (!v) return std::nullopt;
    *field = *v;
  }
  const auto resets = in.Varint();
  if (!resets || *resets >= count) return std::nullopt;
  s.resets = static_cast<std::uint32_t>(*resets);
  const auto increase = s.resets == 0 ? s.last - s.first : in.Double();
  if (!increase) return std::nullopt;
  s.increase = *increase;
  return s;
}

std::optional<ChunkSummary> GetIntegerSummary(std::size_t count, int exponent, DecimalForm form, ByteReader& in) {
  const auto first = in.Signed(), last = in.Signed();
  const auto below = in.Varint(), above = in.Varint();
  const auto excess = in.Signed();
  const auto resets = in.Varint();
  if (!first || !last || !below || !above || !excess || !resets || *resets >= count) return std::nullopt;
  const auto before_resets = *resets == 0 ? 0 : in.Signed();
  if (!before_resets) return std::nullopt;
  const std::array<std::int64_t, 6> mantissas = {WrapSub(*first, static_cast<std::int64_t>(*below)),
                                                 WrapAdd(*first, static_cast<std::int64_t>(*above)),
                                                 WrapAdd(WrapMultiply(*first, count), *excess),
                                                 *first,
                                                 WrapAdd(*first, *last),
                                                 WrapAdd(*last, *before_resets)};
  std::array<double, 6> fields;
  FromDecimals(mantissas, exponent, form, fields);
  return ChunkSummary{
      fields[0], fields[1], fields[2], fields[3], fields[4], fields[5], static_cast<std::uint32_t>(*resets)};
}

}  // namespace

ChunkSummary Summarise(std::span<const double> values) {
  ChunkSummary s;
  s.min = *std::ranges::min_element(values);
  s.max = *std::ranges::max_element(values);
  s.sum = Sum(values);
  s.first = values.front();
  s.last = values.back();
  s.increase = s.last - s.first;
  for (std::size_t i = 1; i < values.size(); ++i) {
    if (values[i] >= values[i - 1]) continue;
    s.increase += values[i - 1];
    ++s.resets;
  }
  return s;
}

ChunkSummary SummariseConstant(double value, std::size_t count) {
  return {value, value, value * static_cast<double>(count), value, value, 0, 0};
}

bool PutIntegerSummary(const Decimals& decimals, std::string& out) {
  const auto& m = decimals.mantissas;
  const std::int64_t first = m.front(), last = m.back();
  std::int64_t low = first, high = first, excess = 0, before_resets = 0;
  std::uint64_t resets = 0;
  double magnitude = 0;
  for (std::size_t i = 0; i < m.size(); ++i) {
    low = std::min(low, m[i]);
    high = std::max(high, m[i]);
    excess = WrapAdd(excess, WrapSub(m[i], first));
    magnitude += std::fabs(static_cast<double>(m[i]));
    if (i == 0 || m[i] >= m[i - 1]) continue;
    before_resets = WrapAdd(before_resets, m[i - 1]);
    ++resets;
  }
  // Bounds every sum above: each mantissa and the first one, once per sample.
  if (2 * (magnitude + std::fabs(static_cast<double>(first)) * static_cast<double>(m.size())) >= 9007199254740992.0) {
    return false;
  }
  PutSigned(out, first);
  PutSigned(out, last - first);
  PutVarint(out, static_cast<std::uint64_t>(first - low));
  PutVarint(out, static_cast<std::uint64_t>(high - first));
  PutSigned(out, excess);
  PutVarint(out, resets);
  if (resets != 0) PutSigned(out, before_resets);
  return true;
}

void PutDoubleSummary(const ChunkSummary& summary, std::string& out) {
  for (const double v : {summary.min, summary.max, summary.sum, summary.first, summary.last}) PutDouble(out, v);
  PutVarint(out, summary.resets);
  if (summary.resets != 0) PutDouble(out, summary.increase);
}

std::optional<ChunkSummary> GetSummary(SummaryKind kind, std::size_t count, int exponent, DecimalForm form,
                                       ByteReader& in) {
  return kind == SummaryKind::kDoubles ? GetDoubleSummary(count, in) : GetIntegerSummary(count, exponent, form, in);
}

}  // namespace vedette::storage
