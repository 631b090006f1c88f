// The short version of the torture; tests/torture has the driver and the long one.
#include <cstdlib>

#include <unistd.h>

#include "tests/support/catch.h"
#include "tests/support/effort.h"
#include "tests/torture/torture.h"

namespace vedette::test {
namespace {

TEST_CASE("whatever dies when, what was promised is there and nothing else", "[storage][torture][long]") {
  TortureOptions options;
  options.rounds = Repetitions(40, 26);
  options.seed = 1;
  const TortureReport report = MustHave(CrashRounds(options));
  INFO(report.ToString());
  CHECK(report.power_cuts > 10);
  CHECK(report.kills > 3);
}

/// Not a test: what the child process does. Hidden, and harmless without its environment.
TEST_CASE("torture child", "[.torture_child]") {
  const char* path = std::getenv("VEDETTE_TORTURE_DIR");
  if (path == nullptr) return;
  RunChild(path, std::stoull(std::getenv("VEDETTE_TORTURE_SEED")), std::stoull(std::getenv("VEDETTE_TORTURE_FIRST")),
           std::atoi(std::getenv("VEDETTE_TORTURE_PIPE")));
}

int StartChild(const std::string& path, std::uint64_t seed, std::uint64_t first, int pipe) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  ::setenv("VEDETTE_TORTURE_DIR", path.c_str(), 1);
  ::setenv("VEDETTE_TORTURE_SEED", std::to_string(seed).c_str(), 1);
  ::setenv("VEDETTE_TORTURE_FIRST", std::to_string(first).c_str(), 1);
  ::setenv("VEDETTE_TORTURE_PIPE", std::to_string(pipe).c_str(), 1);
  ::execl("/proc/self/exe", "test_storage", "[.torture_child]", static_cast<char*>(nullptr));
  std::_Exit(1);
}

TEST_CASE("a process killed under mixed load leaves every acknowledged commit", "[storage][torture][long]") {
  TortureOptions options;
  options.rounds = Repetitions(8, 3);
  (void)MustHave(KillRounds(options, StartChild));
}

}  // namespace
}  // namespace vedette::test
