#include "config/config.h"

#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

using namespace vedette;
using namespace vedette::config;

TEST_CASE("a prometheus.yml becomes jobs, rules and limits", "[config]") {
  const Config config = MustHave(ParseConfig(R"(
global:
  scrape_interval: 15s
  evaluation_interval: 30s
  sample_limit: 1500
  external_labels: {monitor: codelab, dollar: "$$5"}
rule_files: ["rules/*.yml", /etc/rules.yml]
scrape_configs:
  - job_name: node
    scrape_interval: 5s
    metrics_path: /m
    scheme: https
    params: {module: [a, b]}
    body_size_limit: 15MB
    basic_auth: {username: u, password: p}
    tls_config: {insecure_skip_verify: true}
    static_configs:
      - targets: ["a:9100", "b:9100"]
        labels: {env: prod}
    relabel_configs:
      - {source_labels: [__address__], regex: "(.*):.*", target_label: host}
)",
                                             "/etc/prometheus.yml"));
  REQUIRE(config.collector.scrape_configs.size() == 1);
  const collector::ScrapeConfig& job = config.collector.scrape_configs[0];
  CHECK(job.scrape_interval == std::chrono::seconds(5));
  CHECK(job.scrape_timeout == std::chrono::seconds(5));
  CHECK(job.body_size_limit == 15u << 20);
  CHECK(job.sample_limit == 1500u);
  CHECK(job.static_configs[0].targets.size() == 2);
  CHECK(job.static_configs[0].labels == Labels{{"env", "prod"}});
  CHECK(job.http.basic_auth->password.Reveal() == "p");
  CHECK(job.http.tls.insecure_skip_verify);
  CHECK(job.relabel_configs[0].target_label == "host");
  CHECK(config.rules.evaluation_interval == std::chrono::seconds(30));
  CHECK(config.rules.external_labels == Labels{{"dollar", "$5"}, {"monitor", "codelab"}});
  CHECK(config.rule_files == std::vector<std::string>{"/etc/rules/*.yml", "/etc/rules.yml"});
  CHECK(!config.host.enabled);
}

TEST_CASE("routes and receivers have Alertmanager's shape", "[config]") {
  const Config config = MustHave(ParseConfig(R"(
alerting:
  global: {slack_api_url: "http://127.0.0.1:1/hook"}
  route:
    receiver: team
    group_by: [alertname, job]
    group_wait: 1s
    routes:
      - matchers: [priority="P0", 'severity=~"a|b"']
        receiver: pager
        continue: true
  receivers:
    - name: team
      slack_configs: [{channel: "#ops"}]
    - name: pager
      pagerduty_configs: [{routing_key: 0123456789abcdef0123456789abcdef, url: "http://127.0.0.1:2/v2/enqueue"}]
incidents:
  response_targets: {P0: 1m}
  severity_map: {page: P0}
)",
                                             "x.yml"));
  const alerting::AlertingOptions& options = config.alerting;
  CHECK(options.route.receiver == "team");
  REQUIRE(options.route.routes.size() == 1);
  CHECK(options.route.routes[0].matchers.size() == 2);
  CHECK(options.route.routes[0].continue_matching);
  CHECK(options.receivers[0].slack_configs[0].api_url.Reveal() == "http://127.0.0.1:1/hook");
  CHECK(options.receivers[1].pagerduty_configs[0].url == "http://127.0.0.1:2/v2/enqueue");
  CHECK(options.incidents.response_targets[0] == std::chrono::minutes(1));
  CHECK(options.incidents.response_targets[1] == std::chrono::minutes(30));
  CHECK(options.incidents.severity_map.size() == 1);
}

TEST_CASE("the built-in default watches the host and the agent itself", "[config]") {
  const Config config = MustHave(DefaultConfig("127.0.0.1:9090"));
  CHECK(config.file.empty());
  CHECK(config.host.enabled);
  CHECK(config.builtin_rules);
  CHECK(config.collector.scrape_configs.size() == 2);
  CHECK(config.analytics.enabled);
  CHECK(!BuiltinRules().empty());
}

