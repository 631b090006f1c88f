// Files of JSON lines.
#include "core/json_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

namespace vedette {
namespace {

std::vector<nlohmann::json> Lines(const std::string& path) {
  std::ifstream file(path);
  std::vector<nlohmann::json> out;
  for (std::string line; std::getline(file, line);) out.push_back(nlohmann::json::parse(line));
  return out;
}

}  // namespace

TEST_CASE("lines are added to a file in order, with what every line has", "[json_log]") {
  const test::TempDir directory;
  const std::string path = directory.Sub("q.log");
  for (int round = 0; round < 2; ++round) {
    auto log = MustHave(JsonLog::Open(path));
    for (int i = 0; i < 1000; ++i) log->Write(LogLevel::kError, "it \"failed\"", fmt::format(R"("n":{})", i));
    log->Write(LogLevel::kInfo, "bad \xff", "");
    CHECK(log->dropped() == 0);
  }
  const auto lines = Lines(path);
  REQUIRE(lines.size() == 2002);
  CHECK(lines[1000]["msg"] == "bad \xef\xbf\xbd");
  CHECK(lines[1000]["level"] == "INFO");
  for (std::size_t i = 0; i < 1000; ++i) {
    CHECK(lines[i]["n"] == i);
    CHECK(lines[i]["msg"] == "it \"failed\"");
    CHECK(lines[i]["level"] == "ERROR");
    CHECK(lines[i]["source"].get<std::string>().starts_with("json_log_test.cpp:"));
    CHECK(lines[i]["time"].get<std::string>().ends_with("Z"));
  }
}

TEST_CASE("a file that cannot be written is an error, or lines that are counted", "[json_log]") {
  const auto missing = JsonLog::Open("/nowhere/at/all.log");
  REQUIRE_FALSE(missing.has_value());
  CHECK(missing.error().message == "can't create json log file: open /nowhere/at/all.log: No such file or directory");
  if (!std::filesystem::exists("/dev/full")) return;
  auto log = MustHave(JsonLog::Open("/dev/full"));
  log->Write(LogLevel::kInfo, "a", "");
  while (log->dropped() == 0) std::this_thread::yield();
  CHECK(log->dropped() == 1);
}

TEST_CASE("a pipe that nobody reads holds nothing up, and a line that was cut ends before the next", "[json_log]") {
  const test::TempDir directory;
  const std::string path = directory.Sub("pipe");
  REQUIRE(mkfifo(path.c_str(), 0600) == 0);
  CHECK_FALSE(JsonLog::Open(path).has_value());

  const int reader = open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  REQUIRE(reader >= 0);
  std::string text;
  const auto read_on = [&] {
    char buffer[4096];
    for (ssize_t n = 0; (n = read(reader, buffer, sizeof buffer)) > 0;)
      text.append(buffer, static_cast<std::size_t>(n));
  };
  auto log = MustHave(JsonLog::Open(path));
  log->Write(LogLevel::kInfo, std::string(1 << 20, 'x'), "");  // more than a pipe holds
  while (log->dropped() == 0) std::this_thread::yield();
  CHECK(log->dropped() == 1);
  read_on();
  CHECK(text.find('\n') == std::string::npos);
  text.clear();
  log->Write(LogLevel::kInfo, "next", "");
  while (!text.ends_with("}\n")) read_on();
  CHECK(text.starts_with("\n{"));
  CHECK(nlohmann::json::parse(text)["msg"] == "next");
  log->Write(LogLevel::kInfo, std::string(1 << 20, 'x'), "");
  log.reset();
  close(reader);
}

}  // namespace vedette
