// A directory of its own for a test, removed at the end.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace vedette::test {

class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::filesystem::path& path() const { return path_; }
  /// Path of `name` inside, as a string.
  std::string Sub(std::string_view name) const;
  /// Writes a file (its folders are made) and returns its path.
  std::string Write(std::string_view name, std::string_view content) const;

 private:
  std::filesystem::path path_;
};

std::string ReadFile(const std::filesystem::path& path);

}  // namespace vedette::test