TEST_CASE("every mistake is named with file, line, column and key", "[config]") {
  struct Case {
    std::string text, place, reason;
  };
  const auto c = GENERATE(values<Case>({
      {"globl: {}", "f.yml:1:1", "globl"},
      {"global:\n  scrape_intervall: 5s", "f.yml:2:3", "scrape_intervall"},
      {"global:\n  scrape_interval: soon", "f.yml:2:20", "soon"},
      {"global:\n  scrape_interval: 5s\n  scrape_timeout: 10s", "f.yml:2:3", "timeout greater than"},
      {"scrape_configs: 5", "f.yml:1:17", "scrape_configs"},
      {"scrape_configs:\n  - job_name: ''", "f.yml:2:5", "job_name"},
      {"scrape_configs:\n  - job_name: a\n  - job_name: a", "f.yml:3:5", "multiple"},
      {"scrape_configs:\n  - job_name: a\n    sample_limit: many", "f.yml:3:19", "many"},
      {"scrape_configs:\n  - job_name: a\n    static_configs: [{targets: ['http://a']}]", "f.yml:3:33", "http://a"},
      {"scrape_configs:\n  - job_name: a\n    konsul_sd_configs: []", "f.yml:3:5", "konsul_sd_configs"},
      {"scrape_configs:\n  - job_name: a\n    dns_sd_configs: [{names: [a], type: A}]", "f.yml:3:22",
       "port is required"},
      {"scrape_configs:\n  - job_name: a\n    ec2_sd_configs: [{filters: [{name: b}]}]", "f.yml:3:33", "filter values"},
      {"scrape_configs:\n  - job_name: a\n    dns_sd_configs: [{names: [a], type: TXT}]", "f.yml:3:41", "TXT"},
      {"scrape_configs:\n  - job_name: a\n    consul_sd_configs: [{server: ' '}]", "f.yml:3:25", "server address"},
      {"scrape_configs:\n  - job_name: a\n    consul_sd_configs: [{username: a, basic_auth: {username: b}}]",
       "f.yml:3:25", "at most one of"},
      {"scrape_configs:\n  - job_name: a\n    ec2_sd_configs: [{role: x}]", "f.yml:3:23", "field role not found"},
      {"remote_write: [{url: a, dns_sd_configs: [{names: [a]}]}]", "f.yml:1:25", "dns_sd_configs not found"},
      {"scrape_configs:\n  - job_name: a\n    metric_name_escaping_scheme: dashes", "f.yml:3:34", "underscores"},
      {"scrape_configs:\n  - job_name: a\n    metric_name_validation_scheme: legacy\n"
       "    metric_name_escaping_scheme: allow-utf-8",
       "f.yml:2:5", "utf8 metric names"},
      {"scrape_configs:\n  - job_name: a\n    oauth2: {client_id: b}", "f.yml:3:13", "token_url"},
      {"alerting: {alertmanagers: [{static_configs: [{targets: ['http://a']}]}]}", "f.yml:1:45", "http://a"},
      {"scrape_configs:\n  - job_name: a\n    relabel_configs: [{action: hashmod}]", "f.yml:3:23", "hashmod"},
      {"scrape_configs:\n  - job_name: a\n    relabel_configs: [{regex: '('}]", "f.yml:3:31", "("},
      {"remote_write: [{url: 'http://x', queue_config: {max_shards: 0}}]", "f.yml:1:48", "max_shards must be positive"},
      {"storage: {tsdb: {retention: {percentage: 500}}}", "f.yml:1:42", "range"},
      {"storage: {retention_size: 5G}", "f.yml:1:27", "not a size"},
      {"storage: {retention_rules: [{match: '{', keep: 3d}]}", "f.yml:1:37", ""},
      {"storage: {retention_rules: [{match: up}]}", "f.yml:1:10", "keep must be positive"},
      {"storage: {tiers: [{step: 7m}]}", "f.yml:1:10", "divide a day"},
      {"alerting: {receivers: [{name: a}]}", "f.yml:1:11", "route"},
      {"alerting: {route: {receiver: b}, receivers: [{name: a}]}", "f.yml:1:11", "b"},
      {"analytics: {jobs: [{name: a, kind: magic, expr: up}]}", "f.yml:1:36", "magic"},
      {"a: [", "f.yml", ""},
      {"global: {}\nglobal: {}", "f.yml:2:1", "global"},
  }));
  INFO(c.text);
  const auto config = ParseConfig(c.text, "f.yml");
  REQUIRE(!config);
  CHECK(config.error().code == Code::kBadData);
  INFO(config.error().message);
  CHECK(config.error().message.starts_with(c.place));
  CHECK(config.error().message.find(c.reason) != std::string::npos);
}

