// What the readers of modules of service checks share. Used by config/read_probes.cpp and read_http_probe.cpp only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "collector/probe/options.h"
#include "config/section_check.h"

namespace vedette::config {

/// Where the tables of keys note what a module needs and is not there: the first of them.
struct ModuleReader {
  collector::ProbeModule module;
  const SectionContext* context = nullptr;
  void NotThere(const YamlNode& node, std::string_view what) {
    if (module.unsupported.empty()) module.unsupported = node.At(fmt::format("{} is not supported", what)).message;
  }
};

/// Errors: kBadData with blackbox_exporter's sentence.
Status ReadSearchRegex(const YamlNode& node, SearchRegex& out);
Status ReadSearchRegexes(const YamlNode& node, std::vector<SearchRegex>& out);
Status ReadIpProtocol(const YamlNode& node, collector::IpChoice& out);

template <class Probe>
Status PreferredIp(const YamlNode& node, Probe& out) {
  return ReadIpProtocol(node, out.ip);
}
template <class Probe>
Status IpFallback(const YamlNode& node, Probe& out) {
  return ReadValue(node, out.ip.fallback);
}

/// The `http` section of a module.
Status ReadHttpProbe(const YamlNode& node, ModuleReader& out);

}  // namespace vedette::config
