#include "storage/rocks/head_sets.h"

#include "storage/index/postings_codec.h"

namespace vedette::storage {
namespace {

/// No day: its sets carry the number of series that had come until then.
std::string KeyOf(const Matcher& m) { return IndexCache::Key(INT32_MAX, 0, IndexCache::Kind::kMatcher, m.ToString()); }

}  // namespace

std::shared_ptr<const std::string> HeadSets::Recall(const Matcher& m) const {
  const auto entry = cache_.Find(KeyOf(m));
  if (!entry) return nullptr;
  const auto added = table_.index().AddedSince(entry->version);
  if (!added) return nullptr;
  if (added->empty()) return {entry, &entry->postings};
  Postings found;
  for (const SeriesId id : *added) {
    const HeadSeries* series = table_.Find(id);
    if (series == nullptr) continue;
    const std::string_view value = table_.ValueOf(*series, m.name());
    if (!value.empty() && m.Matches(value) != m.MatchesEmpty()) found.push_back(id);
  }
  Normalize(found);
  auto fresh = std::make_shared<IndexCache::Entry>();
  // What lies in memory is not damaged; should it be, the set is made anew.
  if (!AppendMerged(entry->postings, found, fresh->postings)) return nullptr;
  fresh->version = table_.index().additions();
  cache_.Put(KeyOf(m), fresh);
  return {fresh, &fresh->postings};
}

void HeadSets::Remember(const Matcher& m, std::string postings) const {
  auto entry = std::make_shared<IndexCache::Entry>();
  entry->postings = std::move(postings);
  entry->version = table_.index().additions();
  cache_.Put(KeyOf(m), std::move(entry));
}

}  // namespace vedette::storage