TEST_CASE("service discoveries are read with all their keys", "[config][discovery]") {
  const Config config = MustHave(ParseConfig(R"(scrape_configs:
  - job_name: a
    dns_sd_configs: [{names: [a, b], type: aaaa, port: 81, refresh_interval: 5s}]
    consul_sd_configs:
      - {server: 's:1', path_prefix: /p, token: t, datacenter: d, namespace: n, partition: q, tag_separator: ';', scheme: https,
         username: u, password: w, allow_stale: false, refresh_interval: 6s, services: [x], tags: [y], node_meta: {k: v},
         filter: f, health_filter: g, tls_config: {insecure_skip_verify: true}}
      - {}
    docker_sd_configs:
      - {host: 'unix:///x', port: 81, filters: [{name: a, values: [b]}], host_networking_host: h, match_first_network: false,
         refresh_interval: 7s, follow_redirects: false}
    ec2_sd_configs:
      - {endpoint: 'http://e', region: r, access_key: k, secret_key: s, profile: p, role_arn: arn, external_id: x, port: 82,
         filters: [{name: a, values: [b, c]}], refresh_interval: 8s, proxy_url: 'http://q'}
)",
                                             "f.yml", FileCheck::kSyntaxOnly));
  const auto& job = config.collector.scrape_configs.at(0);
  CHECK(job.dns_sd_configs.at(0) ==
        collector::DnsSdConfig{{"a", "b"}, collector::DnsType::kAaaa, 81, std::chrono::seconds(5)});
  collector::ConsulSdConfig consul{
      "s:1", "/p",  Secret("t"),  "d", "n", "q", ";", "https", false, std::chrono::seconds(6),
      {"x"}, {"y"}, {{"k", "v"}}, "f", "g", {}};
  consul.http.basic_auth = {"u", {}, Secret("w"), {}};
  consul.http.tls.insecure_skip_verify = true;
  CHECK(job.consul_sd_configs.at(0) == consul);
  CHECK(job.consul_sd_configs.at(1) == collector::ConsulSdConfig());
  collector::DockerSdConfig docker{"unix:///x", 81, {{"a", {"b"}}}, "h", false, std::chrono::seconds(7), {}};
  docker.http.follow_redirects = false;
  CHECK(job.docker_sd_configs.at(0) == docker);
  collector::Ec2SdConfig ec2{
      "http://e", "r", "k", Secret("s"), "p", "arn", "x", 82, {{"a", {"b", "c"}}}, std::chrono::seconds(8), {}};
  ec2.http.proxy_url = "http://q";
  CHECK(job.ec2_sd_configs.at(0) == ec2);
  CHECK(config.not_run.empty());
}

TEST_CASE("a job's histograms are its own or those of global", "[config]") {
  const Config config =
      MustHave(ParseConfig(R"(global: {scrape_native_histograms: true, always_scrape_classic_histograms: true}
scrape_configs:
  - job_name: a
    convert_classic_histograms_to_nhcb: true
    native_histogram_bucket_limit: 160
    native_histogram_min_bucket_factor: 1.1
  - {job_name: b, scrape_native_histograms: false, scrape_protocols: [PrometheusText0.0.4]}
)",
                           "f.yml"));
  CHECK(config.not_run.empty());
  const collector::ScrapeConfig& a = config.collector.scrape_configs.at(0);
  CHECK(a.scrape_native_histograms == true);
  CHECK(a.always_scrape_classic_histograms == true);
  CHECK(a.convert_classic_histograms_to_nhcb == true);
  CHECK(a.native_histogram_bucket_limit == 160);
  CHECK(a.native_histogram_min_bucket_factor == 1.1);
  CHECK(a.scrape_protocols.at(0) == collector::ScrapeProtocol::kPrometheusProto);
  const collector::ScrapeConfig& b = config.collector.scrape_configs.at(1);
  CHECK(b.scrape_native_histograms == false);
  CHECK(b.convert_classic_histograms_to_nhcb == false);
  CHECK(b.scrape_protocols.size() == 1);
  CHECK_FALSE(ParseConfig("scrape_configs: [{job_name: a, native_histogram_bucket_limit: -1}]", "f.yml").has_value());
}

