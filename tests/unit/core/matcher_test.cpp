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
