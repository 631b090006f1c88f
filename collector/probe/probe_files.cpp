#include "collector/probe/probe_files.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/host/files.h"

namespace vedette::collector {

Result<std::string> ReadProbeFile(const std::string& path, std::size_t max_bytes) {
  // Opening a pipe must not wait for somebody to write.
  const FileHandle file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.is_open()) return Fail(Code::kIo, "unable to read {}: {}", path, std::strerror(errno));
  struct stat about {};
  if (::fstat(file.fd(), &about) != 0) return Fail(Code::kIo, "unable to read {}: {}", path, std::strerror(errno));
  if (!S_ISREG(about.st_mode)) return Fail(Code::kIo, "unable to read {}: not a regular file", path);
  std::string text;
  constexpr std::size_t kStep = 16 << 10;
  for (;;) {
    const std::size_t used = text.size();
    text.resize(used + kStep);
    const ssize_t got = ::read(file.fd(), text.data() + used, kStep);
    text.resize(used + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Fail(Code::kIo, "unable to read {}: {}", path, std::strerror(errno));
    if (text.size() > max_bytes) return Fail(Code::kLimit, "{} is larger than {} bytes", path, max_bytes);
    if (got == 0) return text;
  }
}

Result<std::string> ReadProbeSecret(const std::string& path) {
  constexpr std::size_t kMaxSecret = 64 << 10;
  VEDETTE_TRY(std::string text, ReadProbeFile(path, kMaxSecret));
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  return text;
}

}  // namespace vedette::collector
