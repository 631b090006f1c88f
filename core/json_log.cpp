#include "core/json_log.h"

#include <fcntl.h>
#include <unistd.h>

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
      Put(text);
    }
  }
  void Put(std::string_view text) {
    while (!text.empty()) {
      const ssize_t n = write(file_, text.data(), text.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) {
        if (!std::exchange(failing_, true)) {
          LogWarn("core", "log file not written", {{"file", path_}, {"reason", std::strerror(errno)}});
        }
        for (const char c : text) dropped_ += c == '\n' ? 1 : 0;
        return;
      }
      text.remove_prefix(static_cast<std::size_t>(n));
    }
    failing_ = false;
  }

  const std::string path_;
  const int file_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::string waiting_;  // guarded by mutex_
  std::atomic<std::uint64_t> dropped_ = 0;
  bool failing_ = false;  // of the thread
  std::jthread thread_;   // last: it uses the others
};

}  // namespace

Result<std::shared_ptr<JsonLog>> JsonLog::Open(const std::string& path) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, kLogMode);
  if (file < 0) return Fail(Code::kIo, "can't create json log file: open {}: {}", path, std::strerror(errno));
  return std::shared_ptr<JsonLog>(std::make_shared<LogFile>(path, file));
}

std::string JsonText(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace vedette
