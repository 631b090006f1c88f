#include "core/json_log.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <ctime>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>

#include <nlohmann/json.hpp>

namespace vedette {
namespace {

/// Bytes that wait at most.
constexpr std::size_t kMaxWaiting = 8 << 20;
constexpr mode_t kLogMode = 0666;  // cut by the umask, as usual
/// For the reader of a pipe that is full. Files on disks are never waited for like this.
constexpr int kReaderPatienceMs = 100;

std::string_view LogFileLevel(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "DEBUG";
    case LogLevel::kInfo:
      return "INFO";
    case LogLevel::kWarn:
      return "WARN";
    case LogLevel::kError:
      break;
  }
  return "ERROR";
}

/// Nanoseconds, without zeros at the end.
std::string PreciseNow() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  std::tm parts{};
  gmtime_r(&now.tv_sec, &parts);
  std::string out = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}", parts.tm_year + 1900, parts.tm_mon + 1,
                                parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, now.tv_nsec);
  while (out.back() == '0') out.pop_back();
  if (out.back() == '.') out.pop_back();
  out.push_back('Z');
  return out;
}

class LogFile final : public JsonLog {
 public:
  LogFile(std::string path, int file)
      : path_(std::move(path)), file_(file), thread_([this](const std::stop_token& stop) { Run(stop); }) {}
  ~LogFile() override {
    thread_.request_stop();
    thread_.join();
    close(file_);
  }

  void Write(LogLevel level, std::string_view message, std::string_view members, std::source_location where) override {
    std::string_view source = where.file_name();
    source.remove_prefix(source.rfind('/') + 1);
    std::string line = fmt::format(R"({{"time":"{}","level":"{}","source":"{}:{}","msg":{})", PreciseNow(),
                                   LogFileLevel(level), source, where.line(), JsonText(message));
    if (!members.empty()) line.append(",").append(members);
    line += "}\n";
    const std::lock_guard lock(mutex_);
    if (waiting_.size() + line.size() > kMaxWaiting) {
      ++dropped_;
      return;
    }
    waiting_ += line;
    changed_.notify_one();
  }
  std::uint64_t dropped() const override { return dropped_; }

 private:
  void Run(const std::stop_token& stop) {
    for (;;) {
      std::string text;
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, stop, [this] { return !waiting_.empty(); });
        if (waiting_.empty()) return;
        text.swap(waiting_);
      }
      Put(text, stop);
    }
  }
  /// Lines that do not get there wholly are dropped.
  void Put(std::string_view text, const std::stop_token& stop) {
    std::string_view line_end = in_line_ ? "\n" : "";  // of one that was cut
    if (Append(line_end, stop) && Append(text, stop)) {
      failing_ = false;
      return;
    }
    dropped_ += static_cast<std::uint64_t>(std::ranges::count(text, '\n'));
  }
  /// Takes off `text` what has been written. False: the rest cannot be.
  bool Append(std::string_view& text, const std::stop_token& stop) {
    while (!text.empty()) {
      const ssize_t n = write(file_, text.data(), text.size());
      if (n >= 0) {
        in_line_ = n > 0 ? text[static_cast<std::size_t>(n) - 1] != '\n' : in_line_;
        text.remove_prefix(static_cast<std::size_t>(n));
        continue;
      }
      const int reason = errno;
      if (reason == EINTR || (reason == EAGAIN && !stop.stop_requested() && ReaderMakesRoom())) continue;
      if (!std::exchange(failing_, true)) {
        LogWarn("core", "log file not written", {{"file", path_}, {"reason", std::strerror(reason)}});
      }
      return false;
    }
    return true;
  }
  bool ReaderMakesRoom() const {
    pollfd waiting{.fd = file_, .events = POLLOUT, .revents = 0};
    return poll(&waiting, 1, kReaderPatienceMs) > 0;
  }

  const std::string path_;
  const int file_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::string waiting_;  // guarded by mutex_
  std::atomic<std::uint64_t> dropped_ = 0;
  bool failing_ = false, in_line_ = false;  // of the thread; the latter: the last line has no end yet
  std::jthread thread_;                     // last: it uses the others
};

}  // namespace

Result<std::shared_ptr<JsonLog>> JsonLog::Open(const std::string& path) {
  // Pipes must hold up neither a reload nor the end: one without a reader is an error at once.
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, kLogMode);
  if (file < 0) return Fail(Code::kIo, "can't create json log file: open {}: {}", path, std::strerror(errno));
  return std::shared_ptr<JsonLog>(std::make_shared<LogFile>(path, file));
}

std::string JsonText(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace vedette
