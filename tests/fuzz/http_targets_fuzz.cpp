// Replies of target endpoints: no crash, and every group says where it is from.
#include <cstdint>
#include <cstdlib>

#include "collector/discovery/http_targets.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vedette;
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  const auto groups = collector::ParseHttpTargets(body, "http://a");
  if (!groups) {
    if (groups.error().message.empty()) std::abort();
    return 0;
  }
  for (const collector::TargetGroup& group : *groups) {
    if (group.labels.Get("__meta_url") != "http://a") std::abort();
  }
  return 0;
}
