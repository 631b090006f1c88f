#include <atomic>
#include <map>
#include <mutex>

#include "collector/discovery/consul_targets.h"
#include "core/url.h"
#include "tests/support/catch.h"
#include "tests/support/http_server.h"
#include "tests/unit/collector/discovery_fixture.h"

namespace vedette::collector {
namespace {

using namespace std::chrono_literals;
using test::Received;
using test::Reply;

constexpr std::string_view kInstance = R"([{
  "Node": {"Node": "n1", "Address": "10.0.0.9", "Meta": {"rack-no": "7"}, "TaggedAddresses": {"lan": "10.0.0.9"}},
  "Service": {"ID": "web-1", "Service": "web", "Tags": ["a", "b"], "Address": "fd00::1", "Port": 8080,
              "Meta": {"ver.sion": "1"}, "Namespace": "ns", "Partition": "p"},
  "Checks": [{"CheckID": "serfHealth", "Status": "passing"}, {"CheckID": "c", "Status": "warning"}]}])";

/// A catalog whose blocking queries are answered when something changes, or at once without an index.
class FakeConsul {
 public:
  FakeConsul() : server_([this](const Received& received) { return Answer(received); }) {}

  ConsulSdConfig Config() const {
    ConsulSdConfig config;
    config.server = fmt::format("127.0.0.1:{}", server_.port());
    config.refresh_interval = 5ms;
    return config;
  }
  void Set(const std::string& service, const std::string& port) {
    const std::lock_guard lock(mutex_);
    ports_[service] = port;
    ++index_;
  }
  void Remove(const std::string& service) {
    const std::lock_guard lock(mutex_);
    ports_.erase(service);
    ++index_;
  }
  void Restart() {
    const std::lock_guard lock(mutex_);
    index_ = 1;
  }
  bool Saw(const std::string& part) const {
    return std::ranges::any_of(server_.requests(),
                               [&](const Received& r) { return r.target.find(part) != std::string::npos; });
  }
  const test::HttpServer& server() const { return server_; }
  std::atomic<int> ill{0};

 private:
  Reply Answer(const Received& received) {
    if (ill == 1) return Reply{.status = 500, .body = "No cluster leader"};
    if (ill == 2) return Reply{.body = R"([{"Node": 5}])"};
    if (ill == 3) return Reply{.body = "null"};
    if (ill == 4) return Reply{.raw = "", .after = test::After::kHang};
    if (received.target == "/v1/agent/self") return Reply{.body = R"({"Config": {"Datacenter": "dc7"}})"};
    const std::size_t at = received.target.find("index=");
    const int seen = at == std::string::npos ? 0 : std::stoi(received.target.substr(at + 6));
    int index = 0;
    const auto end = std::chrono::steady_clock::now() + 100ms;  // instead of two minutes
    do {
      const std::lock_guard lock(mutex_);
      index = index_;
    } while (index == seen && std::chrono::steady_clock::now() < end);
    const std::lock_guard lock(mutex_);
    Reply reply{.headers = {{"X-Consul-Index", std::to_string(index_)}}};
    reply.body = received.target.starts_with("/v1/catalog/services") ? Catalog() : Instances(received.target);
    return reply;
  }
  std::string Catalog() const {
    std::string all;
    for (const auto& [name, port] : ports_) all += fmt::format(R"({}"{}": ["t"])", all.empty() ? "" : ",", name);
    return "{" + all + "}";
  }
  std::string Instances(const std::string& target) const {
    const std::string name = target.substr(19, target.find('?') - 19);
    const auto found = ports_.find(name);
    if (found == ports_.end()) return "[]";
    return fmt::format(R"([{{"Node": {{"Address": "h"}}, "Service": {{"Port": {}}}}}])", found->second);
  }

  std::mutex mutex_;
  std::map<std::string, std::string> ports_{{"db", "1"}, {"web", "2"}};
  int index_ = 5;
  test::HttpServer server_;
};

}  // namespace

