// Scans against their obvious versions, at every length around the blocks that they are made of.
#include "analytics/promql/column_scan.h"

#include <random>
#include <vector>

#include "analytics/promql/eval_value.h"
#include "core/numbers.h"
#include "tests/support/catch.h"

namespace vedette::promql {

namespace {

std::vector<double> Rising(std::size_t size) {
  std::vector<double> values;
  for (std::size_t i = 0; i < size; ++i) values.push_back(static_cast<double>(i));
  return values;
}

}  // namespace

TEST_CASE("a staleness marker is found wherever it is, and no other NaN", "[promql][scan]") {
  for (std::size_t size = 0; size < 140; ++size) {
    std::vector<double> values = Rising(size);
    REQUIRE_FALSE(AnyAbsent(values));
    for (std::size_t at = 0; at < size; ++at) {
      values[at] = NormalNan();
      REQUIRE_FALSE(AnyAbsent(values));
      values[at] = StaleNan();
      REQUIRE(AnyAbsent(values));
      values[at] = 0;
    }
  }
}

TEST_CASE("falls are those of neighbours", "[promql][scan]") {
  std::mt19937 random(7);
  std::uniform_int_distribution<int> dice(0, 99);
  for (std::size_t size = 0; size < 300; ++size) {
    std::vector<double> values = Rising(size);
    for (double& value : values) {
      if (dice(random) < 3) value = NormalNan();
      if (dice(random) < 3) value = 0;
    }
    std::vector<std::size_t> expected, found;
    for (std::size_t i = 1; i < size; ++i) {
      if (values[i] < values[i - 1]) expected.push_back(i);
    }
    FindFalls(values, found);
    REQUIRE(found == expected);
  }
}

}  // namespace vedette::promql
