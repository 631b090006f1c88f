#include "collector/host/files.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "collector/host/fields.h"

namespace vedette::collector {
namespace {

Error SystemError(std::string_view what, const std::string& path, int error) {
  return Fail(error == ENOENT || error == ENOTDIR ? Code::kNotFound : Code::kIo, "{} {}: {}", what, path,
              std::strerror(error));
}

}  // namespace

FileHandle& FileHandle::operator=(FileHandle&& other) noexcept {
  if (this != &other) {
    Close();
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

void FileHandle::Close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Status HostFile::ReadOpen() {
  constexpr std::size_t kFirstBuffer = 4096;
  if (text_.size() < kFirstBuffer) text_.resize(std::max(kFirstBuffer, text_.capacity()));
  std::size_t used = 0;
  for (;;) {
    if (used == text_.size()) {
      if (used >= kMaxHostFileBytes) return Fail(Code::kLimit, "{} is larger than {} bytes", path_, kMaxHostFileBytes);
      text_.resize(used * 2);
    }
    const ssize_t got = ::pread(file_.fd(), text_.data() + used, text_.size() - used, static_cast<off_t>(used));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return SystemError("cannot read", path_, errno);
    if (got == 0) break;
    used += static_cast<std::size_t>(got);
  }
  text_.resize(used);
  return Ok();
}

Result<std::string_view> HostFile::Read() {
  if (file_.is_open() && ReadOpen()) return std::string_view(text_);
  file_ = FileHandle(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file_.is_open()) return SystemError("cannot open", path_, errno);
  const Status read = ReadOpen();
  if (!read) {
    file_.Close();
    return read.error();
  }
  return std::string_view(text_);
}

Result<std::string> ReadHostFile(const std::string& path) {
  HostFile file(path);
  VEDETTE_TRY(const std::string_view text, file.Read());
  return std::string(text);
}

std::optional<std::string> ReadAttribute(int directory_fd, const char* name) {
  const FileHandle file(::openat(directory_fd, name, O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return std::nullopt;
  std::array<char, 512> buffer;
  const ssize_t got = ::read(file.fd(), buffer.data(), buffer.size());
  if (got < 0) return std::nullopt;
  const std::string_view text(buffer.data(), static_cast<std::size_t>(got));
  return std::string(text.substr(0, text.find('\n')));
}

std::optional<double> ReadNumber(int directory_fd, const char* name) {
  const auto text = ReadAttribute(directory_fd, name);
  return text ? ParseNumber(Trimmed(*text)) : std::nullopt;
}

Result<FileHandle> OpenDirectory(const std::string& path) {
  FileHandle directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.is_open()) return SystemError("cannot open", path, errno);
  return directory;
}

Result<std::vector<std::string>> ListDirectory(const std::string& path) {
  const auto close = [](DIR* directory) { ::closedir(directory); };
  const std::unique_ptr<DIR, decltype(close)> directory(::opendir(path.c_str()), close);
  if (!directory) return SystemError("cannot list", path, errno);
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(directory.get())) {
    const std::string_view name(entry->d_name);
    if (name != "." && name != "..") names.emplace_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> NamesIn(const std::string& path) {
  auto names = ListDirectory(path);
  return names ? *std::move(names) : std::vector<std::string>();
}

std::vector<std::string> ListSubdirectories(const std::string& path) {
  const auto close = [](DIR* directory) { ::closedir(directory); };
  const std::unique_ptr<DIR, decltype(close)> directory(::opendir(path.c_str()), close);
  std::vector<std::string> names;
  while (const dirent* entry = directory ? ::readdir(directory.get()) : nullptr) {
    const std::string_view name(entry->d_name);
    if (entry->d_type == DT_DIR && name != "." && name != "..") names.emplace_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> ListNumbered(const std::string& path, std::string_view prefix) {
  std::vector<std::pair<std::uint64_t, std::string>> found;
  for (std::string& name : NamesIn(path)) {
    if (!name.starts_with(prefix)) continue;
    const std::string_view digits = std::string_view(name).substr(prefix.size());
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error == std::errc() && end == digits.data() + digits.size()) found.emplace_back(number, std::move(name));
  }
  std::sort(found.begin(), found.end());
  std::vector<std::string> names;
  for (auto& [number, name] : found) names.push_back(std::move(name));
  return names;
}

}  // namespace vedette::collector