TEST_CASE("files that receivers name lie beside the file that names them", "[config]") {
  const Config config = MustHave(ParseConfig(R"(alerting:
  global: {http_config: {basic_auth: {username: a, password_file: p}}}
  route: {receiver: r}
  receivers:
    - name: r
      webhook_configs: [{url: 'http://a'}]
      slack_configs:
        - channel: c
          api_url_file: u
          http_config:
            oauth2: {client_id: a, client_secret_file: s, token_url: 'http://b', tls_config: {ca_file: oca}}
            tls_config: {ca_file: sub/ca, cert_file: /abs/cert, key_file: ../key}
            http_headers: {X: {files: [h]}}
      pagerduty_configs:
        - {routing_key_file: k, http_config: {authorization: {credentials_file: c}}}
)",
                                             "/etc/v/f.yml", FileCheck::kSyntaxOnly));
  const alerting::Receiver& receiver = config.alerting.receivers.at(0);
  CHECK(receiver.webhook_configs.at(0).http_config.basic_auth->password_file == "/etc/v/p");
  const alerting::SlackConfig& slack = receiver.slack_configs.at(0);
  CHECK(slack.api_url_file == "/etc/v/u");
  CHECK(slack.http_config.oauth2->client_secret_file == "/etc/v/s");
  CHECK(slack.http_config.oauth2->tls.ca_file == "/etc/v/oca");
  CHECK(slack.http_config.tls.ca_file == "/etc/v/sub/ca");
  CHECK(slack.http_config.tls.cert_file == "/abs/cert");
  CHECK(slack.http_config.tls.key_file == "/etc/key");
  CHECK(slack.http_config.header_files.at(0).second == "/etc/v/h");
  const alerting::PagerdutyConfig& pagerduty = receiver.pagerduty_configs.at(0);
  CHECK(pagerduty.routing_key_file == "/etc/v/k");
  CHECK(pagerduty.http_config.authorization->credentials_file == "/etc/v/c");
}

TEST_CASE("external Alertmanagers, and who writes to a remote end", "[config]") {
  const Config config = MustHave(ParseConfig(R"(remote_write:
  - {url: 'http://x', sigv4: {region: r, access_key: a, secret_key: b, external_id: e}, round_robin_dns: true}
  - {url: 'http://y', azuread: {cloud: AzureChina, managed_identity: {}}}
  - url: 'http://z'
    azuread:
      oauth: {client_id: 11111111-2222-3333-4444-555555555555, client_secret: s, tenant_id: t.example}
  - url: 'http://w'
    azuread:
      scope: own/.default
      workload_identity:
        client_id: 11111111-2222-3333-4444-555555555555
        tenant_id: 21111111-2222-3333-4444-555555555555
        token_file_path: token
  - {url: 'http://v', google_iam: {credentials_file: key.json}}
alerting:
  alert_relabel_configs: [{regex: replica, action: labeldrop}]
  alertmanagers:
    - scheme: https
      path_prefix: /am
      timeout: 3s
      basic_auth: {username: u, password_file: p}
      static_configs: [{targets: ['a:1']}]
      file_sd_configs: [{files: [am.json]}]
      kubernetes_sd_configs: [{role: pod}]
      relabel_configs: [{target_label: __address__, replacement: b}]
    - {sigv4: {region: r}, dns_sd_configs: [{names: [a]}]}
)",
                                             "/etc/v/f.yml", FileCheck::kSyntaxOnly));
  CHECK(config.not_run.empty());
  const auto& ends = config.remote_write;
  CHECK(ends.at(0).auth.sigv4->external_id == "e");
  CHECK(ends.at(0).auth.any_address);
  CHECK(ends.at(1).auth.azure->scope == "https://monitor.azure.cn//.default");
  CHECK(ends.at(1).auth.azure->token_url.empty());
  CHECK(ends.at(2).http.oauth2->token_url == "https://login.microsoftonline.com/t.example/oauth2/v2.0/token");
  CHECK(ends.at(2).http.oauth2->scopes == std::vector<std::string>{"https://monitor.azure.com//.default"});
  CHECK(ends.at(3).auth.azure->token_file == "/etc/v/token");
  CHECK(ends.at(3).auth.azure->scope == "own/.default");
  CHECK(ends.at(4).auth.google->credentials_file == "/etc/v/key.json");
  const auto& all = config.alertmanagers;
  CHECK(all.alert_relabel_configs.size() == 1);
  REQUIRE(all.alertmanagers.size() == 2);
  const collector::AlertmanagerConfig& first = all.alertmanagers[0];
  CHECK(first.scheme == "https");
  CHECK(first.path_prefix == "/am");
  CHECK(first.timeout == std::chrono::seconds(3));
  CHECK(first.http.basic_auth->password_file == "/etc/v/p");
  CHECK(first.found.static_configs.size() == 1);
  CHECK(first.found.file_sd_configs.at(0).files.at(0) == "/etc/v/am.json");
  CHECK(first.found.kubernetes_sd_configs.size() == 1);
  CHECK(first.relabel_configs.size() == 1);
  CHECK(all.alertmanagers[1].auth.sigv4->region == "r");
  for (const std::string_view bad :
       {"managed_identity: {client_id: x}", "oauth: {client_id: x, client_secret: s, tenant_id: t}",
        "cloud: AzureMars, managed_identity: {}"}) {
    CHECK_FALSE(ParseConfig(fmt::format("remote_write: [{{url: 'http://y', azuread: {{{}}}}}]", bad), "f.yml",
                            FileCheck::kSyntaxOnly)
                    .has_value());
  }
}

