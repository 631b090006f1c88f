#include "app/command_line.h"

#include "app/features.h"
#include "tests/support/catch.h"

using namespace vedette;
using namespace vedette::app;

TEST_CASE("serve takes Prometheus' flags and their old names", "[app]") {
  const Command command = ParseCommandLine(
      {"serve", "--config.file=a.yml", "--storage.tsdb.path=d", "--web.listen-address=127.0.0.1:1",
       "--storage.retention.time=100y", "--enable-feature=promql-experimental-functions,promql-delayed-name-removal",
       "--web.enable-remote-write-receiver", "--web.enable-admin-api", "--log.level=debug", "--log.format=json"});
  REQUIRE(std::holds_alternative<ServeCommand>(command));
  const auto& serve = std::get<ServeCommand>(command);
  CHECK(serve.config_file == "a.yml");
  CHECK(serve.storage_path == "d");
  CHECK(serve.listen_address == "127.0.0.1:1");
  CHECK(serve.retention == Millis(100LL * 365 * 24 * 3600 * 1000));
  CHECK(serve.remote_write_receiver);
  CHECK(serve.admin_api);
  CHECK(serve.log.level == LogLevel::kDebug);
  promql::EngineOptions engine;
  collector::GlobalScrapeOptions scrape;
  CHECK(MustHave(EnableFeatures(serve.features, {engine, scrape})).empty());
  CHECK(engine.parser.experimental_functions);
  CHECK(engine.delayed_name_removal);
}

TEST_CASE("no arguments mean serve on the built-in default", "[app]") {
  const Command command = ParseCommandLine({});
  REQUIRE(std::holds_alternative<ServeCommand>(command));
  CHECK(std::get<ServeCommand>(command).config_file.empty());
  CHECK(std::get<ServeCommand>(command).listen_address == "127.0.0.1:9090");
}

TEST_CASE("a wrong command line is exit code 2 and names the offender", "[app]") {
  struct Case {
    std::vector<std::string> args;
    std::string mentions;
  };
  const auto c = GENERATE(values<Case>({{{"serve", "--nonsense=1"}, "nonsense"},
                                        {{"serve", "--storage.retention.time=soon"}, "soon"},
                                        {{"serve", "--log.level=loud"}, "loud"},
                                        {{"frobnicate"}, "frobnicate"},
                                        {{"check"}, "subcommand"},
                                        {{"query"}, "EXPR"}}));
  const Command command = ParseCommandLine(c.args);
  REQUIRE(std::holds_alternative<PrintCommand>(command));
  CHECK(std::get<PrintCommand>(command).exit_code == 2);
  CHECK(std::get<PrintCommand>(command).text.find(c.mentions) != std::string::npos);
}

TEST_CASE("help and version are exit code 0", "[app]") {
  for (const char* flag : {"--help", "--version"}) {
    const Command command = ParseCommandLine({flag});
    REQUIRE(std::holds_alternative<PrintCommand>(command));
    CHECK(std::get<PrintCommand>(command).exit_code == 0);
  }
  const Command help = ParseCommandLine({"serve", "--help"});
  CHECK(std::get<PrintCommand>(help).text.find("--web.listen-address") != std::string::npos);
}

TEST_CASE("an unknown feature is refused, a known one without effect is reported", "[app]") {
  promql::EngineOptions engine;
  collector::GlobalScrapeOptions scrape;
  CHECK(!EnableFeatures(std::vector<std::string>{"promql-time-travel"}, {engine, scrape}));
  CHECK(MustHave(EnableFeatures(std::vector<std::string>{"exemplar-storage"}, {engine, scrape})).size() == 1);
}

TEST_CASE("features of scraping are defaults of the configuration", "[app]") {
  promql::EngineOptions engine;
  collector::GlobalScrapeOptions scrape;
  CHECK(MustHave(EnableFeatures(std::vector<std::string>{"native-histograms"}, {engine, scrape})).empty());
  CHECK(scrape.scrape_native_histograms);
  CHECK(scrape.scrape_protocols.empty());
  CHECK(MustHave(EnableFeatures(std::vector<std::string>{"extra-scrape-metrics"}, {engine, scrape})).empty());
  CHECK(scrape.extra_scrape_metrics);
  CHECK(MustHave(
            EnableFeatures(std::vector<std::string>{"st-storage,created-timestamp-zero-ingestion"}, {engine, scrape}))
            .empty());
  CHECK(scrape.scrape_protocols.at(0) == collector::ScrapeProtocol::kPrometheusProto);
  CHECK(scrape.store_starts);
  CHECK(scrape.zero_at_start);
}
