#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "core/matcher.h"

#include "tests/support/catch.h"

using namespace vedette;

TEST_CASE("regular expressions are anchored and the dot matches line breaks", "[core][matcher]") {
  struct Case {
    std::string pattern, text;
    bool want;
  };
  const auto c = GENERATE(values<Case>({{"foo", "foo", true},    {"foo", "foobar", false}, {"foo.*", "foobar", true},
                                        {"foo.*", "fo", false},  {"a|b|c", "b", true},     {"a|b|c", "ab", false},
                                        {"(a|b)", "a", true},    {"(?:a|b)", "b", true},   {"a\\.b", "a.b", true},
                                        {"a\\.b", "axb", false}, {".*", "", true},         {".+", "", false},
                                        {"a.b", "a\nb", true},   {"ab?", "a", true},       {"ab*c", "ac", true},
                                        {"x{2}", "xx", true},    {"(?i)abc", "ABC", true}, {"", "", true},
                                        {"", "a", false},        {"a|", "", true},         {"a\\|b", "a|b", true}}));
  INFO(c.pattern << " against " << c.text);
  CHECK(MustHave(Regex::Compile(c.pattern)).Matches(c.text) == c.want);
}

TEST_CASE("a broken expression is refused with its text", "[core][matcher]") {
  const auto result = Matcher::Create(MatchOp::kRegex, "job", "a(");
  REQUIRE(!result);
  CHECK(result.error().code == Code::kBadData);
  CHECK(result.error().message.find("a(") != std::string::npos);
}

/// What the automaton says, without what was read from the expression's shape.
bool AutomatonMatches(const Regex& regex, std::string_view text) {
  std::string ignored;
  return regex.Expand(text, "", ignored);
}

TEST_CASE("what is read from an expression agrees with the automaton", "[core][matcher]") {
  const std::vector<std::string> atoms = {"a",    "b",     "ab",    ".",          ".*",   ".+", "[ab]",
                                          "[^a]", "\\.",   "(a|b)", "(?:ab|b.*)", "(a|)", "a?", "b*",
                                          "a+",   "(ab)+", "x{2}",  "\\d",        "1",    "ü",  "(a.*)?"};
  const std::vector<std::string> texts = {"",   "a",  "b",   "ab", "ba",   "aab", "abb", "abab", ".",    "a.b", "1",
                                          "a1", "xx", "axx", "\n", "a\nb", "ü",   "aü",  "AB",   "bbbb", "aa",  "b.a"};
  std::mt19937 random(3);
  for (int round = 0; round < 4000; ++round) {
    std::string pattern = random() % 8 == 0 ? "(?i)" : random() % 8 == 0 ? "^" : "";
    for (unsigned n = random() % 5; n > 0; --n) {
      pattern += atoms[random() % atoms.size()];
      if (random() % 5 == 0) pattern += "|";
    }
    if (random() % 8 == 0) pattern += "$";
    const auto regex = Regex::Compile(pattern);
    if (!regex) continue;
    for (const std::string& text : texts) {
      INFO(pattern << " against " << text);
      CHECK(regex->Matches(text) == AutomatonMatches(*regex, text));
      if (!regex->literals().empty())
        CHECK(std::ranges::binary_search(regex->literals(), text) == regex->Matches(text));
      if (regex->Matches(text)) CHECK(text.starts_with(regex->prefix()));
    }
  }
}

TEST_CASE("an index can look up what an expression lists", "[core][matcher]") {
  const auto literals = [](const char* pattern) {
    const Regex regex = MustHave(Regex::Compile(pattern));
    return std::vector<std::string>(regex.literals().begin(), regex.literals().end());
  };
  using List = std::vector<std::string>;
  CHECK(literals("^(web|db)-[12]$") == List{"db-1", "db-2", "web-1", "web-2"});
  CHECK(literals("a|b(c|d)?") == List{"a", "b", "bc", "bd"});
  CHECK(literals("a\\.b") == List{"a.b"});
  CHECK(literals("(?i)a").empty());
  CHECK(literals("a.*").empty());
  CHECK(MustHave(Regex::Compile("web-[0-9]{1,2}:9100")).prefix() == "web-");
  CHECK(MustHave(Regex::Compile("(web-1|web-2).*")).prefix() == "web-");
  CHECK(MustHave(Regex::Compile("(?i)K")).Matches("\xE2\x84\xAA"));  // the Kelvin sign
}

TEST_CASE("replacement templates follow Go", "[core][matcher]") {
  const Regex regex = MustHave(Regex::Compile("(?P<host>[^:]+):(\\d+)"));
  std::string out;
  REQUIRE(regex.Expand("web:80", "$1-${2}-$host-${host}x-$$-$9-$", out));
  CHECK(out == "web-80-web-webx-$--$");
  CHECK(!regex.Expand("web", "$1", out));
  REQUIRE(regex.Expand("web:80", "$1x", out));
  CHECK(out.empty());  // $1x is a group named "1x", as in Go
}

TEST_CASE("all matches are replaced, empty ones once", "[core][matcher]") {
  CHECK(MustHave(ReplaceAllMatches("a(.)", "abac", "<$1>")) == "<b><c>");
  CHECK(MustHave(ReplaceAllMatches("x*", "abc", "-")) == "-a-b-c-");
  CHECK(MustHave(ReplaceAllMatches("x*", "axb", "-")) == "-a-b-");
  CHECK(!ReplaceAllMatches("(", "a", "b"));
}

TEST_CASE("an absent label is the empty value", "[core][matcher]") {
  const Labels up{{"__name__", "up"}, {"job", "node"}};
  const std::vector<Matcher> yes = {Matcher::Equal("job", "node"), Matcher::Equal("gone", "")};
  const std::vector<Matcher> no = {MustHave(Matcher::Create(MatchOp::kNotEqual, "job", "node"))};
  CHECK(MatchesAll(yes, up));
  CHECK(!MatchesAll(no, up));
  CHECK(Matcher::Equal("job", "a\"b").ToString() == R"(job="a\"b")");
}