TEST_CASE("what is right and not run is listed with its place", "[config]") {
  const Config config = MustHave(ParseConfig(R"(global:
  query_log_file: q.log
  scrape_native_histograms: false
remote_write: [{url: 'http://x', sigv4: {region: a}}]
remote_read: [{url: 'http://x', read_recent: true}]
otlp: {translation_strategy: NoTranslation}
storage: {tsdb: {retention: {percentage: 5}}}
alerting: {alertmanagers: [{static_configs: [{targets: ['a:1']}]}]}
scrape_configs:
  - job_name: a
    proxy_from_environment: true
    http_headers: {X-Key: {values: [a], files: [b]}}
    oauth2: {client_id: a, token_url: 'http://b'}
    scrape_failure_log_file: f.log
    nomad_sd_configs: [{server: 'http://a:1'}]
    consul_sd_configs: [{server: 'a:1'}]
    dns_sd_configs: [{names: [a]}]
    docker_sd_configs: [{host: 'npipe:////./pipe/docker'}, {host: 'tcp://a'}]
    file_sd_configs: [{files: [a.yml]}]
)",
                                             "f.yml", FileCheck::kSyntaxOnly));
  const std::vector<std::string> places = {"f.yml:7:42", "f.yml:15:23", "f.yml:18:32"};
  REQUIRE(config.not_run.size() == places.size());
  CHECK(config.query_log_file.ends_with("/q.log"));
  CHECK(config.collector.scrape_configs.at(0).scrape_failure_log_file.ends_with("/f.log"));
  for (std::size_t i = 0; i < places.size(); ++i) {
    INFO(config.not_run[i]);
    CHECK(config.not_run[i].starts_with(places[i] + ": "));
  }
  // Names that people choose are no keys of ours.
  CHECK(MustHave(ParseConfig("global: {external_labels: {oauth2: a}}\n"
                             "scrape_configs: [{job_name: a, params: {no_proxy: [b]}}]\n",
                             "f.yml"))
            .not_run.empty());
}

