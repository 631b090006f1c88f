#include "collector/discovery/target_files.h"

#include <fnmatch.h>
#include <sys/stat.h>

#include <algorithm>

#include "collector/relabel/relabel.h"
#include "core/log.h"
#include "core/yaml.h"

namespace vedette::collector {
namespace {

Result<TargetGroup> ParseGroup(const YamlNode& node, const std::string& path, std::size_t index) {
  VEDETTE_CHECK(node.ExpectKeys({"targets", "labels"}));
  TargetGroup group{fmt::format("{}:{}", path, index), {}, {}};
  std::vector<std::string> addresses;
  VEDETTE_CHECK(node.Read("targets", addresses));
  for (const std::string& address : addresses) group.targets.push_back({{"__address__", address}});

  LabelsBuilder labels;
  if (const auto map = node.Get("labels")) {
    VEDETTE_TRY(const auto entries, map->Map());
    for (const YamlNode::Entry& entry : entries) {
      if (!IsValidLabelName(entry.key, NameValidation::kUtf8)) return entry.value.At("invalid label name");
      VEDETTE_TRY(const std::string value, entry.value.As<std::string>());
      labels.Set(entry.key, value);
    }
  }
  labels.Set("__meta_filepath", path);
  group.labels = labels.Build();
  return group;
}

Result<std::vector<TargetGroup>> ReadTargetFile(const std::string& path) {
  VEDETTE_TRY(const YamlDocument document, LoadYamlFile(path));
  VEDETTE_TRY(const std::vector<YamlNode> nodes, document.root.Sequence());
  std::vector<TargetGroup> groups;
  for (const YamlNode& node : nodes) {
    VEDETTE_TRY(TargetGroup group, ParseGroup(node, path, groups.size()));
    groups.push_back(std::move(group));
  }
  return groups;
}

}  // namespace

std::vector<std::string> TargetFiles::Paths() const {
  std::vector<std::string> paths;
  for (const std::string& pattern : patterns_) {
    if (pattern.find('*') == std::string::npos) {
      paths.push_back(pattern);
      continue;
    }
    const std::filesystem::path whole(pattern);
    const std::filesystem::path folder = whole.has_parent_path() ? whole.parent_path() : ".";
    std::error_code error;
    for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
      const std::string name = it->path().filename().string();
      if (fnmatch(whole.filename().c_str(), name.c_str(), 0) == 0) {
        paths.push_back((whole.has_parent_path() ? folder / name : std::filesystem::path(name)).string());
      }
    }
  }
  std::sort(paths.begin(), paths.end());
  paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
  return paths;
}

TargetFiles::Outcome TargetFiles::Look(bool reread) {
  Outcome outcome;
  const std::vector<std::string> paths = Paths();
  outcome.changed =
      std::erase_if(files_, [&](const auto& file) {
        struct ::stat status {};
        return !std::binary_search(paths.begin(), paths.end(), file.first) || ::stat(file.first.c_str(), &status) != 0;
      }) > 0;
  for (const std::string& path : paths) {
    struct ::stat status {};
    if (::stat(path.c_str(), &status) != 0) {
      if (reread) ++outcome.failures;
      continue;
    }
    const Stamp stamp{status.st_mtim.tv_sec, status.st_mtim.tv_nsec, static_cast<std::uint64_t>(status.st_size),
                      static_cast<std::uint64_t>(status.st_ino)};
    const auto [file, is_new] = files_.try_emplace(path);
    if (!is_new && !reread && file->second.stamp == stamp) continue;
    const bool touched = is_new || file->second.stamp != stamp;
    file->second.stamp = stamp;

    auto groups = ReadTargetFile(path);
    if (!groups) {
      ++outcome.failures;
      if (touched) LogError("collector", "target file not usable, keeping its targets", {{"error", groups.error()}});
      continue;
    }
    if (*groups == file->second.groups) continue;
    file->second.groups = *std::move(groups);
    outcome.changed = true;
  }
  return outcome;
}

std::vector<TargetGroup> TargetFiles::groups() const {
  std::vector<TargetGroup> all;
  for (const auto& [path, file] : files_) all.insert(all.end(), file.groups.begin(), file.groups.end());
  return all;
}

}  // namespace vedette::collector
