// Reading the small text files of /proc and /sys: kept open and re-read from the start, or read once.
//
// The kernel makes the text anew for every read from offset 0, so a file that stays open costs one system call instead
// of three and no path lookup. All texts are bounded.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace vedette::collector {

/// No file that is read here comes near this; one that does is refused with kLimit.
inline constexpr std::size_t kMaxHostFileBytes = 16 << 20;

/// An open file descriptor, closed at the end.
class FileHandle {
 public:
  FileHandle() = default;
  explicit FileHandle(int fd) : fd_(fd) {}
  ~FileHandle() { Close(); }
  FileHandle(FileHandle&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  FileHandle& operator=(FileHandle&& other) noexcept;
  int fd() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }
  void Close();

 private:
  int fd_ = -1;
};

/// A file that is read again and again.
class HostFile {
 public:
  explicit HostFile(std::string path) : path_(std::move(path)) {}
  const std::string& path() const { return path_; }

  /// The whole text as it is now; valid until the next call. Opens the file when it is not open, and once more when an
  /// open one has gone bad (a device that was unplugged).
  /// Errors: kNotFound when there is no such file, kIo, kLimit.
  Result<std::string_view> Read();

 private:
  Status ReadOpen();

  std::string path_;
  FileHandle file_;
  std::string text_;
};

/// The text of a file that is read rarely. Errors: as HostFile::Read().
Result<std::string> ReadHostFile(const std::string& path);

/// The first line of `name` below the directory `directory_fd`, without the line break; nothing when it cannot be read:
/// attributes in /sys that do not apply to a device refuse to be read.
std::optional<std::string> ReadAttribute(int directory_fd, const char* name);

/// The whole number in an attribute (sign allowed, hexadecimal after 0x); nothing when it cannot be read or is none.
std::optional<double> ReadNumber(int directory_fd, const char* name);

/// Opens a directory for ReadAttribute(). Errors: kNotFound when there is none, or it is something else.
Result<FileHandle> OpenDirectory(const std::string& path);

/// Names in a directory, sorted, without "." and "..". Errors: kNotFound.
Result<std::vector<std::string>> ListDirectory(const std::string& path);

/// The same; a directory that is not there has none.
std::vector<std::string> NamesIn(const std::string& path);

/// Names of the directories in a directory, sorted, symbolic links left out. A directory that is not there has none.
std::vector<std::string> ListSubdirectories(const std::string& path);

/// Those names that are `prefix` and a number, in the order of the numbers. A directory that is not there has none.
std::vector<std::string> ListNumbered(const std::string& path, std::string_view prefix);

}  // namespace vedette::collector
