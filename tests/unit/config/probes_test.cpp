// Modules of service checks as a blackbox.yml has them, and the options of the host collector.
#include "config/config.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

namespace vedette::config {
namespace {

using collector::ProbeKind;
using collector::ProbeModules;

Result<ProbeModules> Modules(const std::string& text) {
  const test::TempDir dir;
  dir.Write("blackbox.yml", text);
  return LoadProbeModules(dir.Sub("blackbox.yml"));
}

std::string Problem(const std::string& text) {
  const auto modules = Modules(text);
  if (modules) return "";
  return modules.error().message.substr(modules.error().message.find("blackbox.yml"));
}

TEST_CASE("every key of a module is read", "[config][probe]") {
  const ProbeModules modules = MustHave(Modules(R"yaml(modules:
  web:
    prober: http
    timeout: 1m1.5s
    http:
      valid_status_codes: [200, 404]
      valid_http_versions: [HTTP/1.1]
      preferred_ip_protocol: ip4
      ip_protocol_fallback: false
      no_follow_redirects: true
      fail_if_ssl: true
      method: PUT
      headers: {Host: a, X-Y: b}
      fail_if_body_matches_regexp: [a, b]
      fail_if_header_not_matches: [{header: H, regexp: "^x", allow_missing: true}]
      body: text
      compression: GZIP
      body_size_limit: 10MB
      basic_auth: {username: u, password: hidden}
      tls_config: {insecure_skip_verify: true, min_version: TLS12}
      enable_http2: true
  talk:
    prober: tcp
    tcp:
      source_ip_address: 127.0.0.1
      tls: true
      query_response:
        - expect: "^(.)"
          labels: [{name: first, value: "${1}"}]
        - send: !!binary AAECAw==
        - expect_bytes: S
        - starttls: true
  names:
    prober: dns
    dns:
      query_name: example.org
      query_type: SOA
      query_class: CH
      recursion_desired: false
      transport_protocol: tcp
      dns_over_tls: true
      valid_rcodes: [NXDOMAIN, REFUSED]
      validate_additional_rrs: {fail_if_none_matches_regexp: [x]}
  ping: {prober: icmp, icmp: {payload_size: 1200, dont_fragment: true, ttl: 3}}
)yaml"));
  const auto& web = modules.at("web");
  CHECK(web.kind == ProbeKind::kHttp);
  CHECK(web.timeout == Millis(61'500));
  CHECK(web.unsupported.empty());
  CHECK(web.text.find("hidden") == std::string::npos);
  for (const char* text : {"body: <secret>", "X-A: <secret>", "X-B:\n      values: [<secret>]", "send: <secret>"}) {
    const auto masked = MustHave(Modules(R"(modules:
  a:
    prober: http
    http: {headers: {X-A: one}, body: two, http_headers: {X-B: {values: [three, four]}}}
  b: {prober: tcp, tcp: {query_response: [{send: five}]}}
)"));
    const std::string all = masked.at("a").text + masked.at("b").text;
    INFO(all);
    CHECK(all.find(text) != std::string::npos);
    for (const char* hidden : {"one", "two", "three", "four", "five"}) CHECK(all.find(hidden) == std::string::npos);
  }
  CHECK(web.http.valid_status_codes == std::vector<int>{200, 404});
  CHECK(web.http.ip.prefer_ip4);
  CHECK_FALSE(web.http.ip.fallback);
  CHECK_FALSE(web.http.client.follow_redirects);
  CHECK(web.http.client.tls.insecure_skip_verify);
  CHECK(web.http.compression == "gzip");
  CHECK(web.http.body_size_limit == 10U << 20);
  CHECK(web.http.fail_if_body_matches.size() == 2);
  REQUIRE(web.http.fail_if_header_not_matches.size() == 1);
  CHECK(web.http.fail_if_header_not_matches[0].allow_missing);
  const auto& talk = modules.at("talk").tcp;
  REQUIRE(talk.query_response.size() == 4);
  CHECK(talk.query_response[0].labels.at(0).value == "${1}");
  CHECK(talk.query_response[1].send == std::string("\0\1\2\3", 4));
  CHECK(talk.query_response[3].starttls);
  const auto& names = modules.at("names").dns;
  CHECK(names.query_type == 6);
  CHECK(names.query_class == 3);
  CHECK(names.valid_rcodes == std::vector<int>{3, 5});
  CHECK(names.over_tls);
  CHECK(modules.at("ping").icmp.ttl == 3);
}

TEST_CASE("modules that need what is not there are kept with the reason and its place", "[config][probe]") {
  const ProbeModules modules = MustHave(Modules(R"(modules:
  a: {prober: grpc, grpc: {tls: true, service: s, metadata: {k: [v]}}}
  b: {prober: http, http: {enable_http3: true, enable_http2: false, valid_http_versions: [HTTP/3.0]}}
  c: {prober: http, http: {fail_if_body_json_matches_cel: "body.a == 1"}}
  d: {prober: websocket, websocket: {headers: {}}}
  e: {prober: http, http: {proxy_url: "http://p:1"}}
  f: {prober: http}
)"));
  for (const auto& [name, what] : {std::pair("a", "2:15: modules.a.prober: prober grpc"),
                                   {"b", "HTTP/3"},
                                   {"c", "CEL"},
                                   {"d", "prober websocket"},
                                   {"e", "proxy_url"}}) {
    INFO(name);
    CHECK(modules.at(name).unsupported.find(what) != std::string::npos);
  }
  CHECK(modules.at("f").unsupported.empty());
}

TEST_CASE("mistakes in modules are named with their place", "[config][probe]") {
  CHECK(Problem("modules: {a: {prober: nope}}").find("1:23: modules.a.prober: prober 'nope' is not valid") !=
        std::string::npos);
  CHECK(Problem("modules: {a: {}}").find("prober '' is not valid") != std::string::npos);
  CHECK(Problem("modules: {a: {prober: http, http: {methd: x}}}").find("1:36: field methd not found") !=
        std::string::npos);
  const auto http = [](const std::string& text) {
    return Problem("modules: {a: {prober: http, http: {" + text + "}}}");
  };
  CHECK(http("body: a, body_file: b").find("body and body_file both") != std::string::npos);
  CHECK(http("method: 'a b'").find("no HTTP method") != std::string::npos);
  CHECK(http("headers: {\"a b\": c}").find("header a b") != std::string::npos);
  CHECK(http("valid_http_versions: [HTTP/3.0]").find("enable_http3 is false") != std::string::npos);
  CHECK(http("fail_if_header_matches: [{header: x}]").find("regexp must be set") != std::string::npos);
  CHECK(http("compression: gzip, headers: {Accept-Encoding: 'br;q=1, gzip;q=0'}").find("invalid configuration") !=
        std::string::npos);
  CHECK(http("compression: gzip, headers: {Accept-Encoding: 'br, *;q=0.5'}").empty());
  CHECK(http("enable_http3: true").find("enable_http2 must be set to false") != std::string::npos);
  CHECK(http("tls_config: {ca_file: /nowhere}").empty());
  CHECK(http("compression: zip").find("unsupported compression") != std::string::npos);
  CHECK(http("basic_auth: {password: a}, bearer_token: b").find("at most one of") != std::string::npos);
  CHECK(http("preferred_ip_protocol: ipv4").find("neither ip4 nor ip6") != std::string::npos);
  CHECK(Problem("modules: {a: {prober: tcp, tcp: {query_response: [{expect: a, expect_bytes: b}]}}}")
            .find("mutually exclusive") != std::string::npos);
  const auto dns = [](const std::string& text) { return Problem("modules: {a: {prober: dns, dns: {" + text + "}}}"); };
  CHECK(dns("query_type: A").find("query name must be set") != std::string::npos);
  CHECK(dns("query_name: x, query_type: B").find("query type 'B' is not valid") != std::string::npos);
  CHECK(dns("query_name: x, valid_rcodes: [OK]").find("rcode 'OK'") != std::string::npos);
  CHECK(dns("query_name: x, dns_over_tls: true").find("tcp") != std::string::npos);
  CHECK(Problem("modules: {a: {prober: icmp, icmp: {payload_size: 70000}}}").find("65507") != std::string::npos);
  CHECK(Problem("modules: {a: {prober: icmp, timeout: 1x}}").find("no duration") != std::string::npos);
  CHECK(Problem("other: {}").find("other") != std::string::npos);
}

TEST_CASE("probes are off without a section, and have built-in modules", "[config][probe]") {
  const Config plain = MustHave(ParseConfig("global: {}", "a.yml"));
  CHECK_FALSE(plain.probes.enabled);
  CHECK(plain.probes.modules.contains("http_2xx"));
  const Config on = MustHave(ParseConfig("probes: {timeout_offset: 1s}", "a.yml"));
  CHECK(on.probes.enabled);
  CHECK_FALSE(on.probes.forbidden);
  CHECK(MustHave(ParseConfig("probes: {}", "a.yml")).probes.enabled);
  const Config off = MustHave(ParseConfig("probes: {enabled: false}", "a.yml"));
  CHECK_FALSE(off.probes.enabled);
  CHECK(off.probes.forbidden);
  CHECK(on.probes.timeout_offset == Millis(1000));
  CHECK_FALSE(ParseConfig("probes: {modules_file: nowhere.yml}", "/tmp/a.yml").has_value());
  CHECK_FALSE(ParseConfig("probes: {max_concurrent: 0}", "a.yml").has_value());
}

TEST_CASE("the host collector's options are node_exporter's flags", "[config][host]") {
  const Config config = MustHave(ParseConfig(
      "host: {textfile_directory: /x, netdev_device_include: ^eth, collectors: {cgroup: true}, cpu_guest: false, "
      "ipvs_backend_labels: [proto], process_top_groups: 3}",
      "a.yml"));
  CHECK(config.host.textfile_directory == "/x");
  CHECK(config.host.netdev_device_include == "^eth");
  CHECK(config.host.netdev_device_exclude.empty());  // the default gives way
  CHECK_FALSE(config.host.cpu_guest);
  CHECK(config.host.process_top_groups == 3);
  for (const char* bad : {"host: {netdev_device_include: a, netdev_device_exclude: b}", "host: {vmstat_fields: '('}",
                          "host: {ipvs_backend_labels: [x]}", "host: {cgroup_max_depth: 0}"}) {
    CHECK_FALSE(ParseConfig(bad, "a.yml").has_value());
  }
}

}  // namespace
}  // namespace vedette::config
