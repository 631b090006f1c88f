// The parsers against what a real Prometheus accepted and counted (data that lives outside this repository).
#include <fstream>

#include <nlohmann/json.hpp>

#include "collector/exposition/parser.h"
#include "collector/exposition/series_labels.h"
#include "collector/exposition/strict.h"
#include "tests/support/catch.h"
#include "tests/support/shared_data.h"
#include "tests/support/temp_dir.h"

namespace vedette::collector {
namespace {

/// What the scraper makes of a body: syntax and, as the store would see them, the labels.
Result<std::size_t> Scrape(std::string_view body, ExpositionFormat format) {
  ExpositionParser parser(body, format);
  for (std::size_t samples = 0;;) {
    switch (parser.Next()) {
      case ExpositionParser::Event::kEnd:
        return samples;
      case ExpositionParser::Event::kError:
        return parser.error();
      case ExpositionParser::Event::kSeries: {
        VEDETTE_TRY(const RawLabels labels, ParseSeriesLabels(parser.series(), parser.type()));
        ++samples;
        break;
      }
      default:
        break;
    }
  }
}

void CheckCases(const std::string& folder) {
  const auto path = test::SharedData("data/" + folder);
  if (!path) return;
  std::ifstream lines(*path / "cases.jsonl");
  std::size_t cases = 0;
  for (std::string line; std::getline(lines, line); ++cases) {
    const auto want = nlohmann::json::parse(line);
    const bool open_metrics = want.value("format", "openmetrics/1.0") == "openmetrics/1.0";
    const std::string body = test::ReadFile(*path / want["file"].get<std::string>());
    const auto got = Scrape(body, open_metrics ? ExpositionFormat::kOpenMetrics : ExpositionFormat::kText);
    INFO(want["name"] << ": " << (got ? "accepted" : got.error().message));
    CHECK(got.has_value() == want["reference_server_scrape_ok"].get<bool>());
    if (got && want["reference_server_scrape_ok"].get<bool>()) {
      CHECK(*got == want["reference_server_samples"].get<std::size_t>());
    }
  }
  CHECK(cases > 0);
}

/// The verdict of a validator: `key` names it in the corpus.
void CheckStrict(const std::string& folder, const std::string& key) {
  const auto path = test::SharedData("data/" + folder);
  if (!path) return;
  std::ifstream lines(*path / "cases.jsonl");
  for (std::string line; std::getline(lines, line);) {
    const auto want = nlohmann::json::parse(line);
    const bool open_metrics = want.value("format", "openmetrics/1.0") == "openmetrics/1.0";
    const std::string body = test::ReadFile(*path / want["file"].get<std::string>());
    const auto got = open_metrics ? ReadStrictOpenMetrics(body) : ReadStrictText(body);
    INFO(want["name"] << ": " << (got ? "accepted" : got.error().message));
    CHECK(got.has_value() == want[key].get<bool>());
  }
}

}  // namespace

TEST_CASE("strict readers give each public case its verdict", "[exposition][strict]") {
  CheckStrict("openmetrics", "should_parse");
  CheckStrict("promtext", "strict_should_parse");
}

TEST_CASE("the text parser accepts and counts what Prometheus does", "[exposition]") { CheckCases("promtext"); }

TEST_CASE("the OpenMetrics parser accepts and counts what Prometheus does", "[exposition]") {
  CheckCases("openmetrics");
}

}  // namespace vedette::collector
