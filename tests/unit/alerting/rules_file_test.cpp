#include "alerting/rules/rule_file.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

using namespace vedette;
using namespace vedette::alerting;

namespace {

std::vector<std::string> Problems(std::string_view text, const RuleFileOptions& options = {}) {
  std::vector<std::string> messages;
  for (const Error& error : CheckRuleText(text, "r.yml", options).errors) messages.push_back(error.message);
  return messages;
}

std::string OnlyProblem(std::string_view text) {
  const auto problems = Problems(text);
  return problems.size() == 1 ? problems.front() : fmt::format("{} problems", problems.size());
}

/// A group with one rule of these lines.
std::string WithRule(std::string_view lines) {
  std::string text = "groups:\n  - name: g\n    rules:\n";
  std::istringstream in{std::string(lines)};
  std::string indent = "      - ";
  for (std::string line; std::getline(in, line); indent = "        ") text += indent + line + "\n";
  return text;
}

}  // namespace

TEST_CASE("a rule file is read with everything it says", "[alerting][rules]") {
  const RuleFileCheck check = CheckRuleText(R"(
groups:
  - name: g
    interval: 30s
    query_offset: 1m
    limit: 7
    labels: {team: infra, severity: low}
    rules:
      - record: job:up:sum
        expr: sum by(job) (up)
      - alert: Down
        expr: up == 0
        for: 5m
        keep_firing_for: 1h
        labels: {severity: page, where: "{{ $labels.instance }}"}
        annotations: {summary: "{{ $value }} down", plain: text}
)",
                                            "r.yml");
  REQUIRE(check.errors.empty());
  CHECK(check.rules == 2);
  const RuleGroupSpec& group = check.file.groups.at(0);
  CHECK(group.interval == Millis(30'000));
  CHECK(group.query_offset == Millis(60'000));
  CHECK(group.limit == 7);
  CHECK(!group.rules[0].alerting);
  CHECK(group.rules[0].query == "sum by (job) (up)");
  CHECK(group.rules[0].labels.size() == 2);
  const Rule& down = group.rules[1];
  CHECK(down.alerting);
  CHECK(down.hold == std::chrono::minutes(5));
  CHECK(down.keep_firing == std::chrono::hours(1));
  REQUIRE(down.labels.size() == 3);
  CHECK(down.labels[0].name == "severity");
  CHECK(down.labels[0].text == "page");  // the rule's wins over the group's
  CHECK(down.labels[0].rendered == nullptr);
  CHECK(down.labels[2].rendered != nullptr);
  CHECK(down.line == 11);
}

TEST_CASE("mistakes in rule files are named with their place", "[alerting][rules]") {
  CHECK(OnlyProblem("group: []\n") == "r.yml:1:1: unknown key 'group'");
  CHECK(OnlyProblem("groups:\n  - name: ''\n") == "r.yml:2:5: groups[0]: the name of a group must not be empty");
  CHECK(OnlyProblem("groups:\n  - name: a\n  - name: a\n") ==
        "r.yml:3:5: groups[1]: groupname: \"a\" is repeated in the same file");
  CHECK(OnlyProblem(WithRule("expr: 1")) == "r.yml:4:9: groups[0].rules[0]: one of 'record' or 'alert' must be set");
  CHECK(OnlyProblem(WithRule("record: a\nalert: b\nexpr: 1")) ==
        "r.yml:4:9: groups[0].rules[0]: only one of 'record' and 'alert' must be set");
  CHECK(OnlyProblem(WithRule("alert: a")) == "r.yml:4:9: groups[0].rules[0]: field 'expr' must be set in rule");
  CHECK(OnlyProblem(WithRule("alert: a\nexpr: rate(x)")).substr(0, 71) ==
        "r.yml:5:15: groups[0].rules[0].expr: could not parse expression: 1:6: p");
  CHECK(OnlyProblem(WithRule("record: a\nexpr: 1\nfor: 1m")).find("invalid field 'for'") != std::string::npos);
  CHECK(OnlyProblem(WithRule("record: a\nexpr: 1\nkeep_firing_for: 1m")).find("keep_firing_for") != std::string::npos);
  CHECK(OnlyProblem(WithRule("record: a\nexpr: 1\nannotations: {a: b}")).find("annotations") != std::string::npos);
  CHECK(OnlyProblem(WithRule("record: 'a{b=\"c\"}'\nexpr: 1")).find("braces") != std::string::npos);
  CHECK(OnlyProblem(WithRule("alert: a\nexpr: 1\nlabels: {__name__: x}")) ==
        "r.yml:6:28: groups[0].rules[0].labels.__name__: invalid label name: __name__");
  CHECK(OnlyProblem(WithRule("alert: a\nexpr: 1\nannotations: {s: '{{ $label.x }}'}")) ==
        "r.yml:6:26: groups[0].rules[0].annotations.s: annotation \"s\": template: __alert_a:1: undefined variable "
        "\"$label\"");
  CHECK(OnlyProblem(WithRule("alert: a\nexpr: 1\nfor: soon")).find("r.yml:6:14: groups[0].rules[0].for: ") == 0);
  CHECK(OnlyProblem(WithRule("alert: a\nexpr: [1]")).find("expected text, found a list") != std::string::npos);
  CHECK(OnlyProblem("groups: {a: b}\n").find("expected a list") != std::string::npos);
}

TEST_CASE("all mistakes of a file are listed at once", "[alerting][rules]") {
  CHECK(Problems(WithRule("alert: a\nexpr: sum(\nfro: 5m\nlabels: {__name__: x}\nannotations: {s: '{{ end }}'}"))
            .size() == 4);
}

TEST_CASE("unknown fields may be ignored on request", "[alerting][rules]") {
  RuleFileOptions options;
  options.ignore_unknown_fields = true;
  CHECK(Problems(WithRule("alert: a\nexpr: 1\nowner: me"), options).empty());
  CHECK(Problems(WithRule("alert: a\nexpr: 1\nowner: me")).size() == 1);
}

TEST_CASE("an empty file is fine and a second document gives a warning", "[alerting][rules]") {
  CHECK(Problems("").empty());
  CHECK(Problems("groups:\n").empty());
  const RuleFileCheck two = CheckRuleText(WithRule("alert: a\nexpr: 1") + "---\nnonsense: true\n", "r.yml");
  CHECK(two.errors.empty());
  CHECK(two.warnings.size() == 1);
}

TEST_CASE("patterns name files, each loaded once, and every mistake is in the error", "[alerting][rules]") {
  const test::TempDir dir;
  const std::string a = dir.Write("a.yml", WithRule("alert: a\nexpr: 1"));
  dir.Write("b.yml", WithRule("alert: b\nexpr: 2"));
  const std::vector<std::string> good = {dir.Sub("*.yml"), a, dir.Sub("none*.yml")};
  CHECK(MustHave(LoadRuleFiles(good)).files.size() == 2);
  dir.Write("c.yml", "grops:\n");
  dir.Write("d.yml", WithRule("alert: b\nexpr: ("));
  const auto bad = LoadRuleFiles(good);
  REQUIRE(!bad);
  CHECK(bad.error().message.find("c.yml:1:1: unknown key 'grops'") != std::string::npos);
  CHECK(bad.error().message.find("d.yml:5:15: ") != std::string::npos);
  const std::vector<std::string> missing = {dir.Sub("missing.yml")};
  CHECK(LoadRuleFiles(missing).error().message.find("missing.yml: No such file") != std::string::npos);
}

TEST_CASE("the rule files of real users get the documented verdict", "[alerting][rules]") {
  const char* shared = std::getenv("VEDETTE_SHARED");
  const std::filesystem::path folder = std::filesystem::path(shared ? shared : "../shared") / "fixtures" / "prometheus";
  std::ifstream table(folder / "README.md");
  if (!table) {
    WARN("no fixtures at " << folder.string() << ": set VEDETTE_SHARED");
    return;
  }
  int checked = 0;
  for (std::string line; std::getline(table, line);) {
    // | rules/bad_expr.bad.yaml | invalid | parse error | ...
    const std::size_t end = line.find(" | ");
    if (line.substr(0, 2) != "| " || end == std::string::npos) continue;
    const std::string name = line.substr(2, end - 2);
    const std::string verdict = line.substr(end + 3, line.find(" | ", end + 3) - end - 3);
    const bool rules = name.substr(0, 6) == "rules/" || verdict == "valid rules" || verdict == "invalid rules";
    if (!rules) continue;
    INFO(name);
    const RuleFileCheck check = CheckRuleFile((folder / name).string());
    const std::string reason = check.errors.empty() ? "accepted" : check.errors.front().message;
    INFO(reason);
    CHECK(check.errors.empty() == (verdict.substr(0, 5) == "valid"));
    ++checked;
  }
  CHECK(checked >= 25);
}

TEST_CASE("the built-in rules are fine and say what to do", "[alerting][rules]") {
  const RuleFileCheck check = CheckRuleFile("config/defaults/host_rules.yml");
  for (const Error& error : check.errors) CHECK(error.message == "");
  REQUIRE(check.errors.empty());
  CHECK(check.rules > 20);
  for (const RuleGroupSpec& group : check.file.groups) {
    for (const Rule& rule : group.rules) {
      if (!rule.alerting) continue;
      INFO(rule.name);
      const auto has = [](const std::vector<TemplatedLabel>& labels, std::string_view name) {
        return std::any_of(labels.begin(), labels.end(), [&](const TemplatedLabel& l) { return l.name == name; });
      };
      CHECK(has(rule.labels, "severity"));
      CHECK(has(rule.annotations, "summary"));
      CHECK(has(rule.annotations, "description"));
    }
  }
}