TEST_CASE("http_config in all its parts", "[config][http]") {
  const Config config = MustHave(ParseConfig(R"(
scrape_configs:
  - job_name: a
    proxy_url: http://p:1
    no_proxy: a,b
    proxy_connect_header: {X-One: [s1, s2]}
    http_headers: {x-key: {values: [v], secrets: [s], files: [f1, /f2]}}
    oauth2:
      client_id: id
      client_secret_file: secret
      token_url: https://idp/token
      scopes: [r, w]
      endpoint_params: {k: v}
      tls_config: {ca_file: ca.pem, server_name: s}
      proxy_from_environment: true
  - job_name: b
    proxy_from_environment: true
    oauth2:
      client_id: id
      token_url: https://idp/token
      grant_type: urn:ietf:params:oauth:grant-type:jwt-bearer
      client_certificate_key_file: key.pem
      client_certificate_key_id: kid
      signature_algorithm: RS512
      iss: i
      audience: au
      claims: {n: 5, t: "5", b: true, f: 1.5, l: [x, null], m: {o: p}}
)",
                                             "/d/f.yml", FileCheck::kSyntaxOnly));
  CHECK(config.not_run.empty());
  HttpConfig a;
  a.proxy_url = "http://p:1";
  a.no_proxy = "a,b";
  a.proxy_connect_header = {{"X-One", Secret("s1")}, {"X-One", Secret("s2")}};
  a.headers = {{"x-key", Secret("v")}, {"x-key", Secret("s")}};
  a.header_files = {{"x-key", "/d/f1"}, {"x-key", "/f2"}};
  OAuth2& secret = a.oauth2.emplace();
  secret.client_id = "id";
  secret.client_secret_file = "/d/secret";
  secret.token_url = "https://idp/token";
  secret.scopes = {"r", "w"};
  secret.endpoint_params = {{"k", "v"}};
  secret.tls.ca_file = "/d/ca.pem";
  secret.tls.server_name = "s";
  secret.proxy_from_environment = true;
  CHECK(config.collector.scrape_configs.at(0).http == a);
  HttpConfig b;
  b.proxy_from_environment = true;
  OAuth2& signs = b.oauth2.emplace();
  signs.client_id = "id";
  signs.token_url = "https://idp/token";
  signs.grant_type = OAuth2::kJwtBearer;
  signs.client_certificate_key_file = "/d/key.pem";
  signs.client_certificate_key_id = "kid";
  signs.signature_algorithm = "RS512";
  signs.iss = "i";
  signs.audience = "au";
  signs.claims_json = R"({"b":true,"f":1.5,"l":["x",null],"m":{"o":"p"},"n":5,"t":"5"})";
  CHECK(config.collector.scrape_configs.at(1).http == b);
}

TEST_CASE("http_config that contradicts itself is refused", "[config][http]") {
  const std::string oauth2 = "oauth2: {client_id: a, token_url: 'http://b'";
  const std::pair<std::string, std::string> rows[] = {
      {"no_proxy: a", "if no_proxy is configured, proxy_url must also be configured"},
      {"no_proxy: a\n    proxy_from_environment: true", "no_proxy must not be configured"},
      {"proxy_url: 'http://a'\n    proxy_from_environment: true", "proxy_url must not be configured"},
      {"proxy_connect_header: {a: [b]}", "proxy_url or proxy_from_environment must also be configured"},
      {"proxy_connect_header: {a: b}", "proxy_connect_header.a"},
      {"http_headers: {authorization: {values: [b]}}", "setting header \"Authorization\" is not allowed"},
      {"http_headers: {x-amz-DATE: {values: [b]}}", "setting header \"X-Amz-Date\" is not allowed"},
      {"http_headers: {X: {file: [b]}}", "field file not found"},
      {oauth2 + "}\n    basic_auth: {username: u}", "at most one of basic_auth, oauth2 & authorization"},
      {oauth2 + "}\n    bearer_token: t", "at most one of basic_auth, oauth2, bearer_token & bearer_token_file"},
      {oauth2 + ", client_secret: a, client_secret_file: b}", "grant-type=client_credentials"},
      {oauth2 + ", no_proxy: a}", "if no_proxy is configured"},
      {oauth2 + ", tls_config: {ca: a, ca_file: b}}", "at most one of ca & ca_file"},
      {oauth2 + ", claims: [a]}", "claims"},
      {oauth2 + ", client_secret_file: absent-file}", "absent-file"},
      {oauth2 + ", grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', signature_algorithm: ES256}", "ES256"},
      {"http_headers: {X: {files: [absent-file]}}", "absent-file"},
  };
  for (const auto& [text, expected] : rows) {
    INFO(text);
    const auto config = ParseConfig("scrape_configs:\n  - job_name: a\n    " + text + "\n", "f.yml");
    REQUIRE_FALSE(config.has_value());
    INFO(config.error().message);
    CHECK(config.error().message.find(expected) != std::string::npos);
  }
}

