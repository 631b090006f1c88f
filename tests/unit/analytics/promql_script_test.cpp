// PromQL by scripts: our own under tests/promql, and those that VEDETTE_PROMQL_SCRIPTS names (files, separated by ':').
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <sstream>

#include "tests/support/catch.h"
#include "tests/support/promql_script.h"
#include "tests/support/temp_dir.h"

namespace vedette {

TEST_CASE("the project's PromQL scripts pass", "[promql][script]") {
  int scripts = 0;
  for (const auto& entry : std::filesystem::directory_iterator("tests/promql")) {
    if (entry.path().extension() != ".test") continue;
    ++scripts;
    const test::ScriptReport report = MustHave(test::RunScript(test::ReadFile(entry.path())));
    for (const std::string& failure : report.failures) {
      INFO(entry.path().filename().string() << " " << failure);
      CHECK(failure.empty());
    }
    CHECK(report.passed > 0);
  }
  CHECK(scripts > 0);
}

TEST_CASE("scripts named in the environment pass", "[.][conformance]") {
  const char* const names = std::getenv("VEDETTE_PROMQL_SCRIPTS");
  if (names == nullptr) return;
  std::istringstream files(names);
  int passed = 0, all = 0;
  for (std::string file; std::getline(files, file, ':');) {
    const test::ScriptReport report = MustHave(test::RunScript(test::ReadFile(file)));
    const int failed = static_cast<int>(report.failures.size());
    std::cout << std::filesystem::path(file).filename().string() << ": " << report.passed << " of "
              << report.passed + failed << " passed\n";
    for (const std::string& failure : report.failures) std::cout << "  " << failure << "\n";
    passed += report.passed;
    all += report.passed + failed;
  }
  std::cout << "together: " << passed << " of " << all << "\n";
}

}  // namespace vedette
