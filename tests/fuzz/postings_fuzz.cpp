// Any bytes as stored postings: an error, or a set that every other way of reading and appending agrees with.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "storage/index/postings_codec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vedette::storage;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  constexpr std::size_t kMostIds = 1 << 20;  // a run of a few bytes may stand for a great many
  const auto count = CountPostings(bytes);
  if (!count || *count > kMostIds) return 0;
  Postings ids;
  if (!DecodePostings(bytes, ids)) return 0;
  if (ids.size() != *count) std::abort();
  if (std::ranges::adjacent_find(ids, std::ranges::greater_equal{}) != ids.end()) std::abort();

  Postings wanted = {SeriesId(1), SeriesId(1000)};
  for (std::size_t i = 0; i < ids.size(); i += 7) wanted.push_back(ids[i]);
  Normalize(wanted);
  Postings within;
  if (!DecodePostingsWithin(bytes, wanted, within) || within != Intersect(ids, wanted)) std::abort();

  std::string merged;
  Postings united;
  if (!AppendMerged(bytes, wanted, merged) || !DecodePostings(merged, united)) std::abort();
  if (united != Unite(ids, wanted)) std::abort();
  return 0;
}