TEST_CASE("otlp says how names are made", "[config]") {
  const Config config = MustHave(ParseConfig(R"(
otlp:
  translation_strategy: NoUTF8EscapingWithSuffixes
  promote_resource_attributes: [" k8s.pod ", zone]
  keep_identifying_resource_attributes: true
  convert_histograms_to_nhcb: true
  promote_scope_metadata: true
  label_name_underscore_sanitization: false
)",
                                             "f.yml"));
  const collector::OtlpOptions& otlp = config.collector.otlp;
  CHECK(otlp.translation_strategy == collector::OtlpTranslation::kUtf8WithSuffixes);
  CHECK(otlp.promote_resource_attributes == std::vector<std::string>{"k8s.pod", "zone"});
  CHECK(otlp.keep_identifying_resource_attributes);
  CHECK(otlp.convert_histograms_to_nhcb);
  CHECK(otlp.promote_scope_metadata);
  CHECK_FALSE(otlp.label_name_underscore_sanitization);
  CHECK(otlp.label_name_preserve_multiple_underscores);
  CHECK_FALSE(otlp.promote_all_resource_attributes);
}

TEST_CASE("push says what others may send", "[config]") {
  const Config config = MustHave(ParseConfig("push: {influx: true, max_in_flight_size: 1GB}\n", "f.yml"));
  CHECK(config.collector.push.influx);
  CHECK(config.collector.push.max_bytes_in_flight == std::size_t{1} << 30);
  CHECK_THAT(ParseConfig("push: {max_request_size: 1KB}\n", "f.yml").error().message,
             Catch::Matchers::StartsWith("f.yml:1:7: push: max_request_size must be at least"));
  CHECK(config.collector.scrape_configs.empty());
}

TEST_CASE("pushed groups are a job of their own", "[config]") {
  const Config config = MustHave(ParseConfig(
      "global: {scrape_interval: 7s}\npush: {pushgateway: true, pushgateway_max_group_size: 1MB}\n", "f.yml"));
  REQUIRE(config.collector.scrape_configs.size() == 1);
  const collector::ScrapeConfig& job = config.collector.scrape_configs.front();
  CHECK(job.job_name == "pushgateway");
  CHECK(job.honor_labels);
  CHECK(job.in_process_source == "pushgateway");
  CHECK(job.scrape_interval == Millis(7000));
  CHECK(config.collector.push.pushgateway_max_group_bytes == std::size_t{1} << 20);
  CHECK_THAT(
      ParseConfig("push: {pushgateway: true}\nscrape_configs: [{job_name: pushgateway}]\n", "f.yml").error().message,
      Catch::Matchers::EndsWith("found multiple scrape configs with job name \"pushgateway\""));
  CHECK(ParseConfig("push: {pushgateway_job: \"\"}\n", "f.yml").error().message ==
        "f.yml:1:7: push: pushgateway_job must not be empty");
}

TEST_CASE("the address for Graphite is checked", "[config]") {
  const Config config = MustHave(ParseConfig("push: {graphite_listen_address: \"[::1]:2003\"}\n", "f.yml"));
  CHECK(config.collector.push.graphite_listen_address == "[::1]:2003");
  CHECK(ParseConfig("push: {graphite_listen_address: here}\n", "f.yml").error().message ==
        "f.yml:1:7: push: graphite_listen_address: listen address 'here' lacks a port");
}

