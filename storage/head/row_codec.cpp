#include "storage/head/row_codec.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cmath>
#include <cstring>

#include "storage/coding.h"

namespace vedette::storage {
namespace {

// A row: flags (1), columns (2), [presence: a word per block], ends of the blocks (2 each), blocks. Presence is written
// out when columns are missing and they are not those that were missing before.
// A block without changes is empty; otherwise: bitmap of the changed columns (as many bytes as the block's columns
// need), their classes (2 bits each), their payloads.
constexpr std::uint8_t kKeyFlag = 1;
constexpr std::uint8_t kPresenceFlag = 2;
constexpr std::uint8_t kSamePresenceFlag = 4;
constexpr std::size_t kHeaderBytes = 3;

/// Payload bytes by class. The first three hold the zigzag-coded change of the mantissa, the last a raw double.
constexpr std::array<std::uint8_t, 4> kClassBytes = {1, 2, 4, 8};
constexpr unsigned kRawClass = 3;
/// How far loads of whole words may reach behind the end of a block.
constexpr std::size_t kOverrun = 16;
constexpr std::size_t kMaxBlockBytes = 8 + 16 + kRowBlockColumns * 8;

// The state of a column: in the low 4 bits its scale: value = mantissa / 10^scale, or mantissa * 4096; kBroken when the
// last value is not of that form, so that the next one has to be raw; and above, how many raw values in a row were of
// no form at all.
constexpr std::uint8_t kScaleMask = 0x0F;
constexpr unsigned kMaxExponent = 12;
constexpr unsigned kPages = 13;  // sizes of memory: multiples of the page
constexpr std::uint8_t kBroken = 0x10;
constexpr std::uint8_t kFailureUnit = 0x20;
/// After so many, other exponents are no longer tried: noise must not cost thirteen divisions per value and reader.
constexpr std::uint8_t kGivenUp = 3 * kFailureUnit;

constexpr auto kRowPowers = std::to_array<double>({1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12});
constexpr double kPageBytes = 4096;
/// Below it rounding to an integer by adding a half is exact.
constexpr double kMaxRowMantissa = 4503599627370496.0;  // 2^52

std::uint64_t LowMask(std::size_t n) { return n >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << n) - 1; }
std::uint64_t Load64(const char* at) {
  std::uint64_t word;
  std::memcpy(&word, at, 8);
  return word;
}
std::uint16_t Load16(const char* at) {
  std::uint16_t word;
  std::memcpy(&word, at, 2);
  return word;
}
std::size_t BlockCount(std::size_t columns) { return (columns + kRowBlockColumns - 1) / kRowBlockColumns; }

/// The value of a mantissa. A scale that no writer makes is taken for the nearest that one does.
inline double FromMantissa(std::int64_t mantissa, unsigned scale) {
  const auto whole = static_cast<double>(mantissa);
  if (scale == 0) return whole;
  return scale <= kMaxExponent ? whole / kRowPowers[scale] : whole * kPageBytes;
}

/// Whether `value` is FromMantissa(mantissa, scale) to the last bit.
inline bool AsMantissa(double value, unsigned scale, std::int64_t& mantissa) {
  const double scaled = scale == 0 ? value : scale <= kMaxExponent ? value * kRowPowers[scale] : value / kPageBytes;
  if (!(std::fabs(scaled) < kMaxRowMantissa)) return false;  // NaN and infinity end here
  mantissa = static_cast<std::int64_t>(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
  return std::bit_cast<std::uint64_t>(FromMantissa(mantissa, scale)) == std::bit_cast<std::uint64_t>(value);
}

/// Worth a scale of its own: below 64 KiB the change fits two bytes anyway.
inline bool IsPages(double value) {
  std::int64_t pages = 0;
  return std::fabs(value) >= 65536 && AsMantissa(value, kPages, pages);
}

/// The state after a raw value, and its mantissa when it has one. Writer and readers come to the same.
std::uint8_t StateAfterRaw(std::uint8_t state, double value, std::int64_t& mantissa) {
  unsigned scale = state & kScaleMask;
  if (state >= kGivenUp) {
    if (AsMantissa(value, scale, mantissa)) return static_cast<std::uint8_t>(scale);
    return static_cast<std::uint8_t>(kGivenUp | kBroken | scale);
  }
  if (scale >= kPages) scale = 0;
  if (scale == 0 && IsPages(value)) {
    (void)AsMantissa(value, kPages, mantissa);
    return kPages;
  }
  for (unsigned next = scale; next <= kMaxExponent; ++next) {
    if (AsMantissa(value, next, mantissa)) return static_cast<std::uint8_t>(next);
  }
  const auto failures = static_cast<std::uint8_t>((state & ~(kScaleMask | kBroken)) + kFailureUnit);
  return static_cast<std::uint8_t>(failures | kBroken | scale);
}

/// Sum of the payload bytes of the first `count` classes in two words of classes.
struct Classes {
  std::uint64_t low = 0, high = 0;

  unsigned At(std::size_t i) const {
    return static_cast<unsigned>((i < 32 ? low >> (2 * i) : high >> (2 * i - 64)) & 3);
  }
  static std::size_t SumWord(std::uint64_t word, std::size_t count) {
    const std::uint64_t in = 0x5555555555555555 & LowMask(2 * count);
    const std::uint64_t ones = word & in, twos = (word >> 1) & in;
    const auto n = [](std::uint64_t w) { return static_cast<std::size_t>(std::popcount(w)); };
    constexpr std::size_t kFirst = kClassBytes[0], kOne = kClassBytes[1] - kFirst, kTwo = kClassBytes[2] - kFirst,
                          kBoth = kClassBytes[3] - kFirst - kOne - kTwo;
    return kFirst * count + kOne * n(ones) + kTwo * n(twos) + kBoth * n(ones & twos);
  }
  std::size_t Sum(std::size_t count) const {
    return count <= 32 ? SumWord(low, count) : SumWord(low, 32) + SumWord(high, count - 32);
  }
};

/// The parts of a row whose structure is known to be sound.
struct RowView {
  explicit RowView(const char* row) : columns(Load16(row + 1)), flags(static_cast<std::uint8_t>(row[0])) {
    const std::size_t blocks = BlockCount(columns);
    presence = (flags & kPresenceFlag) != 0 ? row + kHeaderBytes : nullptr;
    ends = row + kHeaderBytes + (presence != nullptr ? 8 * blocks : 0);
    base = ends + 2 * blocks;
  }

  std::size_t columns;
  std::uint8_t flags;
  const char* presence;
  const char* ends;
  const char* base;
};

/// Whether one column has a value in a row, for the rows of a segment in turn.
class PresenceWalk {
 public:
  explicit PresenceWalk(std::size_t column) : column_(column) {}
  bool Next(const RowView& row) {
    if (row.presence != nullptr) here_ = IsIn(row);
    if (column_ >= row.columns) return false;
    return (row.flags & (kPresenceFlag | kSamePresenceFlag)) == 0 || here_;
  }

 private:
  bool IsIn(const RowView& row) const {
    if (column_ >= row.columns) return false;
    return ((Load64(row.presence + column_ / 64 * 8) >> (column_ % 64)) & 1) != 0;
  }
  const std::size_t column_;
  bool here_ = true;  // as the last presence that was written out says
};

/// Codes the changed columns of one block behind `out`; returns the end.
char* PutBlock(std::span<const double> values, std::uint64_t changed, std::uint64_t* bits, std::uint8_t* states,
               char* out) {
  const std::size_t bitmap_bytes = (values.size() + 7) / 8;
  std::memcpy(out, &changed, 8);
  char* const classes_at = out + bitmap_bytes;
  const auto count = static_cast<std::size_t>(std::popcount(changed));
  char* payload = classes_at + (2 * count + 7) / 8;
  Classes classes;
  std::size_t n = 0;
  for (std::uint64_t left = changed; left != 0; left &= left - 1, ++n) {
    const auto i = static_cast<std::size_t>(std::countr_zero(left));
    const double value = values[i];
    const auto value_bits = std::bit_cast<std::uint64_t>(value);
    std::uint64_t code = kRawClass;
    std::uint8_t& state = states[i];
    std::int64_t mantissa = 0, before = 0;
    if ((state & kBroken) == 0 && AsMantissa(value, state & kScaleMask, mantissa)) {
      (void)AsMantissa(std::bit_cast<double>(bits[i]), state & kScaleMask, before);
      const std::uint64_t change = ZigZag(mantissa - before);
      const auto width = static_cast<unsigned>(std::bit_width(change));
      if (width <= 8U * kClassBytes[2]) {
        code = (width > 8U * kClassBytes[0] ? 1U : 0U) + (width > 8U * kClassBytes[1] ? 1U : 0U);
        std::memcpy(payload, &change, 8);
      }
      // A raw value costs four bytes more, once; it tells the reader to count in pages from here on.
      if (code == 2 && state == 0 && bits[i] == 0 && IsPages(value)) code = kRawClass;
    }
    if (code == kRawClass) {
      std::memcpy(payload, &value_bits, 8);
      state = StateAfterRaw(state, value, mantissa);
    }
    payload += kClassBytes[code];
    (n < 32 ? classes.low : classes.high) |= code << (2 * (n % 32));
    bits[i] = value_bits;
  }
  std::array<std::uint64_t, 2> words = {classes.low, classes.high};
  std::memcpy(classes_at, words.data(), (2 * count + 7) / 8);
  return payload;
}

/// A block that says it changes something.
bool ValidateBlock(const char* at, std::size_t size, std::size_t columns) {
  const std::size_t bitmap_bytes = (columns + 7) / 8;
  if (size < bitmap_bytes) return false;
  std::uint64_t changed = 0;
  std::memcpy(&changed, at, bitmap_bytes);
  if (changed == 0 || (changed & ~LowMask(columns)) != 0) return false;
  const auto count = static_cast<std::size_t>(std::popcount(changed));
  const std::size_t class_bytes = (2 * count + 7) / 8;
  if (size < bitmap_bytes + class_bytes) return false;
  std::array<std::uint64_t, 2> words{};
  std::memcpy(words.data(), at + bitmap_bytes, class_bytes);
  return bitmap_bytes + class_bytes + Classes{words[0], words[1]}.Sum(count) == size;
}

}  // namespace

void RowChains::Encode(std::span<const double> values, const ColumnBits& present, bool key, std::string& out) {
  const std::size_t columns = values.size();
  assert(columns == size() && columns <= kMaxRowColumns);
  if (key) {
    std::ranges::fill(bits_, 0);
    std::ranges::fill(states_, 0);
    present_columns_ = 0;
  }
  const bool same = !present.empty() && present_columns_ == columns && present == present_;
  const bool written = !present.empty() && !same;
  const std::size_t blocks = BlockCount(columns);
  const std::size_t start = out.size();
  out.resize(start + kHeaderBytes + (written ? 8 * blocks : 0) + 2 * blocks + kMaxBlockBytes * blocks + 8);
  char* at = out.data() + start;
  *at = static_cast<char>((key ? kKeyFlag : 0) | (written ? kPresenceFlag : 0) | (same ? kSamePresenceFlag : 0));
  const auto stored_columns = static_cast<std::uint16_t>(columns);
  std::memcpy(at + 1, &stored_columns, 2);
  at += kHeaderBytes;
  if (written) {
    std::memcpy(at, present.data(), 8 * blocks);
    at += 8 * blocks;
    present_ = present;
    present_columns_ = columns;
  }
  char* const ends = at;
  char* const base = at + 2 * blocks;
  at = base;
  for (std::size_t b = 0; b < blocks; ++b) {
    const std::size_t first = b * kRowBlockColumns;
    const std::span block = values.subspan(first, std::min(kRowBlockColumns, columns - first));
    std::uint64_t changed = 0;
    for (std::size_t i = 0; i < block.size(); ++i) {
      changed |= std::uint64_t{std::bit_cast<std::uint64_t>(block[i]) != bits_[first + i]} << i;
    }
    if (!present.empty()) changed &= present[b];
    if (changed != 0) at = PutBlock(block, changed, &bits_[first], &states_[first], at);
    const auto end = static_cast<std::uint16_t>(at - base);
    std::memcpy(ends + 2 * b, &end, 2);
  }
  out.resize(static_cast<std::size_t>(at - out.data()));
}

bool ValidateRow(std::string_view row, std::size_t columns) {
  if (row.size() < kHeaderBytes) return false;
  const auto flags = static_cast<std::uint8_t>(row[0]);
  if ((flags & ~(kKeyFlag | kPresenceFlag | kSamePresenceFlag)) != 0) return false;
  if ((flags & kSamePresenceFlag) != 0 && (flags & (kKeyFlag | kPresenceFlag)) != 0) return false;
  const std::size_t count = Load16(row.data() + 1);
  if (count == 0 || count > columns || count > kMaxRowColumns) return false;
  const std::size_t blocks = BlockCount(count);
  const bool has_presence = (flags & kPresenceFlag) != 0;
  const std::size_t front = kHeaderBytes + (has_presence ? 8 * blocks : 0) + 2 * blocks;
  if (row.size() < front) return false;
  const RowView view(row.data());
  const std::size_t last_columns = count - (blocks - 1) * kRowBlockColumns;
  if (has_presence && (Load64(view.presence + 8 * (blocks - 1)) & ~LowMask(last_columns)) != 0) return false;
  std::size_t begin = 0;
  for (std::size_t b = 0; b < blocks; ++b) {
    const std::size_t end = Load16(view.ends + 2 * b);
    if (end < begin || front + end > row.size()) return false;
    const std::size_t width = b + 1 < blocks ? kRowBlockColumns : last_columns;
    if (end > begin && !ValidateBlock(view.base + begin, end - begin, width)) return false;
    begin = end;
  }
  return front + begin == row.size();
}

bool IsKeyRow(std::string_view row) { return (static_cast<std::uint8_t>(row[0]) & kKeyFlag) != 0; }

std::size_t RowValues(std::string_view row, std::size_t before) {
  const RowView view(row.data());
  if ((view.flags & kSamePresenceFlag) != 0) return before;
  if (view.presence == nullptr) return view.columns;
  std::size_t count = 0;
  for (std::size_t b = 0; b < BlockCount(view.columns); ++b) {
    count += static_cast<std::size_t>(std::popcount(Load64(view.presence + 8 * b)));
  }
  return count;
}

namespace {

/// The changes of one block of a row, which lies in front of `last`; null: there are none. Whole words are loaded from
/// it, but nothing behind `last`, where a writer may be at work: what comes too close to it is copied.
class BlockChanges {
 public:
  [[gnu::always_inline]] const char* Find(const RowView& row, std::size_t block, const char* last) {
    const std::size_t begin = block == 0 ? 0 : Load16(row.ends + 2 * (block - 1));
    const std::size_t size = Load16(row.ends + 2 * block) - begin;
    if (size == 0) return nullptr;
    const char* const at = row.base + begin;
    if (static_cast<std::size_t>(last - at) >= size + kOverrun) return at;
    std::memcpy(copy_.data(), at, size);
    std::memset(copy_.data() + size, 0, kOverrun);
    return copy_.data();
  }

