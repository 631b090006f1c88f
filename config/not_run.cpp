// What a file may ask for that this version does not do: checked like everything else, and listed, so that nobody
// starts an agent that silently does less than its configuration says.
#include <algorithm>

#include "config/sections.h"

namespace vedette::config {
namespace {

bool WhenThere(const YamlNode&) { return true; }
bool WhenNotEmpty(const YamlNode& value) {
  if (value.IsSequence()) return !value.Sequence()->empty();
  if (value.IsMap()) return !value.Map()->empty();
  return !value.text().empty();
}
bool WhenNotZero(const YamlNode& value) {
  const auto number = value.As<double>();
  return number && *number != 0;
}

bool WhenNoDockerHost(const YamlNode& value) {
  constexpr std::string_view kSpoken[] = {"unix://", "tcp://", "http://", "https://"};
  return std::ranges::none_of(kSpoken, [&](std::string_view scheme) { return value.text().starts_with(scheme); });
}

constexpr std::string_view kTakeOut = "take it out to start";
constexpr std::string_view kOtherDiscovery =
    "this kind of service discovery is not there yet: give its targets over HTTP (http_sd_configs) or in a file "
    "(file_sd_configs)";

/// `path` is a way from the root without the numbers of items; "*." in front stands for any way.
struct Row {
  std::string_view path;
  bool (*asks)(const YamlNode& value);
  std::string_view instead;
};
constexpr Row kRows[] = {
    {"remote_write.azuread.sdk", WhenThere,
     "use managed_identity, workload_identity or oauth, which it would choose from"},
    {"tracing", WhenNotEmpty, kTakeOut},
    {"storage.tsdb.retention.percentage", WhenNotZero, "use `size`"},
    {"*.docker_sd_configs.host", WhenNoDockerHost, "a host is unix://, tcp://, http:// or https://"},
};

/// Maps whose keys people choose: no key in them is one of ours.
constexpr std::string_view kFreeMaps[] = {"labels",       "external_labels", "params",
                                          "headers",      "claims",          "required_matchers",
                                          "http_headers", "endpoint_params", "proxy_connect_header"};

std::string Below(const std::string& path, const std::string& key) { return path.empty() ? key : path + "." + key; }

const Row* Find(const std::string& path) {
  for (const Row& row : kRows) {
    if (path == row.path || (row.path.starts_with("*.") && path.ends_with(row.path.substr(1)))) return &row;
  }
  static constexpr Row kDiscovery{"", WhenNotEmpty, kOtherDiscovery};
  if (!path.ends_with("_sd_configs")) return nullptr;
  return IsRunningDiscovery(path.substr(path.rfind('.') + 1)) ? nullptr : &kDiscovery;
}

void Walk(const YamlNode& node, const std::string& path, std::vector<std::string>& out) {
  if (const Row* row = Find(path); row != nullptr && row->asks(node)) {
    out.push_back(node.At(fmt::format("this version of Vedette does not act on it; {}", row->instead)).message);
    return;
  }
  if (node.IsSequence()) {
    for (const YamlNode& item : *node.Sequence()) Walk(item, path, out);
  } else if (node.IsMap()) {
    for (const YamlNode::Entry& entry : *node.Map()) {
      if (std::ranges::find(kFreeMaps, entry.key) != std::end(kFreeMaps)) continue;
      if (!entry.value.IsNull()) Walk(entry.value, Below(path, entry.key), out);
    }
  }
}

}  // namespace

void ListNotRun(const YamlNode& root, std::vector<std::string>& out) { Walk(root, "", out); }

}  // namespace vedette::config
