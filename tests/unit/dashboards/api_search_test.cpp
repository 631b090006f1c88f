#include <string>

#include "dashboards/api/search_score.h"
#include "tests/unit/dashboards/api_fixture.h"

using namespace vedette;
using namespace vedette::dashboards;
using Catch::Matchers::WithinAbs;

TEST_CASE("names are scored by the runs of what was typed", "[api][search]") {
  CHECK(SubsequenceScore(U"", U"abc") == 1);
  CHECK(SubsequenceScore(U"abc", U"abc") == 1);
  CHECK(SubsequenceScore(U"abc", U"acb") == 0);
  CHECK(SubsequenceScore(U"abcd", U"abc") == 0);
  // Runs of 1 and 2, a gap of 1 of 5, one character behind: (1 - 0.2 + 4 - 0.1) / 9.
  CHECK_THAT(SubsequenceScore(U"abc", U"axbcx"), WithinAbs(4.7 / 9, 1e-12));
  // The later place is the better one: (9 - 4 / 7.0) / 9.
  CHECK_THAT(SubsequenceScore(U"abc", U"a__xabc"), WithinAbs((9 - 4 / 7.0) / 9, 1e-12));
  CHECK_THAT(JaroWinklerScore(U"MARTHA", U"MARHTA"), WithinAbs(0.961111, 1e-6));
  CHECK_THAT(JaroWinklerScore(U"DIXON", U"DICKSONX"), WithinAbs(0.813333, 1e-6));
  CHECK(JaroWinklerScore(U"abc", U"xyz") == 0);
  CHECK(JaroWinklerScore(U"", U"xyz") == 0);
}

TEST_CASE("what a search term accepts", "[api][search]") {
  const auto score = [](std::string_view term, std::string_view name, FuzzyMatch match, double threshold,
                        bool case_sensitive = true) {
    return SearchTerm(term, match, threshold, case_sensitive).Score(name).value_or(-1);
  };
  CHECK(score("", "x", FuzzyMatch::kSubsequence, 1) == 1);
  CHECK(score("ab", "abc", FuzzyMatch::kSubsequence, 1) == 1);
  CHECK(score("AB", "abc", FuzzyMatch::kSubsequence, 0) == -1);
  CHECK(score("AB", "abc", FuzzyMatch::kSubsequence, 0, false) == 1);
  CHECK(score("ac", "abc", FuzzyMatch::kSubsequence, 0) > 0);
  CHECK(score("ac", "abc", FuzzyMatch::kSubsequence, 0.9) == -1);
  CHECK(score("bc", "abc", FuzzyMatch::kJaroWinkler, 0) == 0.9);
  CHECK(score("acb", "abcd", FuzzyMatch::kJaroWinkler, 0) == -1);
  CHECK(score("abdc", "abcd", FuzzyMatch::kJaroWinkler, 0.8) > 0.8);
  CHECK(score("ö", "xö", FuzzyMatch::kSubsequence, 0) > 0);
  // Not valid UTF-8, and long: it ends.
  CHECK(score("a\xff", std::string(5000, 'a') + "\xff", FuzzyMatch::kSubsequence, 0) == -1);
}

TEST_CASE_METHOD(ApiFixture, "the search endpoints are off until somebody wants them", "[api][search]") {
  CHECK(Get("search/metric_names") == Bad("search API disabled", 500, "unavailable"));
  context.options.search = true;
  Store({{"__name__", "b"}}, {1});
  Store({{"__name__", "a"}}, {1});
  CHECK(Get("search/metric_names") == R"({"results":[{"name":"a"},{"name":"b"}]})"
                                      "\n"
                                      R"({"status":"success","has_more":false})"
                                      "\n");
  CHECK(Get("search/metric_names", {{"limit", "1"}, {"search[]", "b"}, {"search[]", "a"}}) ==
        R"({"results":[{"name":"a"}]})"
        "\n"
        R"({"status":"success","has_more":true})"
        "\n");
  CHECK(Get("search/label_names", {{"search[]", "zz"}}).starts_with(R"({"results":[]})"));
  CHECK(Get("search/metric_names", {{"limit", "0"}}) == Bad(R"(invalid limit \"0\": must be a positive integer)"));
  CHECK(Get("search/metric_names", {{"sort_dir", "asc"}}) == Bad("sort_dir is only valid when sort_by is set"));
}
