#include "app/restart.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <unistd.h>

#include "core/log.h"

namespace vedette::app {
namespace {

constexpr const char* kRestartedAt = "VEDETTE_RESTARTED_AT";  // Unix seconds, for the next program
constexpr long long kShortestLifeSeconds = 60;

std::vector<std::string> OwnArguments() {
  std::ifstream in("/proc/self/cmdline", std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size();) {
    out.emplace_back(text.c_str() + at);
    at += out.back().size() + 1;
  }
  return out;
}

}  // namespace

void RestartProcess() {
  const long long now = std::time(nullptr);
  const char* before = std::getenv(kRestartedAt);
  if (before != nullptr && now - std::atoll(before) < kShortestLifeSeconds) {
    LogError("app", "not started anew: that was done less than a minute ago");
    return;
  }
  std::vector<std::string> arguments = OwnArguments();
  if (arguments.empty()) {
    LogError("app", "not started anew: /proc/self/cmdline cannot be read");
    return;
  }
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  setenv(kRestartedAt, std::to_string(now).c_str(), 1);
  LogInfo("app", "Vedette starts anew");
  execv("/proc/self/exe", pointers.data());
  LogError("app", "not started anew", {{"error", std::strerror(errno)}});
}

}  // namespace vedette::app
