#include "config/config.h"
#include "core/yaml.h"
#include "tests/support/catch.h"

using namespace vedette;

TEST_CASE("the shown configuration has everything but the secrets", "[config]") {
  const config::Config config = MustHave(config::ParseConfig(R"(
scrape_configs:
  - job_name: a
    proxy_url: http://user:hunter2@proxy:1
    basic_auth: {username: u, password: hunter2}
  - job_name: b
    authorization: {credentials: hunter2}
    http_headers: {X-Key: {secrets: [hunter2]}}
    static_configs: [{targets: ["h:1"]}]
  - job_name: c
    proxy_url: http://p
    proxy_connect_header: {X-One: [hunter2, hunter2], X-Two: [hunter2]}
    oauth2:
      client_id: shown
      client_secret: hunter2
      token_url: http://i
      client_certificate_key: hunter2
      proxy_from_environment: true
      proxy_connect_header: {X-One: [hunter2]}
alerting:
  route: {receiver: r}
  receivers:
    - name: r
      slack_configs: [{api_url: "http://h/hunter2", channel: "#ops"}]
      pagerduty_configs: [{routing_key: hunter2, url: "http://h/x"}]
      webhook_configs: [{url: "http://h/hunter2"}]
)",
                                                             "f.yml"));
  INFO(config.masked_yaml);
  CHECK(config.masked_yaml.find("hunter2") == std::string::npos);
  CHECK(config.masked_yaml.find("<secret>") != std::string::npos);
  CHECK(config.masked_yaml.find("#ops") != std::string::npos);
  CHECK(config.masked_yaml.find("X-Two: [<secret>]") != std::string::npos);
  CHECK(config.masked_yaml.find("client_id: shown") != std::string::npos);
  CHECK(config.masked_yaml.find("h:1") != std::string::npos);
  CHECK(ParseYaml(config.masked_yaml, "masked").has_value());  // still YAML
}