 private:
  std::array<char, kMaxBlockBytes + kOverrun> copy_;
};

/// One column on its way through the rows.
struct ColumnWalk {
  std::uint64_t bits = 0;
  std::int64_t mantissa = 0;
  std::uint8_t state = 0;

  void Take(unsigned code, std::uint64_t payload) {
    if (code == kRawClass) {
      bits = payload;
      state = StateAfterRaw(state, std::bit_cast<double>(payload), mantissa);
      return;
    }
    mantissa = WrapAdd(mantissa, UnZigZag(payload & LowMask(std::size_t{8} * kClassBytes[code])));
    bits = std::bit_cast<std::uint64_t>(FromMantissa(mantissa, state & kScaleMask));
  }
};

[[gnu::always_inline]] inline std::uint64_t ReadColumnBody(const char* rows, std::span<const std::uint32_t> ends,
                                                           std::size_t column, double* values) {
  const std::size_t block = column / kRowBlockColumns, in_block = column % kRowBlockColumns;
  ColumnWalk walk;
  PresenceWalk presence(column);
  BlockChanges changes;
  const char* const last = rows + (ends.empty() ? 0 : ends.back());
  std::uint64_t found = 0;
  const char* row = rows;
  for (std::size_t i = 0; i < ends.size(); row = rows + ends[i], ++i) {
    const RowView view(row);
    if (!presence.Next(view)) continue;
    if (const char* at = changes.Find(view, block, last)) {
      const std::size_t width = std::min(kRowBlockColumns, view.columns - block * kRowBlockColumns);
      const std::uint64_t changed = Load64(at) & LowMask(width);
      if (((changed >> in_block) & 1) != 0) {
        at += (width + 7) / 8;
        const auto rank = static_cast<std::size_t>(std::popcount(changed & LowMask(in_block)));
        const auto count = static_cast<std::size_t>(std::popcount(changed));
        const Classes classes{Load64(at), count > 32 ? Load64(at + 8) : 0};
        walk.Take(classes.At(rank), Load64(at + (2 * count + 7) / 8 + classes.Sum(rank)));
      }
    }
    values[i] = std::bit_cast<double>(walk.bits);
    found |= std::uint64_t{1} << i;
  }
  return found;
}

/// Which columns of a block have a value in a row, for the rows of a segment in turn.
class BlockPresence {
 public:
  explicit BlockPresence(std::size_t block) : block_(block) {}
  std::uint64_t Next(const RowView& row) {
    const std::size_t first = block_ * kRowBlockColumns;
    const bool is_in = first < row.columns;
    if (row.presence != nullptr) written_ = is_in ? Load64(row.presence + 8 * block_) : 0;
    if (!is_in) return 0;
    const std::uint64_t all = LowMask(std::min(kRowBlockColumns, row.columns - first));
    return (row.flags & (kPresenceFlag | kSamePresenceFlag)) == 0 ? all : written_ & all;
  }

