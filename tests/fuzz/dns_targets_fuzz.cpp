// Answers of DNS servers, and resolv.conf: no crash, and every target has an address.
#include <cstdint>
#include <cstdlib>

#include "collector/discovery/dns_targets.h"
#include "collector/discovery/resolv_conf.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vedette;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const collector::DnsSdConfig config;
  const auto group = collector::ParseDnsTargets(bytes, "name", config);
  if (!group && group.error().message.empty()) std::abort();
  if (group) {
    for (const Labels& target : group->targets) {
      if (!target.Has("__address__") || target.Get("__meta_dns_name") != "name") std::abort();
    }
  }
  for (const std::string& name : collector::ParseResolvConf(bytes).NamesToAsk("a.b")) {
    if (!name.ends_with('.')) std::abort();
  }
  return 0;
}
