// Replies of Consul: no crash, and every instance says how it is called.
#include <cstdint>
#include <cstdlib>

#include "collector/discovery/consul_targets.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vedette::collector;
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  const auto group = ParseConsulTargets(body, "service", "dc", ",");
  if (!group && group.error().message.empty()) std::abort();
  if (group) {
    for (const vedette::Labels& target : group->targets) {
      if (!target.Has("__address__") || !target.Has("__meta_consul_tags")) std::abort();
    }
  }
  if (const auto services = ParseConsulServices(body); !services && services.error().message.empty()) std::abort();
  if (const auto datacenter = ParseConsulDatacenter(body); datacenter && datacenter->empty()) std::abort();
  return 0;
}
