#include "core/yaml.h"

#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

using namespace vedette;

namespace {

YamlNode Parse(std::string_view text) { return MustHave(ParseYaml(text, "f.yml")).root; }

std::string Problem(std::string_view text, const YamlLimits& limits = {}) {
  const auto result = ParseYaml(text, "f.yml", limits);
  return result ? "none" : result.error().message;
}

template <class T>
std::string Problem(const Result<T>& result) {
  return result ? "none" : result.error().message;
}

}  // namespace

TEST_CASE("values take the type of the field that reads them", "[core][yaml]") {
  const YamlNode root =
      Parse("{n: 5, h: 0x1f, big: 1_000, f: 1.5, e: 1e3, inf: -.inf, yes: on, text: 5m, q: '5', nothing: }");
  CHECK(MustHave(root.Need("n")->As<int>()) == 5);
  CHECK(MustHave(root.Need("n")->As<std::string>()) == "5");
  CHECK(MustHave(root.Need("h")->As<std::int64_t>()) == 31);
  CHECK(MustHave(root.Need("big")->As<std::size_t>()) == 1000);
  CHECK(MustHave(root.Need("f")->As<double>()) == 1.5);
  CHECK(MustHave(root.Need("n")->As<double>()) == 5);
  CHECK(MustHave(root.Need("e")->As<double>()) == 1000);
  CHECK(MustHave(root.Need("inf")->As<double>()) < -1e300);
  CHECK(MustHave(root.Need("yes")->As<bool>()));
  CHECK(MustHave(root.Need("text")->As<Millis>()) == std::chrono::minutes(5));
  CHECK(MustHave(root.Need("nothing")->As<std::string>()).empty());
  CHECK(Problem(root.Need("q")->As<int>()) == "f.yml:1:79: q: expected a whole number, found '5'");
  CHECK(!root.Need("f")->As<int>());
  CHECK(!root.Need("h")->As<bool>());
  CHECK(!root.Need("text")->As<double>());
  CHECK(!root.As<std::string>());

  int left_alone = 7;
  MustSucceed(root.Read("nothing", left_alone));
  MustSucceed(root.Read("absent", left_alone));
  CHECK(left_alone == 7);
  CHECK(!root.Read("text", left_alone));
}

TEST_CASE("whole numbers are refused outside the range of the field", "[core][yaml]") {
  const YamlNode root = Parse("[-1, 2147483648, 18446744073709551615, 18446744073709551616, -9223372036854775807]");
  const auto items = MustHave(root.Sequence());
  CHECK(!items[0].As<std::size_t>());
  CHECK(!items[1].As<int>());
  CHECK(MustHave(items[2].As<std::uint64_t>()) == 18446744073709551615u);
  CHECK(!items[3].As<std::uint64_t>());
  CHECK(MustHave(items[4].As<std::int64_t>()) == -9223372036854775807);
}

TEST_CASE("errors name file, line, column and path", "[core][yaml]") {
  const YamlNode root = Parse("groups:\n  - name: a\n    rules:\n      - expr: [x]\n        fro: 5m\n");
  const YamlNode rule = MustHave(MustHave(MustHave(root.Need("groups")).Sequence())[0].Need("rules")->Sequence())[0];
  CHECK(rule.Path() == "groups[0].rules[0]");
  CHECK(Problem(rule.Need("expr")->As<std::string>()) ==
        "f.yml:4:15: groups[0].rules[0].expr: expected text, found a list");
  CHECK(rule.ExpectKeys({"expr", "for"}).error().message == "f.yml:5:9: groups[0].rules[0]: unknown key 'fro'");
  CHECK(Problem(root.Need("global")) == "f.yml:1:1: the key 'global' is missing");
  CHECK(Problem(Parse("[1]").Map()) == "f.yml:1:1: expected a map, found a list");
}

TEST_CASE("what cannot be a configuration is refused with its place", "[core][yaml]") {
  CHECK(Problem("a: 1\nb: 2\na: 3\n") == "f.yml:3:1: the key 'a' is given twice");
  CHECK(Problem("[a]: 1\n").find("a key must be text") != std::string::npos);
  CHECK(Problem("a: [1, 2\n").substr(0, 7) == "f.yml:2");
  CHECK(Problem("a: \"\xff\"\n") == "f.yml: not valid UTF-8");
  CHECK(Problem(std::string_view("a: 1\nb: \0", 9)) == "f.yml:2: a zero byte");
  CHECK(Problem("a: &x [*x]\n").find("inside the value") != std::string::npos);
  CHECK(Problem("a: *nowhere\n").substr(0, 6) == "f.yml:");
  CHECK(Problem("a: {<<: 5}\n").find("merged") != std::string::npos);
}

TEST_CASE("size, nesting and the expansion of aliases are bounded", "[core][yaml]") {
  YamlLimits limits;
  limits.max_bytes = 100'000;
  limits.max_depth = 20;
  limits.max_nodes = 10'000;
  CHECK(Problem(std::string(100'001, ' '), limits).find("the limit is 100000") != std::string::npos);
  CHECK(Problem(std::string(21, '[') + std::string(21, ']'), limits).find("nested deeper than 20") !=
        std::string::npos);
  CHECK(Problem(std::string(90'000, '['), limits) != "none");
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 30; ++i) {
    std::string repeated = fmt::format("*a{}", i - 1);
    for (int k = 0; k < 9; ++k) repeated += fmt::format(", *a{}", i - 1);
    bomb += fmt::format("a{}: &a{} [{}]\n", i, i, repeated);
  }
  CHECK(Problem(bomb, limits).find("aliases included") != std::string::npos);
}

TEST_CASE("aliases and merge keys are resolved, own keys win", "[core][yaml]") {
  const YamlNode root = Parse("base: &b {x: 1, y: 2}\nother: &o {y: 5, z: 6}\nuse: {<<: [*b, *o], x: 3}\nsame: *b\n");
  const YamlNode use = *root.Get("use");
  CHECK(MustHave(use.Need("x")->As<int>()) == 3);
  CHECK(MustHave(use.Need("y")->As<int>()) == 2);
  CHECK(MustHave(use.Need("z")->As<int>()) == 6);
  CHECK(MustHave(root.Need("same")->Need("y")->As<int>()) == 2);
}

TEST_CASE("only the first document is read, and the caller learns of others", "[core][yaml]") {
  CHECK(!MustHave(ParseYaml("a: 1\n", "f")).more_documents);
  CHECK(!MustHave(ParseYaml("---\na: 1\n...\n", "f")).more_documents);
  const YamlDocument two = MustHave(ParseYaml("a: 1\n---\nb: [\n", "f"));
  CHECK(two.more_documents);
  CHECK(two.root.Has("a"));
  CHECK(!two.root.Has("b"));
  CHECK(MustHave(ParseYaml("", "f")).root.IsNull());
  CHECK(MustHave(ParseYaml("# nothing\n", "f")).root.IsNull());
}

TEST_CASE("files that are missing or folders are errors", "[core][yaml]") {
  const test::TempDir dir;
  CHECK(LoadYamlFile(dir.Sub("none.yml")).error().code == Code::kNotFound);
  CHECK(!LoadYamlFile(dir.path().string()));
  CHECK(MustHave(LoadYamlFile(dir.Write("a.yml", "k: v\n"))).root.Has("k"));
}
