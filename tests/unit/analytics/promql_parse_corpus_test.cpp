// Every expression of Prometheus' own test scripts and of the rule file fixtures.
#include <cctype>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "analytics/promql/parser.h"
#include "analytics/promql/printer.h"
#include "core/yaml.h"
#include "tests/support/catch.h"
#include "tests/support/shared_data.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/analytics/parser_options.h"

using namespace vedette;
using namespace vedette::promql;

namespace {

std::vector<std::filesystem::path> FilesIn(const std::filesystem::path& folder, std::string_view extension) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == extension) files.push_back(entry.path());
  }
  return files;
}

std::string Trim(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front()))) text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.remove_suffix(1);
  return std::string(text);
}

/// The expression of an `eval` line of a test script; empty for other lines.
std::string EvalExpression(std::string_view line) {
  std::istringstream words{std::string(line)};
  std::string command, kind, skipped;
  words >> command >> kind;
  if (!command.starts_with("eval")) return "";
  const int parameters = kind == "instant" ? 2 : 6;  // at <t>; from <a> to <b> step <s>
  for (int i = 0; i < parameters; ++i) words >> skipped;
  std::string rest;
  std::getline(words, rest);
  return Trim(rest);
}

void CheckFixedPoint(std::string_view text) {
  INFO(text);
  const ExprPtr expr = MustHave(ParseExpr(text, kEverything));
  const std::string printed = Print(*expr);
  CHECK(Print(*MustHave(ParseExpr(printed, kEverything))) == printed);
  CHECK(Print(*MustHave(ParseExpr(PrettyPrint(*expr), kEverything))) == printed);
  CHECK(Print(*Clone(*expr)) == printed);
}

}  // namespace

TEST_CASE("every expression of the test scripts parses and prints to a fixed point", "[promql][parse]") {
  const auto folder = test::SharedData("data/promqltest");
  if (!folder) return;
  std::size_t expressions = 0;
  for (const auto& file : FilesIn(*folder, ".test")) {
    INFO(file.filename().string());
    std::istringstream lines(test::ReadFile(file));
    for (std::string line; std::getline(lines, line);) {
      const std::string text = EvalExpression(Trim(line));
      if (text.empty()) continue;
      CheckFixedPoint(text);
      ++expressions;
    }
  }
  CHECK(expressions > 1500);
}

TEST_CASE("every expression of the rule fixtures parses and prints to a fixed point", "[promql][parse]") {
  const auto folder = test::SharedData("fixtures/prometheus/rules");
  if (!folder) return;
  std::size_t expressions = 0;
  for (const auto& file : FilesIn(*folder, ".yaml")) {
    if (file.filename().string().find(".bad.") != std::string::npos) continue;
    const auto document = LoadYamlFile(file.string());
    if (!document || !document->root.Has("groups")) continue;
    for (const YamlNode& group : MustHave(MustHave(document->root.Need("groups")).Sequence())) {
      for (const YamlNode& rule : MustHave(MustHave(group.Need("rules")).Sequence())) {
        const auto expr = rule.Get("expr");
        if (!expr) continue;
        CheckFixedPoint(expr->text());
        ++expressions;
      }
    }
  }
  CHECK(expressions > 10);
}
