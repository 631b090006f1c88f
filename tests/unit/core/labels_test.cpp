#include "core/labels.h"

#include "core/sampling_hash.h"
#include "tests/support/catch.h"

using namespace vedette;

TEST_CASE("a label set is sorted, without empty values, and knows its hash", "[core][labels]") {
  const Labels a{{"b", "2"}, {"__name__", "up"}, {"a", "1"}, {"gone", ""}};
  const Labels b{{"a", "1"}, {"b", "2"}, {"__name__", "up"}};
  CHECK(a == b);
  CHECK(a.Hash() == b.Hash());
  CHECK(a.size() == 3);
  CHECK(a.Get("b") == "2");
  CHECK(a.Get("gone").empty());
  CHECK(a.ToString() == R"(up{a="1", b="2"})");
}

TEST_CASE("moving a character between name and value makes another set", "[core][labels]") {
  const Labels a{{"ab", "c"}};
  const Labels b{{"a", "bc"}};
  CHECK(a != b);
  CHECK(a.Hash() != b.Hash());
}

TEST_CASE("label sets are ordered label by label, the shorter first", "[core][labels]") {
  CHECK(Labels{} < Labels{{"a", "1"}});
  CHECK(Labels{{"a", "1"}} < Labels{{"a", "2"}});
  CHECK(Labels{{"a", "1"}} < Labels{{"a", "1"}, {"b", "1"}});
  CHECK(Labels{{"a", "2"}} < Labels{{"b", "1"}});
}

TEST_CASE("a builder sets, replaces, deletes and keeps", "[core][labels]") {
  LabelsBuilder builder(Labels{{"a", "1"}, {"b", "2"}, {"c", "3"}});
  builder.Set("b", "x").Delete("c").Set("d", "4").Set("a", "");
  CHECK(builder.Build() == Labels{{"b", "x"}, {"d", "4"}});
  builder.Keep(std::vector<std::string>{"d"});
  CHECK(builder.Build() == Labels{{"d", "4"}});
}

TEST_CASE("names outside the old alphabet are quoted", "[core][labels]") {
  CHECK(Labels{{"__name__", "http.requests"}, {"service.name", "x\n\"y\""}}.ToString() ==
        R"({"http.requests", "service.name"="x\n\"y\""})");
  CHECK(Labels{}.ToString() == "{}");
  CHECK(Labels{{"__name__", "up"}}.ToString() == "up");
}

TEST_CASE("UTF-8 is checked to the letter", "[core][labels]") {
  CHECK(IsValidUtf8("grün €𝄞"));
  CHECK(!IsValidUtf8("\xff"));
  CHECK(!IsValidUtf8("\xc0\x80"));          // overlong
  CHECK(!IsValidUtf8("\xed\xa0\x80"));      // surrogate
  CHECK(!IsValidUtf8("\xf4\x90\x80\x80"));  // above U+10FFFF
  CHECK(!IsValidUtf8("a\xe2\x82"));         // cut
}

TEST_CASE("series are sampled by the hash that Prometheus samples them by", "[core][labels]") {
  const auto place = [](std::string_view n) {  // in [0, 1], as limit_ratio of Prometheus 3.14 shows it
    return static_cast<double>(SamplingHash({{"__name__", "tie"}, {"n", n}})) / 18446744073709551615.0;
  };
  CHECK((place("2") > 0.5 && place("2") < 0.55));
  CHECK((place("1") > 0.75 && place("1") < 0.8));
  const std::string longer_than_a_byte(300, 'x');
  CHECK((place(longer_than_a_byte) > 0.15 && place(longer_than_a_byte) < 0.2));
}