TEST_CASE("instances of Consul's services become targets as Prometheus makes them", "[discovery][consul]") {
  const TargetGroup group = MustHave(ParseConsulTargets(kInstance, "web", "dc1", ","));
  CHECK(group.source == "web");
  CHECK(group.labels == Labels{{"__meta_consul_service", "web"}, {"__meta_consul_dc", "dc1"}});
  REQUIRE(group.targets.size() == 1);
  CHECK(group.targets[0] == Labels{{"__address__", "[fd00::1]:8080"},
                                   {"__meta_consul_address", "10.0.0.9"},
                                   {"__meta_consul_node", "n1"},
                                   {"__meta_consul_namespace", "ns"},
                                   {"__meta_consul_partition", "p"},
                                   {"__meta_consul_tags", ",a,b,"},
                                   {"__meta_consul_service_address", "fd00::1"},
                                   {"__meta_consul_service_port", "8080"},
                                   {"__meta_consul_service_id", "web-1"},
                                   {"__meta_consul_health", "warning"},
                                   {"__meta_consul_metadata_rack_no", "7"},
                                   {"__meta_consul_service_metadata_ver_sion", "1"},
                                   {"__meta_consul_tagged_address_lan", "10.0.0.9"}});
}

TEST_CASE("Consul's health is the worst of the checks", "[discovery][consul]") {
  struct Case {
    std::string checks, want;
  };
  const auto c = GENERATE(values<Case>({
      {"[]", "passing"},
      {R"([{"Status": "passing"}, {"Status": "critical"}, {"Status": "warning"}])", "critical"},
      {R"([{"CheckID": "_node_maintenance", "Status": "critical"}])", "maintenance"},
      {R"([{"CheckID": "_service_maintenance:web", "Status": "critical"}])", "maintenance"},
      {R"([{"Status": "odd"}])", ""},
  }));
  INFO(c.checks);
  const auto group = ParseConsulTargets(fmt::format(R"([{{"Checks": {}}}])", c.checks), "s", "d", ",");
  CHECK(MustHave(group).targets.at(0).Get("__meta_consul_health") == c.want);
}

TEST_CASE("replies of Consul that lie are errors", "[discovery][consul]") {
  for (const char* body : {"", "null", "{}", "[5]", "[{\"Node\": 5}]", "[{\"Service\": {\"Port\": \"80\"}}]",
                           "[{\"Service\": {\"Tags\": [1]}}]", "[{}", "[{\"Checks\": {}}]"}) {
    INFO(body);
    CHECK_FALSE(ParseConsulTargets(body, "s", "d", ",").has_value());
  }
  CHECK_FALSE(ParseConsulServices("[]").has_value());
  CHECK_FALSE(ParseConsulServices("{\"a\": \"b\"}").has_value());
  CHECK_FALSE(ParseConsulDatacenter("{\"Config\": {}}").has_value());
  CHECK(MustHave(ParseConsulServices("{\"a\": null, \"b\": [\"c\"]}")).size() == 2);
}

TEST_CASE("requests to Consul carry what the configuration says", "[discovery][consul]") {
  ConsulSdConfig config;
  config.server = "https://consul.example:8501/proxy/";
  config.datacenter = "dc";
  config.namespace_ = "ns";
  config.partition = "p";
  config.node_meta = {{"rack", "7 a"}};
  config.tags = {"x", "y"};
  config.token = Secret("secret");
  const HttpRequest request =
      MustHave(ConsulRequest(config, ConsulServicePath("a/b"), 17, std::chrono::minutes(2), "A == b"));
  CHECK(request.url ==
        "https://consul.example:8501/proxy/v1/health/service/a%2Fb?dc=dc&ns=ns&partition=p&stale=&index=17&"
        "wait=120000ms&filter=A%20%3D%3D%20b&node-meta=rack%3A7%20a&tag=x&tag=y");
  CHECK(request.headers.back() == std::pair<std::string, std::string>("X-Consul-Token", "secret"));
  config.server = "unix:///run/consul.sock";
  CHECK(MustHave(ConsulRequest(config, "/v1/agent/self", 0, {}, {})).unix_socket == "/run/consul.sock");
  config.server = "ftp://a";
  CHECK_FALSE(ConsulRequest(config, "/", 0, {}, {}).has_value());
}

