#include "storage/index/postings.h"

#include <algorithm>
#include <iterator>

#include "storage/coding.h"

namespace vedette::storage {
namespace {

constexpr char kGapsFormat = 1;

std::uint64_t Raw(SeriesId id) { return static_cast<std::uint64_t>(id); }

/// Past this ratio of sizes, looking the few up in the many beats walking both.
constexpr std::size_t kSearchRatio = 32;

}  // namespace

void Normalize(Postings& ids) {
  if (!std::ranges::is_sorted(ids)) std::ranges::sort(ids);
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
}

Postings Intersect(std::span<const SeriesId> a, std::span<const SeriesId> b) {
  if (a.size() > b.size()) std::swap(a, b);
  Postings out;
  out.reserve(a.size());
  if (a.size() * kSearchRatio < b.size()) {
    for (const SeriesId id : a) {
      const auto at = std::ranges::lower_bound(b, id);
      b = b.subspan(static_cast<std::size_t>(at - b.begin()));
      if (b.empty()) break;
      if (b.front() == id) out.push_back(id);
    }
    return out;
  }
  std::ranges::set_intersection(a, b, std::back_inserter(out));
  return out;
}

Postings Unite(std::span<const SeriesId> a, std::span<const SeriesId> b) {
  Postings out;
  out.reserve(a.size() + b.size());
  std::ranges::set_union(a, b, std::back_inserter(out));
  return out;
}

Postings Subtract(std::span<const SeriesId> a, std::span<const SeriesId> b) {
  Postings out;
  out.reserve(a.size());
  std::ranges::set_difference(a, b, std::back_inserter(out));
  return out;
}

void EncodePostings(std::span<const SeriesId> ids, std::string& out) {
  out.push_back(kGapsFormat);
  std::uint64_t previous = 0;
  for (const SeriesId id : ids) {
    PutVarint(out, Raw(id) - previous);
    previous = Raw(id);
  }
}

Status DecodePostings(std::string_view bytes, Postings& out) {
  ByteReader in(bytes);
  const auto format = in.Byte();
  if (format != kGapsFormat) return Fail(Code::kCorruption, "postings of unknown format {}", format.value_or(0));
  std::uint64_t id = 0;
  while (!in.empty()) {
    const auto gap = in.Varint();
    if (!gap || *gap == 0 || id + *gap < id) return Fail(Code::kCorruption, "postings are damaged after id {}", id);
    id += *gap;
    out.push_back(SeriesId(id));
  }
  return Ok();
}

}  // namespace vedette::storage
