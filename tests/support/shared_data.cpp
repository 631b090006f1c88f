#include "tests/support/shared_data.h"

#include <cstdlib>
#include <iostream>

namespace vedette::test {

std::optional<std::filesystem::path> SharedData(std::string_view name) {
  const char* from_environment = std::getenv("VEDETTE_SHARED");
  const std::filesystem::path root =
      from_environment != nullptr ? from_environment : std::filesystem::path(VEDETTE_SOURCE_DIR) / ".." / "shared";
  std::filesystem::path path = root / name;
  if (std::filesystem::exists(path)) return path;
  std::cerr << "skipped: " << path << " is not there\n";
  return std::nullopt;
}

}  // namespace vedette::test
