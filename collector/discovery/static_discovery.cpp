#include "collector/discovery/discovery.h"

namespace vedette::collector {
namespace {

class StaticDiscovery final : public Discovery {
 public:
  explicit StaticDiscovery(const std::vector<StaticConfig>& configs) : groups_(StaticGroups(configs)) {}
  void Start(Update update) override { update(groups_); }

 private:
  std::vector<TargetGroup> groups_;
};

}  // namespace

std::vector<TargetGroup> StaticGroups(const std::vector<StaticConfig>& configs) {
  std::vector<TargetGroup> groups;
  for (std::size_t i = 0; i < configs.size(); ++i) {
    TargetGroup group{std::to_string(i), {}, configs[i].labels};
    for (const std::string& address : configs[i].targets) group.targets.push_back({{"__address__", address}});
    groups.push_back(std::move(group));
  }
  return groups;
}

std::unique_ptr<Discovery> NewStaticDiscovery(const std::vector<StaticConfig>& configs) {
  return std::make_unique<StaticDiscovery>(configs);
}

}  // namespace vedette::collector