TEST_CASE("Consul's services come and go, and stay while it is ill", "[discovery][consul]") {
  FakeConsul consul;
  DiscoveryFixture f;
  f.Run(MustHave(NewConsulDiscovery(f.environment(), consul.Config(), std::nullopt)));
  REQUIRE(f.WaitForAddresses("h:1 h:2"));
  CHECK(f.groups().at(0).labels.Get("__meta_consul_dc") == "dc7");
  CHECK(DiscoveryFixture::WaitUntil([&] { return consul.Saw("index=5&wait=120000ms"); }));
  consul.Set("web", "22");
  CHECK(f.WaitForAddresses("h:1 h:22"));
  consul.Set("api", "3");
  CHECK(f.WaitForAddresses("h:3 h:1 h:22"));
  consul.Remove("db");
  CHECK(f.WaitForAddresses("h:3 h:22"));
  consul.Restart();  // its index begins anew
  consul.Set("web", "23");
  CHECK(f.WaitForAddresses("h:3 h:23"));
  for (const int kind : {1, 2, 3}) {
    consul.ill = kind;
    const double before = f.metrics.consul_failures->Value();
    CHECK(DiscoveryFixture::WaitUntil([&] { return f.metrics.consul_failures->Value() > before; }));
    CHECK(f.addresses() == "h:3 h:23");
  }
  consul.ill = 0;
  consul.Set("web", "24");
  CHECK(f.WaitForAddresses("h:3 h:24"));
  consul.ill = 4;
  const std::size_t asked = consul.server().requests().size();
  CHECK(consul.server().WaitForRequests(asked + 1));
  f.Stop();  // at once
}

TEST_CASE("only the services that are asked for are watched", "[discovery][consul]") {
  FakeConsul consul;
  ConsulSdConfig config = consul.Config();
  DiscoveryFixture f;
  SECTION("by name: without the catalog") {
    config.services = {"web"};
    f.Run(MustHave(NewConsulDiscovery(f.environment(), config, std::nullopt)));
    CHECK(f.WaitForAddresses("h:2"));
    CHECK_FALSE(consul.Saw("/v1/catalog"));
  }
  SECTION("by tag") {
    config.tags = {"t"};
    f.Run(MustHave(NewConsulDiscovery(f.environment(), config, std::nullopt)));
    CHECK(f.WaitForAddresses("h:1 h:2"));
    CHECK(consul.Saw("tag=t"));
  }
  SECTION("by a tag that none has") {
    config.tags = {"t", "u"};
    f.Run(MustHave(NewConsulDiscovery(f.environment(), config, std::nullopt)));
    CHECK(f.WaitForAddresses(""));
  }
  SECTION("a dead server has none") {
    config.server = "127.0.0.1:1";
    f.Run(MustHave(NewConsulDiscovery(f.environment(), config, std::nullopt)));
    CHECK(f.WaitForAddresses(""));
    CHECK(f.metrics.consul_failures->Value() >= 1);
  }
  SECTION("what was known before a reload stands until there is an answer") {
    consul.ill = 1;
    f.Run(MustHave(NewConsulDiscovery(f.environment(), config,
                                      std::vector<TargetGroup>{{"web", {{{"__address__", "old:1"}}}, {}}})));
    CHECK(consul.server().WaitForRequests(1));
    consul.ill = 0;
    CHECK(f.WaitForAddresses("h:1 h:2"));
  }
}

}  // namespace vedette::collector