TEST_CASE("a Kubernetes discovery is read whole", "[config]") {
  const Config config = MustHave(ParseConfig(R"(
scrape_configs:
  - job_name: a
    kubernetes_sd_configs:
      - role: endpointslice
        api_server: https://api:6443
        namespaces: {names: [shop, bank]}
        selectors: [{role: pod, label: 'app in (a, b)'}, {role: endpointslice, field: metadata.name=x}]
        attach_metadata: {node: true, namespace: true, deployment: true, job: true, cronjob: true}
        authorization: {credentials_file: token}
      - {role: pod, kubeconfig_file: kube.yml}
      - {role: node, namespaces: {own_namespace: true}}
)",
                                             "/etc/p/p.yml", FileCheck::kSyntaxOnly));
  CHECK(config.not_run.empty());
  const auto& all = config.collector.scrape_configs.at(0).kubernetes_sd_configs;
  REQUIRE(all.size() == 3);
  CHECK(all[0].role == collector::KubernetesRole::kEndpointSlice);
  CHECK(all[0].api_server == "https://api:6443");
  CHECK(all[0].namespaces == std::vector<std::string>{"shop", "bank"});
  REQUIRE(all[0].selectors.size() == 2);
  CHECK(all[0].selectors[0].label == "app in (a, b)");
  CHECK(all[0].selectors[1].role == collector::KubernetesRole::kEndpointSlice);
  CHECK(all[0].selectors[1].field == "metadata.name=x");
  CHECK(all[0].attach == collector::KubernetesSdConfig::Attached{true, true, true, true, true});
  CHECK(all[0].http.authorization->credentials_file == "/etc/p/token");
  CHECK(all[1].kubeconfig_file == "/etc/p/kube.yml");
  CHECK(all[2].own_namespace);
}

TEST_CASE("jobs of more files inherit from the same global, and paths start at their own", "[config]") {
  const test::TempDir dir;
  dir.Write("jobs/one.yml", "scrape_configs: [{job_name: one, file_sd_configs: [{files: [t.json]}]}]\n");
  dir.Write("jobs/two.yml", "scrape_configs: [{job_name: two, scrape_interval: 9s}]\n");
  const std::string file = dir.Write("c.yml",
                                     "global: {scrape_interval: 7s}\nscrape_config_files: [jobs/*.yml, none.yml]\n"
                                     "scrape_configs: [{job_name: zero}]\n");
  const Config config = MustHave(LoadConfig(file));
  REQUIRE(config.collector.scrape_configs.size() == 3);
  CHECK(config.collector.scrape_configs[0].job_name == "zero");
  CHECK(config.collector.scrape_configs[1].scrape_interval == std::chrono::seconds(7));
  CHECK(config.collector.scrape_configs[1].file_sd_configs[0].files[0] == dir.Sub("jobs/t.json"));
  CHECK(config.collector.scrape_configs[2].scrape_interval == std::chrono::seconds(9));
  dir.Write("jobs/two.yml", "scrape_configs: [{job_name: zero}]\n");
  const auto twice = LoadConfig(file);
  REQUIRE(!twice);
  CHECK(twice.error().message.find("jobs/two.yml:1:18") != std::string::npos);
}

TEST_CASE("an agent that only forwards has somewhere to forward to, and nothing else", "[config]") {
  const test::TempDir dir;
  CHECK(CheckAgentMode(dir.Write("a.yml", "remote_write: [{url: 'http://a'}]\n")).has_value());
  CHECK(!CheckAgentMode(dir.Write("a.yml", "scrape_configs: []\n")).has_value());
  CHECK(!CheckAgentMode(dir.Write("a.yml", "remote_write: [{url: 'http://a'}]\nrule_files: [a]\n")).has_value());
}

TEST_CASE("files that the configuration names have to be there, unless only the syntax is checked", "[config]") {
  const test::TempDir dir;
  const std::string file =
      dir.Write("c.yml", "scrape_configs:\n  - job_name: a\n    basic_auth: {username: u, password_file: p.txt}\n");
  const auto missing = LoadConfig(file);
  REQUIRE(!missing);
  CHECK(missing.error().message.find("p.txt") != std::string::npos);
  CHECK(LoadConfig(file, FileCheck::kSyntaxOnly).has_value());
  dir.Write("p.txt", "secret");
  CHECK(LoadConfig(file).has_value());
  CHECK(LoadConfig(dir.Sub("gone.yml")).error().code == Code::kNotFound);
}

TEST_CASE("an empty file means all defaults", "[config]") {
  const Config config = MustHave(ParseConfig("", "f.yml"));
  CHECK(config.collector.scrape_configs.empty());
  CHECK(config.rules.evaluation_interval == std::chrono::minutes(1));
}
