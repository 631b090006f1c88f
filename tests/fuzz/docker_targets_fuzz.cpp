// Replies of Docker: no crash, and every target has an address and a container. The first line is the networks.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "collector/discovery/docker_targets.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vedette;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::size_t line = std::min(bytes.find('\n'), bytes.size());
  collector::DockerSdConfig config;
  config.match_first_network = size % 2 == 0;
  const auto group = collector::ParseDockerTargets(bytes.substr(line), bytes.substr(0, line), config);
  if (!group && group.error().message.empty()) std::abort();
  if (!group) return 0;
  for (const Labels& target : group->targets) {
    if (!target.Has("__address__")) std::abort();
  }
  return 0;
}
