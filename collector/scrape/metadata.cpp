#include "collector/scrape/metadata.h"

#include <algorithm>

namespace vedette::collector {
namespace {

constexpr std::size_t kMaxFamilies = 20'000;  // per target
constexpr std::size_t kMaxTextBytes = 2'000;  // of one help text; longer ones are cut

std::size_t HashOf(const MetricMetadata& metadata) {
  std::size_t hash = 0;
  for (const std::string* part : {&metadata.metric, &metadata.type, &metadata.help, &metadata.unit}) {
    hash = hash * 0x9e3779b97f4a7c15 + std::hash<std::string>()(*part);
  }
  return hash;
}

auto FindFamily(const std::vector<SharedMetadata>& families, std::string_view family) {
  return std::lower_bound(families.begin(), families.end(), family,
                          [](const SharedMetadata& entry, std::string_view name) { return entry->metric < name; });
}

}  // namespace

SharedMetadata MetadataPool::Intern(MetricMetadata metadata) {
  const std::size_t hash = HashOf(metadata);
  const std::lock_guard lock(mutex_);
  const auto [first, last] = entries_.equal_range(hash);
  for (auto it = first; it != last; ++it) {
    if (SharedMetadata known = it->second.lock(); known && *known == metadata) return known;
  }
  if (entries_.size() >= sweep_at_) Sweep();
  auto fresh = std::make_shared<const MetricMetadata>(std::move(metadata));
  entries_.emplace(hash, fresh);
  return fresh;
}

void MetadataPool::Sweep() {
  std::erase_if(entries_, [](const auto& entry) { return entry.second.expired(); });
  sweep_at_ = std::max<std::size_t>(1024, entries_.size() * 2);
}

void TargetMetadataTable::Change(std::string_view family, const std::function<void(MetricMetadata&)>& change) {
  const std::lock_guard lock(mutex_);
  const auto at = FindFamily(families_, family);
  const bool known = at != families_.end() && (*at)->metric == family;
  if (!known && families_.size() >= kMaxFamilies) return;
  MetricMetadata metadata = known ? **at : MetricMetadata{std::string(family), "unknown", {}, {}};
  change(metadata);
  if (known && **at == metadata) return;
  if (changed_.empty() || changed_.back() != family) changed_.emplace_back(family);
  SharedMetadata shared = pool_.Intern(std::move(metadata));
  if (known) {
    families_[static_cast<std::size_t>(at - families_.begin())] = std::move(shared);
  } else {
    families_.insert(at, std::move(shared));
  }
}

void TargetMetadataTable::SetType(std::string_view family, MetricType type) {
  Change(family, [&](MetricMetadata& metadata) { metadata.type = MetricTypeName(type); });
}

void TargetMetadataTable::SetHelp(std::string_view family, std::string_view help) {
  Change(family, [&](MetricMetadata& metadata) {
    metadata.help = help;
    if (metadata.help.size() <= kMaxTextBytes) return;
    std::size_t size = kMaxTextBytes;
    while (size > 0 && (static_cast<unsigned char>(metadata.help[size]) & 0xc0) == 0x80) --size;
    metadata.help.resize(size);
  });
}

void TargetMetadataTable::SetUnit(std::string_view family, std::string_view unit) {
  Change(family, [&](MetricMetadata& metadata) { metadata.unit = unit; });
}

std::vector<SharedMetadata> TargetMetadataTable::Changes() const {
  std::vector<SharedMetadata> out;
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names = changed_;
  std::ranges::sort(names);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  for (const std::string& name : names) out.push_back(*FindFamily(families_, name));
  return out;
}

void TargetMetadataTable::ClearChanges() {
  const std::lock_guard lock(mutex_);
  changed_ = {};
}

std::vector<SharedMetadata> TargetMetadataTable::Get(std::string_view family) const {
  const std::lock_guard lock(mutex_);
  if (family.empty()) return families_;
  const auto at = FindFamily(families_, family);
  if (at == families_.end() || (*at)->metric != family) return {};
  return {*at};
}

}  // namespace vedette::collector
