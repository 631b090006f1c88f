// Paths in the configuration: relative ones start at the folder of the file, patterns are globs.
#include <glob.h>

#include <filesystem>

#include "config/sections.h"

namespace vedette::config {

std::string ResolvePath(std::string_view base_dir, std::string_view path) {
  if (path.empty() || path.front() == '/') return std::string(path);
  return (std::filesystem::path(base_dir) / path).lexically_normal().string();
}

std::vector<std::string> ExpandGlob(const std::string& pattern) {
  glob_t found{};
  std::vector<std::string> out;
  if (glob(pattern.c_str(), 0, nullptr, &found) == 0) out.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  globfree(&found);
  return out;
}

}  // namespace vedette::config