 private:
  const std::size_t block_;
  std::uint64_t written_ = ~std::uint64_t{0};
};

[[gnu::always_inline]] inline void ReadBlockBody(const char* rows, std::span<const std::uint32_t> ends,
                                                 std::size_t block, BlockValues& out) {
  std::array<ColumnWalk, kRowBlockColumns> walks{};
  BlockPresence presence(block);
  BlockChanges changes;
  const char* const last = rows + (ends.empty() ? 0 : ends.back());
  out.found.fill(0);
  const char* row = rows;
  for (std::size_t i = 0; i < ends.size(); row = rows + ends[i], ++i) {
    const RowView view(row);
    const std::uint64_t present = presence.Next(view);
    if (block * kRowBlockColumns >= view.columns) continue;
    if (const char* at = changes.Find(view, block, last)) {
      const std::size_t width = std::min(kRowBlockColumns, view.columns - block * kRowBlockColumns);
      const std::uint64_t changed = Load64(at) & LowMask(width);
      at += (width + 7) / 8;
      const auto count = static_cast<std::size_t>(std::popcount(changed));
      const Classes classes{Load64(at), count > 32 ? Load64(at + 8) : 0};
      at += (2 * count + 7) / 8;
      std::size_t n = 0;
      for (std::uint64_t left = changed; left != 0; left &= left - 1, ++n) {
        const unsigned code = classes.At(n);
        const auto c = static_cast<std::size_t>(std::countr_zero(left));
        if (((present >> c) & 1) != 0) walks[c].Take(code, Load64(at));
        at += kClassBytes[code];
      }
    }
    for (std::uint64_t left = present; left != 0; left &= left - 1) {
      const auto c = static_cast<std::size_t>(std::countr_zero(left));
      out.found[c] |= std::uint64_t{1} << i;
      out.values[c][i] = std::bit_cast<double>(walks[c].bits);
    }
  }
}

#if defined(__x86_64__)
/// The baseline of the platform has no instruction that counts bits; every processor since 2008 does.
[[gnu::target("popcnt")]] std::uint64_t ReadColumnPopcnt(const char* rows, std::span<const std::uint32_t> ends,
                                                         std::size_t column, double* values) {
  return ReadColumnBody(rows, ends, column, values);
}
[[gnu::target("popcnt")]] void ReadBlockPopcnt(const char* rows, std::span<const std::uint32_t> ends, std::size_t block,
                                               BlockValues& out) {
  ReadBlockBody(rows, ends, block, out);
}
const bool kHasPopcnt = __builtin_cpu_supports("popcnt") != 0;
#endif

}  // namespace

std::uint64_t ReadColumn(const char* rows, std::span<const std::uint32_t> ends, std::size_t column, double* values) {
  assert(ends.size() <= kMaxSegmentRows);
#if defined(__x86_64__)
  if (kHasPopcnt) return ReadColumnPopcnt(rows, ends, column, values);
#endif
  return ReadColumnBody(rows, ends, column, values);
}

void ReadBlock(const char* rows, std::span<const std::uint32_t> ends, std::size_t block, BlockValues& out) {
  assert(ends.size() <= kMaxSegmentRows);
#if defined(__x86_64__)
  if (kHasPopcnt) return ReadBlockPopcnt(rows, ends, block, out);
#endif
  ReadBlockBody(rows, ends, block, out);
}

std::uint64_t ColumnPresence(const char* rows, std::span<const std::uint32_t> ends, std::size_t column) {
  assert(ends.size() <= kMaxSegmentRows);
  PresenceWalk presence(column);
  std::uint64_t found = 0;
  const char* row = rows;
  for (std::size_t i = 0; i < ends.size(); row = rows + ends[i], ++i) {
    if (presence.Next(RowView(row))) found |= std::uint64_t{1} << i;
  }
  return found;
}

namespace {

/// Applies the changes of a block that has some to the states of its columns.
void TakeBlock(const char* at, std::size_t width, std::uint64_t* bits, std::uint8_t* states) {
  const std::uint64_t changed = Load64(at) & LowMask(width);
  at += (width + 7) / 8;
  const auto count = static_cast<std::size_t>(std::popcount(changed));
  const Classes classes{Load64(at), count > 32 ? Load64(at + 8) : 0};
  at += (2 * count + 7) / 8;
  std::size_t n = 0;
  for (std::uint64_t left = changed; left != 0; left &= left - 1, ++n) {
    const auto i = static_cast<std::size_t>(std::countr_zero(left));
    const unsigned code = classes.At(n);
    ColumnWalk walk{bits[i], 0, states[i]};
    // What the change counts from, as the writer found it.
    if (code != kRawClass) (void)AsMantissa(std::bit_cast<double>(bits[i]), states[i] & kScaleMask, walk.mantissa);
    walk.Take(code, Load64(at));
    bits[i] = walk.bits;
    states[i] = walk.state;
    at += kClassBytes[code];
  }
}

}  // namespace

void RowReader::Take(std::string_view row) {
  const RowView view(row.data());
  if ((view.flags & kKeyFlag) != 0) {
    std::ranges::fill(bits_, 0);
    std::ranges::fill(states_, 0);
  }
  columns_ = view.columns;
  const std::size_t blocks = BlockCount(columns_);
  if (columns_ > bits_.size()) {
    bits_.resize(columns_, 0);
    states_.resize(columns_, 0);
  }
  all_ = (view.flags & (kPresenceFlag | kSamePresenceFlag)) == 0;
  if (view.presence != nullptr) {
    present_.resize(blocks);
    std::memcpy(present_.data(), view.presence, 8 * blocks);
  }
  BlockChanges changes;
  for (std::size_t b = 0; b < blocks; ++b) {
    const std::size_t first = b * kRowBlockColumns;
    if (const char* const at = changes.Find(view, b, row.data() + row.size())) {
      TakeBlock(at, std::min(kRowBlockColumns, columns_ - first), &bits_[first], &states_[first]);
    }
  }
}

void RowReader::Values(std::vector<std::uint16_t>& columns, std::vector<double>& values) const {
  for (std::size_t b = 0; b < BlockCount(columns_); ++b) {
    const std::size_t first = b * kRowBlockColumns;
    std::uint64_t left = LowMask(std::min(kRowBlockColumns, columns_ - first));
    if (!all_) left &= b < present_.size() ? present_[b] : 0;
    for (; left != 0; left &= left - 1) {
      const std::size_t column = first + static_cast<std::size_t>(std::countr_zero(left));
      columns.push_back(static_cast<std::uint16_t>(column));
      values.push_back(std::bit_cast<double>(bits_[column]));
    }
  }
}

}  // namespace vedette::storage
