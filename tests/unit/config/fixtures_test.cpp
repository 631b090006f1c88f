// Public configuration files with verdicts: what is invalid is refused, what is valid loads, whether all of it is run
// or not.
#include <fstream>
#include <set>
#include <sstream>

#include "config/config.h"
#include "tests/support/catch.h"
#include "tests/support/shared_data.h"

using namespace vedette;

namespace {

struct Verdict {
  std::string file;
  bool valid = false;
};

/// Rows `| config/x.yml | valid | ...` of the README's table.
std::vector<Verdict> ReadVerdicts(const std::filesystem::path& readme) {
  std::vector<Verdict> out;
  std::ifstream in(readme);
  for (std::string line; std::getline(in, line);) {
    std::istringstream cells(line);
    std::string empty, file, verdict;
    std::getline(cells, empty, '|');
    std::getline(cells, file, '|');
    std::getline(cells, verdict, '|');
    if (!file.starts_with(" config/")) continue;
    out.push_back({file.substr(1, file.size() - 2), verdict.starts_with(" valid")});
  }
  return out;
}

}  // namespace

TEST_CASE("public configuration files get their verdicts", "[config][shared]") {
  const auto folder = test::SharedData("fixtures/prometheus");
  if (!folder) return;
  int loaded = 0;
  for (const Verdict& verdict : ReadVerdicts(*folder / "README.md")) {
    const auto config = config::LoadConfig((*folder / verdict.file).string(), config::FileCheck::kSyntaxOnly);
    INFO(verdict.file);
    INFO((config ? std::string("loaded") : config.error().message));
    CHECK(config.has_value() == verdict.valid);
    if (config) ++loaded;
    // The place is in that file, or in one that it includes.
    if (!config) CHECK(config.error().message.find(".yml:") != std::string::npos);
  }
  CHECK(loaded > 40);
}
