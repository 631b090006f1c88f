#include "app/restart.h"

#include <cstdlib>
#include <string>

#include <spawn.h>
#include <sys/wait.h>

#include "tests/support/catch.h"

namespace vedette::app {
namespace {

constexpr const char* kName = "a process that starts anew is the same program once more, and not twice in a minute";

/// This test alone, in a process of its own with one more variable. Its exit code.
int RunAlone(char* variable) {
  std::string program = "test_app", name = kName;
  char* arguments[] = {program.data(), name.data(), nullptr};
  char* environment[] = {variable, nullptr};
  pid_t child = 0;
  REQUIRE(posix_spawn(&child, "/proc/self/exe", nullptr, nullptr, arguments, environment) == 0);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_CASE(kName, "[app][restart]") {
  if (std::getenv("VEDETTE_TEST_RESTART") == nullptr) {
    std::string variable = "VEDETTE_TEST_RESTART=1";
    CHECK(RunAlone(variable.data()) == 0);
    return;
  }
  const bool again = std::getenv("VEDETTE_RESTARTED_AT") != nullptr;
  RestartProcess();
  CHECK(again);  // the first call does not return
}

}  // namespace
}  // namespace vedette::app
