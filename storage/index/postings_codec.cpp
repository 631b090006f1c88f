#include "storage/index/postings_codec.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>

#include "storage/coding.h"

namespace vedette::storage {
namespace {

constexpr char kBlocksFormat = 2;
/// Ids of a block whose gaps differ. Small enough to step over what a query does not need.
constexpr std::size_t kPackedIds = 128;
/// A stretch of equal gaps so long is worth a block of its own.
constexpr std::size_t kMinStride = 16;
/// A stride longer than this is left alone when ids are appended, whatever could be joined to it.
constexpr std::size_t kRewrittenIds = 4096;

struct Block {
  std::size_t count = 0;
  std::uint64_t first = 0, last = 0;
  std::uint64_t base = 0;  // the smallest gap
  unsigned width = 0;      // bits of each gap above the base; 0: a run or a stride
  std::string_view bits;
  std::size_t bytes = 0;  // of the whole block
};

std::uint64_t BitsAt(std::string_view bytes, std::size_t bit, unsigned width) {
  std::uint64_t low = 0;
  const std::size_t byte = bit / 8;
  std::memcpy(&low, bytes.data() + byte, std::min<std::size_t>(8, bytes.size() - byte));
  low >>= bit % 8;
  const unsigned have = 64 - static_cast<unsigned>(bit % 8);
  if (width > have) low |= std::uint64_t{static_cast<std::uint8_t>(bytes[byte + 8])} << have;
  return width == 64 ? low : low & ((std::uint64_t{1} << width) - 1);
}

/// The next block behind `previous`, the last id before it. False: the bytes are damaged.
bool ReadBlock(ByteReader& in, std::uint64_t previous, Block& out) {
  const auto head = in.Varint();
  const auto gap = in.Varint();
  if (!head || *head < 2 || *head / 2 > kMaxStoredIds || !gap || *gap == 0 || previous + *gap < previous) return false;
  out = {};
  out.count = static_cast<std::size_t>(*head / 2);
  out.first = out.last = previous + *gap;
  if (out.count == 1) return *head % 2 == 0;
  const auto base = in.Varint();
  const std::uint64_t gaps = out.count - 1;
  if (!base || *base == 0 || *base > (UINT64_MAX - out.first) / gaps) return false;
  out.base = *base;
  out.last = out.first + gaps * out.base;
  if (*head % 2 == 0) return true;
  const auto width = in.Byte();
  const auto excess = in.Varint();
  if (!width || *width == 0 || *width > 64 || !excess || out.count > kPackedIds) return false;
  const auto bits = in.Bytes((gaps * *width + 7) / 8);
  if (!bits || out.last + *excess < out.last) return false;
  out.last += *excess;
  out.width = *width;
  out.bits = *bits;
  return true;
}

/// False: the gaps do not add up to what the head said.
bool AppendIds(const Block& block, Postings& out) {
  const std::size_t before = out.size();
  out.resize(before + block.count);
  std::uint64_t id = block.first;
  SeriesId* at = out.data() + before;
  *at++ = SeriesId(id);
  if (block.width == 0) {
    for (std::size_t i = 1; i < block.count; ++i) *at++ = SeriesId(id += block.base);
    return true;
  }
  for (std::size_t i = 0; i + 1 < block.count; ++i) {
    const std::uint64_t above = BitsAt(block.bits, i * block.width, block.width);
    if (above > block.last - id || block.base > block.last - id - above) return false;
    *at++ = SeriesId(id += block.base + above);
  }
  return id == block.last;
}

void PutBlock(std::span<const SeriesId> ids, std::uint64_t previous, std::string& out) {
  std::uint64_t least = UINT64_MAX, most = 0;
  for (std::size_t i = 1; i < ids.size(); ++i) {
    const std::uint64_t gap = Raw(ids[i]) - Raw(ids[i - 1]);
    least = std::min(least, gap);
    most = std::max(most, gap);
  }
  const bool packed = ids.size() > 1 && most != least;
  PutVarint(out, std::uint64_t{ids.size()} * 2 + (packed ? 1 : 0));
  PutVarint(out, Raw(ids.front()) - previous);
  if (ids.size() == 1) return;
  PutVarint(out, least);
  if (!packed) return;
  const auto width = static_cast<unsigned>(std::bit_width(most - least));
  out.push_back(static_cast<char>(width));
  PutVarint(out, Raw(ids.back()) - Raw(ids.front()) - least * (ids.size() - 1));
  const std::size_t at = out.size();
  out.resize(at + ((ids.size() - 1) * width + 7) / 8);
  std::size_t bit = 0;
  for (std::size_t i = 1; i < ids.size(); ++i) {
    std::uint64_t value = Raw(ids[i]) - Raw(ids[i - 1]) - least;
    for (unsigned left = width; left > 0;) {
      const unsigned offset = bit % 8, n = std::min(left, 8 - offset);
      char& byte = out[at + bit / 8];
      byte = static_cast<char>(static_cast<std::uint8_t>(byte) | ((value & ((1U << n) - 1)) << offset));
      value >>= n;
      bit += n;
      left -= n;
    }
  }
}

/// How many ids from the first on are evenly spaced.
std::size_t StrideLength(std::span<const SeriesId> ids) {
  if (ids.size() < 3) return ids.size();
  const std::uint64_t gap = Raw(ids[1]) - Raw(ids[0]);
  std::size_t n = 2;
  while (n < ids.size() && Raw(ids[n]) - Raw(ids[n - 1]) == gap) ++n;
  return n;
}

void PutBlocks(std::span<const SeriesId> ids, std::uint64_t previous, std::string& out) {
  while (!ids.empty()) {
    std::size_t n = StrideLength(ids);
    if (n < kMinStride && n < ids.size()) {
      // A packed block, up to where the next stride begins.
      const std::size_t most = std::min(ids.size(), kPackedIds);
      while (n < most) {
        const std::size_t even = StrideLength(ids.subspan(n, std::min(ids.size() - n, kMinStride)));
        if (even >= kMinStride) break;
        n = std::min(most, n + std::max<std::size_t>(even - 1, 1));
      }
    }
    PutBlock(ids.first(n), previous, out);
    previous = Raw(ids[n - 1]);
    ids = ids.subspan(n);
  }
}

/// Calls `visit(block)` for each block until it returns false, which is damage as well.
template <class Visit>
Status VisitBlocks(std::string_view bytes, Visit visit) {
  ByteReader in(bytes);
  const auto format = in.Byte();
  if (format != kBlocksFormat) return Fail(Code::kCorruption, "postings of unknown format {}", format.value_or(0));
  std::uint64_t previous = 0;
  std::size_t total = 0;
  Block block;
  while (!in.empty()) {
    const std::size_t left = in.size();
    bool good = ReadBlock(in, previous, block) && (total += block.count) <= kMaxStoredIds;
    block.bytes = left - in.size();
    good = good && visit(block);
    if (!good) return Fail(Code::kCorruption, "postings are damaged after id {}", previous);
    previous = block.last;
  }
  return Ok();
}

}  // namespace

void EncodePostings(std::span<const SeriesId> ids, std::string& out) {
  out.push_back(kBlocksFormat);
  PutBlocks(ids, 0, out);
}

Status DecodePostings(std::string_view bytes, Postings& out) {
  return VisitBlocks(bytes, [&](const Block& block) { return AppendIds(block, out); });
}

Status DecodePostingsWithin(std::string_view bytes, std::span<const SeriesId> wanted, Postings& out) {
  Postings ids;
  return VisitBlocks(bytes, [&](const Block& block) {
    const auto begin = std::ranges::lower_bound(wanted, SeriesId(block.first));
    wanted = {begin, wanted.end()};
    if (wanted.empty() || wanted.front() > SeriesId(block.last)) return true;
    const auto end = std::ranges::upper_bound(wanted, SeriesId(block.last));
    const std::span<const SeriesId> here(wanted.begin(), end);
    if (block.width == 0) {
      for (const SeriesId id : here) {
        if (block.count == 1 || (Raw(id) - block.first) % block.base == 0) out.push_back(id);
      }
      return true;
    }
    ids.clear();
    if (!AppendIds(block, ids)) return false;
    const Postings both = Intersect(ids, here);
    out.insert(out.end(), both.begin(), both.end());
    return true;
  });
}

Result<std::size_t> CountPostings(std::string_view bytes) {
  std::size_t total = 0;
  VEDETTE_CHECK(VisitBlocks(bytes, [&](const Block& block) {
    total += block.count;
    return true;
  }));
  return total;
}

Status AppendMerged(std::string_view existing, std::span<const SeriesId> more, std::string& out) {
  Block last;
  std::uint64_t before = 0;  // the id before the last block
  VEDETTE_CHECK(VisitBlocks(existing, [&](const Block& block) {
    before = last.last;
    last = block;
    return true;
  }));
  if (more.empty()) {
    out.append(existing);
    return Ok();
  }
  if (Raw(more.front()) > last.last && (last.count > kRewrittenIds || last.count == kPackedIds)) {
    out.append(existing);
    PutBlocks(more, last.last, out);
    return Ok();
  }
  Postings ids;
  if (Raw(more.front()) > before && last.count <= kRewrittenIds) {
    if (last.count != 0 && !AppendIds(last, ids)) {
      return Fail(Code::kCorruption, "postings are damaged after id {}", before);
    }
    out.append(existing.substr(0, existing.size() - last.bytes));
    PutBlocks(Unite(ids, more), before, out);
    return Ok();
  }
  VEDETTE_CHECK(DecodePostings(existing, ids));
  EncodePostings(Unite(ids, more), out);
  return Ok();
}

}  // namespace vedette::storage
