// vedette_torture power|kill [ROUNDS [SEED]]: the long version of the torture (docs/storage.md, "Crash safety").
// vedette_torture flood [SERIES [MAX_SERIES [MAX_BYTES]]]: new series without end beside known ones (flood.h).
//
// ROUNDS defaults to the environment variable VEDETTE_TORTURE_ROUNDS, or 1,000. Exit status 1: a promise was broken,
// the last line says which, and the files of a power cut are left in vedette-torture-failed in the temporary directory.
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include <unistd.h>

#include "core/log.h"
#include "tests/torture/flood.h"
#include "tests/torture/torture.h"

namespace {

int StartChild(const std::string& path, std::uint64_t seed, std::uint64_t first, int pipe) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  ::execl("/proc/self/exe", "vedette_torture", "child", path.c_str(), std::to_string(seed).c_str(),
          std::to_string(first).c_str(), std::to_string(pipe).c_str(), static_cast<char*>(nullptr));
  std::_Exit(1);
}

int RunFlood(const std::vector<std::string>& args) {
  vedette::test::FloodOptions options;
  if (args.size() > 1) options.series = std::stoull(args[1]);
  if (args.size() > 2) options.max_series = std::stoull(args[2]);
  if (args.size() > 3) options.max_series_bytes = std::stoull(args[3]);
  options.progress = [](const std::string& line) { std::cout << line << std::endl; };
  const auto report = vedette::test::Flood(options);
  std::cout << (report ? "passed: " + report->ToString() : "FAILED: " + report.error().message) << "\n";
  return report ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> args(argv + 1, argv + argc);
  if (args.size() == 5 && args[0] == "child") {
    vedette::test::RunChild(args[1], std::stoull(args[2]), std::stoull(args[3]), std::stoi(args[4]));
    return 0;
  }
  if (args.empty() || (args[0] != "power" && args[0] != "kill" && args[0] != "flood")) {
    std::cerr << "usage: vedette_torture power|kill [ROUNDS [SEED]]\n"
                 "       vedette_torture flood [SERIES [MAX_SERIES [MAX_BYTES]]]\n";
    return 2;
  }
  vedette::ConfigureLogging(vedette::LogLevel::kError, vedette::LogFormat::kLogfmt);
  if (args[0] == "flood") return RunFlood(args);
  vedette::test::TortureOptions options;
  const char* rounds = std::getenv("VEDETTE_TORTURE_ROUNDS");
  options.rounds = args.size() > 1 ? std::stoi(args[1]) : rounds != nullptr ? std::stoi(rounds) : 1000;
  if (args.size() > 2) options.seed = std::stoull(args[2]);
  options.keep_failed_in = (std::filesystem::temp_directory_path() / "vedette-torture-failed").string();
  options.progress = [](const std::string& line) { std::cout << line << std::endl; };
  const auto report =
      args[0] == "power" ? vedette::test::CrashRounds(options) : vedette::test::KillRounds(options, StartChild);
  if (!report) {
    std::cout << "FAILED: " << report.error().message << "\n";
    return 1;
  }
  std::cout << "passed: " << report->ToString() << "\n";
  return 0;
}
