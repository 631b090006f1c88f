#include "storage/chunk/bin_coder.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <memory>
#include <vector>

#include "storage/chunk/bits.h"
#include "storage/chunk/cpu.h"

namespace vedette::storage {
namespace {

constexpr std::size_t kMaxStates = 8;
constexpr std::size_t kTableSize = std::size_t{1} << kMaxTableLog;

/// What a state means to the decoder: one load gives all, and a table of 2,048 stays within the first cache.
struct Entry {
  std::int32_t lower;  // above that of the first bin
  std::uint16_t base;  // of the next state
  std::uint8_t bits;   // to be added to it
  std::uint8_t width;  // of the offset
};
/// For bins that lie far apart.
struct WideEntry {
  std::int64_t lower;
  std::uint16_t base;
  std::uint8_t bits;
  std::uint8_t width;
};
static_assert(sizeof(Entry) == 8);

/// Symbols spread over the states as in FSE: with an odd step every state is met once.
template <class Visit>
void Spread(std::span<const Bin> bins, unsigned table_log, Visit visit) {
  const std::uint32_t size = 1U << table_log, mask = size - 1, step = (size >> 1) + (size >> 3) + 3;
  std::uint32_t at = 0;
  for (std::uint32_t b = 0; b < bins.size(); ++b) {
    for (std::uint32_t i = 0; i < bins[b].weight; ++i) {
      visit(at, b);
      at = (at + step) & mask;
    }
  }
}

template <class AnyEntry>
void MakeDecoder(std::span<const Bin> bins, unsigned table_log, std::span<AnyEntry, kTableSize> table) {
  const std::uint32_t size = 1U << table_log;
  thread_local std::array<std::uint8_t, kTableSize> symbols;
  Spread(bins, table_log, [](std::uint32_t at, std::uint32_t b) { symbols[at] = static_cast<std::uint8_t>(b); });
  std::array<std::uint32_t, kMaxBins> next;
  for (std::size_t b = 0; b < bins.size(); ++b) next[b] = bins[b].weight;
  for (std::uint32_t at = 0; at < size; ++at) {
    const Bin& bin = bins[symbols[at]];
    const std::uint32_t state = next[symbols[at]]++;
    const unsigned bits = table_log + 1 - static_cast<unsigned>(std::bit_width(state));
    table[at] = {static_cast<decltype(AnyEntry::lower)>(WrapSub(bin.lower, bins.front().lower)),
                 static_cast<std::uint16_t>((state << bits) - size), static_cast<std::uint8_t>(bits), bin.width};
  }
}

/// Elias gamma: as many zeros as the number has bits behind the first, then the number; from 0 on.
void PutGamma(BitBuffer& out, std::uint64_t value) {
  const auto width = static_cast<unsigned>(std::bit_width(value + 1));  // 2^64 - 1 never occurs: gaps are below
  out.Put(std::uint64_t{1} << (width - 1), width);
  out.Put((value + 1) & LowBits(width - 1), width - 1);
}
std::uint64_t GetGamma(BitReader& in) {
  unsigned zeros = 0;
  while (in.Get(1) == 0) {
    if (in.failed() || ++zeros == 64) return 0;
  }
  return (std::uint64_t{1} << zeros | in.Get(zeros)) - 1;
}

std::int64_t EndOf(const Bin& bin) {  // the first value behind it, wrapping
  return WrapAdd(WrapAdd(bin.lower, static_cast<std::int64_t>(LowBits(bin.width))), 1);
}

/// Table: log (4 bits), bins - 1 (8), lower of the first (7 bits width, zigzag); per bin: a gap from the end of the one
/// before (gamma), the change of the width (gamma of its zigzag) and, but for the last, the weight less 1 in as many
/// bits as what is left of 2^log needs.
void PutTable(BitBuffer& out, const BinPlan& plan) {
  out.Put(plan.table_log, 4);
  out.Put(plan.bins.size() - 1, 8);
  const std::uint64_t lower = ZigZag(plan.bins.front().lower);
  const auto lower_width = static_cast<unsigned>(std::bit_width(lower));
  out.Put(lower_width, 7);
  out.Put(lower, lower_width);
  std::uint32_t left = 1U << plan.table_log;
  int width = 0;
  for (std::size_t b = 0; b < plan.bins.size(); ++b) {
    const Bin& bin = plan.bins[b];
    if (b > 0) PutGamma(out, static_cast<std::uint64_t>(WrapSub(bin.lower, EndOf(plan.bins[b - 1]))));
    PutGamma(out, ZigZag(bin.width - width));
    width = bin.width;
    const auto others = static_cast<std::uint32_t>(plan.bins.size() - 1 - b);
    if (others != 0) out.Put(bin.weight - 1, static_cast<unsigned>(std::bit_width(left - others - 1)));
    left -= bin.weight;
  }
}

bool GetTable(BitReader& in, std::vector<Bin>& bins, unsigned& table_log) {
  table_log = static_cast<unsigned>(in.Get(4));
  bins.resize(in.Get(8) + 1);
  if (table_log < kMinTableLog || table_log > kMaxTableLog || bins.size() > std::size_t{1} << table_log) return false;
  const auto lower_width = static_cast<unsigned>(in.Get(7));
  if (lower_width > 64) return false;
  std::int64_t lower = UnZigZag(in.Get(lower_width));
  std::uint32_t left = 1U << table_log;
  std::int64_t width = 0;
  for (std::size_t b = 0; b < bins.size(); ++b) {
    if (b > 0) lower = WrapAdd(EndOf(bins[b - 1]), static_cast<std::int64_t>(GetGamma(in)));
    width = WrapAdd(width, UnZigZag(GetGamma(in)));
    if (width < 0 || width > 64 || in.failed()) return false;
    const auto others = static_cast<std::uint32_t>(bins.size() - 1 - b);
    std::uint32_t weight = left;
    if (others != 0) {
      weight = 1 + static_cast<std::uint32_t>(in.Get(static_cast<unsigned>(std::bit_width(left - others - 1))));
      if (weight > left - others) return false;
    }
    left -= weight;
    bins[b] = {lower, static_cast<std::uint8_t>(width), 0, weight};
  }
  return !in.failed();
}

/// The decoder's position, handed from the quick loop to the careful one.
struct Cursor {
  std::uint64_t bit = 0;
  std::size_t done = 0;
  std::array<std::uint32_t, kMaxStates> states{};
};

struct Run {
  std::size_t states;
  unsigned max_bits;  // that a value takes
  std::int64_t first;
  std::string_view bytes;
  std::size_t limit;  // values whose next state is in the stream
  std::int64_t* out;
};

/// A load gives 57 bits at least: so many values take theirs from one, or one value needs a second for its offset.
constexpr unsigned kLoadBits = 57;

/// Runs as long as whole words may be loaded. `kPerLoad`: values per load; 0: two loads per value.
template <std::size_t kStates, std::size_t kPerLoad, class AnyEntry>
[[gnu::always_inline]] inline void RunStates(const AnyEntry* table, const Run& run, Cursor& cursor) {
  // What a round may read, and the 8 bytes loaded at its last position.
  const std::uint64_t round_bits = kStates * run.max_bits + 64;
  if (run.bytes.size() * 8 < round_bits) return;
  const std::uint64_t safe = run.bytes.size() * 8 - round_bits;
  std::uint64_t bit = cursor.bit, word = 0;
  std::size_t i = cursor.done;
  std::uint32_t states[kStates];
  for (std::size_t s = 0; s < kStates; ++s) states[s] = cursor.states[s];
  const char* const data = run.bytes.data();
  const auto load = [data](std::uint64_t at) {
    std::uint64_t loaded;
    std::memcpy(&loaded, data + at / 8, 8);
    return loaded >> (at % 8);
  };
  const auto first = static_cast<std::uint64_t>(run.first);
  while (i + kStates <= run.limit && bit <= safe) {
#pragma GCC unroll 8
    for (std::size_t s = 0; s < kStates; ++s) {
      const AnyEntry e = table[states[s]];
      if (kPerLoad == 0 || s % std::max<std::size_t>(kPerLoad, 1) == 0) word = load(bit);
      states[s] = e.base + static_cast<std::uint32_t>(word & ((std::uint64_t{1} << e.bits) - 1));
      word = kPerLoad == 0 ? load(bit + e.bits) : word >> e.bits;
      const std::uint64_t offset = word & ((std::uint64_t{1} << e.width) - 1);
      run.out[i + s] = static_cast<std::int64_t>(first + static_cast<std::uint64_t>(std::int64_t{e.lower}) + offset);
      word >>= e.width;
      bit += static_cast<std::uint64_t>(e.bits) + e.width;
    }
    i += kStates;
  }
  for (std::size_t s = 0; s < kStates; ++s) cursor.states[s] = states[s];
  cursor.bit = bit;
  cursor.done = i;
}

template <std::size_t kPerLoad, class AnyEntry>
[[gnu::always_inline]] inline void RunLoads(const AnyEntry* table, const Run& run, Cursor& cursor) {
  if (run.states == 8) {
    RunStates<8, kPerLoad>(table, run, cursor);
  } else if (run.states == 4) {
    RunStates<4, kPerLoad>(table, run, cursor);
  } else if (run.states == 2) {
    RunStates<2, std::min<std::size_t>(kPerLoad, 2)>(table, run, cursor);
  } else {
    RunStates<1, std::min<std::size_t>(kPerLoad, 1)>(table, run, cursor);
  }
}

template <class AnyEntry>
[[gnu::always_inline]] inline void RunAny(const AnyEntry* table, unsigned max_width, const Run& run, Cursor& cursor) {
  if (run.max_bits * 4 <= kLoadBits) {
    RunLoads<4>(table, run, cursor);
  } else if (run.max_bits * 2 <= kLoadBits) {
    RunLoads<2>(table, run, cursor);
  } else if (run.max_bits <= kLoadBits) {
    RunLoads<1>(table, run, cursor);
  } else if (max_width <= kLoadBits) {
    RunLoads<0>(table, run, cursor);
  }
}

template <class AnyEntry>
void RunPlain(const AnyEntry* table, unsigned max_width, const Run& run, Cursor& cursor) {
  RunAny(table, max_width, run, cursor);
}

#ifdef VEDETTE_X86
// Shifts and masks in one instruction each, without the flags of the old ones.
template <class AnyEntry>
[[gnu::target("bmi,bmi2")]] void RunBmi2(const AnyEntry* table, unsigned max_width, const Run& run, Cursor& cursor) {
  RunAny(table, max_width, run, cursor);
}
#endif

/// Decodes with entries of one kind. False when the bytes end too early.
template <class AnyEntry>
bool DecodeWith(std::span<const Bin> bins, unsigned table_log, std::string_view bytes, std::size_t count,
                Cursor& cursor, std::span<std::int64_t> out) {
  thread_local std::array<AnyEntry, kTableSize> table;
  MakeDecoder<AnyEntry>(bins, table_log, table);
  const unsigned max_width = std::ranges::max(bins, {}, &Bin::width).width;
  const std::size_t states = StatesFor(count), moving = count - std::min(states, count);
  const std::int64_t first = bins.front().lower;
  const Run run{states, max_width + table_log, first, bytes, std::min(moving, out.size()), out.data()};
#ifdef VEDETTE_X86
  static const bool bmi2 = CpuHasAvx2();
  (bmi2 ? RunBmi2<AnyEntry> : RunPlain<AnyEntry>)(table.data(), max_width, run, cursor);
#else
  RunPlain(table.data(), max_width, run, cursor);
#endif
  BitReader tail(bytes, cursor.bit);
  for (std::size_t i = cursor.done; i < out.size(); ++i) {
    std::uint32_t& state = cursor.states[i % states];
    const AnyEntry e = table[state];
    if (i < moving) state = e.base + static_cast<std::uint32_t>(tail.Get(e.bits));
    out[i] = WrapAdd(WrapAdd(first, e.lower), static_cast<std::int64_t>(tail.Get(e.width)));
  }
  cursor.bit = tail.position();
  return !tail.failed();
}

}  // namespace

void EncodeBins(std::span<const std::int64_t> values, const BinPlan& plan, std::string& out) {
  const std::size_t n = values.size(), states = StatesFor(n);
  const std::uint32_t size = 1U << plan.table_log;
  // Where each bin's states lie, in order of their number.
  thread_local std::vector<std::uint16_t> places;
  places.resize(size);
  std::array<std::uint32_t, kMaxBins> start{}, filled{};
  for (std::size_t b = 1; b < plan.bins.size(); ++b) start[b] = start[b - 1] + plan.bins[b - 1].weight;
  thread_local std::vector<std::uint8_t> symbols;
  symbols.resize(std::max<std::size_t>(n, size));
  Spread(plan.bins, plan.table_log,
         [&](std::uint32_t at, std::uint32_t b) { symbols[at] = static_cast<std::uint8_t>(b); });
  for (std::uint32_t at = 0; at < size; ++at) {
    const std::uint8_t b = symbols[at];
    places[start[b] + filled[b]++] = static_cast<std::uint16_t>(at);
  }

  // Backwards through the values; what each step emits is written forwards afterwards.
  struct Step {
    std::uint16_t value;
    std::uint8_t bits, bin;
  };
  thread_local std::vector<Step> steps;
  steps.resize(n);
  std::array<std::uint32_t, kMaxStates> state{};
  std::array<std::int64_t, kMaxBins> lowers;
  for (std::size_t b = 0; b < plan.bins.size(); ++b) lowers[b] = plan.bins[b].lower;
  const std::span<const std::int64_t> lower_span(lowers.data(), plan.bins.size());
  for (std::size_t i = n; i-- > 0;) {
    const auto bin = static_cast<std::size_t>(std::ranges::upper_bound(lower_span, values[i]) - lower_span.begin() - 1);
    const std::uint32_t weight = plan.bins[bin].weight;
    std::uint32_t& x = state[i % states];
    if (i + states >= n) {  // the last of its state: nothing follows that would need bits
      steps[i] = {0, 0, static_cast<std::uint8_t>(bin)};
      x = size + places[start[bin]];
      continue;
    }
    unsigned bits = plan.table_log + 1 - static_cast<unsigned>(std::bit_width(weight));
    if ((x >> bits) < weight) --bits;
    steps[i] = {static_cast<std::uint16_t>(x & ((1U << bits) - 1)), static_cast<std::uint8_t>(bits),
                static_cast<std::uint8_t>(bin)};
    x = size + places[start[bin] + (x >> bits) - weight];
  }

  BitBuffer bits;
  PutTable(bits, plan);
  for (std::size_t s = 0; s < std::min(states, n); ++s) bits.Put(state[s] - size, plan.table_log);
  for (std::size_t i = 0; i < n; ++i) {
    const Bin& bin = plan.bins[steps[i].bin];
    const auto offset = static_cast<std::uint64_t>(WrapSub(values[i], bin.lower));
    if (bin.width <= 40) {
      bits.Put(offset << steps[i].bits | steps[i].value, steps[i].bits + bin.width);
    } else {
      bits.Put(steps[i].value, steps[i].bits);
      bits.Put(offset, bin.width);
    }
  }
  out.append(bits.bytes());
}

bool DecodeBins(ByteReader& in, std::size_t count, std::span<std::int64_t> out) {
  const std::string_view bytes = in.rest();
  BitReader head(bytes);
  thread_local std::vector<Bin> bins;
  unsigned table_log = 0;
  if (!GetTable(head, bins, table_log)) return false;
  const std::size_t states = StatesFor(count);
  Cursor cursor;
  for (std::size_t s = 0; s < std::min(states, count); ++s) {
    cursor.states[s] = static_cast<std::uint32_t>(head.Get(table_log));
  }
  if (head.failed()) return false;
  cursor.bit = head.position();

  const auto reach = static_cast<std::uint64_t>(WrapSub(bins.back().lower, bins.front().lower));
  const bool decoded = reach <= INT32_MAX ? DecodeWith<Entry>(bins, table_log, bytes, count, cursor, out)
                                          : DecodeWith<WideEntry>(bins, table_log, bytes, count, cursor, out);
  return decoded && in.Bytes((cursor.bit + 7) / 8).has_value();
}

}  // namespace vedette::storage
