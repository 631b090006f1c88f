#include <atomic>

#include "collector/discovery/docker_targets.h"
#include "tests/support/catch.h"
#include "tests/support/http_server.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/collector/discovery_fixture.h"

namespace vedette::collector {
namespace {

using namespace std::chrono_literals;
using test::Received;
using test::Reply;

constexpr std::string_view kNetworks = R"([
  {"Id": "n1", "Name": "front", "Scope": "local", "Internal": false, "Ingress": true, "Labels": {"a.b": "c"}},
  {"Id": "n2", "Name": "back", "Scope": "local", "Internal": true, "Ingress": false, "Labels": null}])";

constexpr std::string_view kContainers = R"([
  {"Id": "c1", "Names": ["/web"], "Image": "img", "ImageID": "sha", "Labels": {"app-id": "7"},
   "HostConfig": {"NetworkMode": "front"},
   "Ports": [{"IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"},
             {"PrivatePort": 53, "Type": "udp"}, {"PrivatePort": 81, "Type": "tcp"}],
   "NetworkSettings": {"Networks": {"front": {"NetworkID": "n1", "IPAddress": "172.1.0.2"},
                                    "back": {"NetworkID": "n2", "IPAddress": "", "GlobalIPv6Address": "fd00::2"}}}},
  {"Id": "c2", "Names": ["/host"], "HostConfig": {"NetworkMode": "host"},
   "NetworkSettings": {"Networks": {"host": {"NetworkID": "n9", "IPAddress": ""}}}},
  {"Id": "c3", "Names": ["/side"], "HostConfig": {"NetworkMode": "container:c1"}, "Ports": [],
   "NetworkSettings": {"Networks": {}}},
  {"Id": "c4", "Names": ["/circle"], "HostConfig": {"NetworkMode": "container:c5"}},
  {"Id": "c5", "Names": ["/circle2"], "HostConfig": {"NetworkMode": "container:c4"}},
  {"Id": "c6", "Names": []}])";

std::string Found(const DockerSdConfig& config) {
  return DiscoveryFixture::AddressesOf({MustHave(ParseDockerTargets(kContainers, kNetworks, config))});
}

DockerSdConfig DockerConfig(std::string host = "unix:///x") {
  DockerSdConfig config;
  config.host = std::move(host);
  config.refresh_interval = 20ms;
  return config;
}

}  // namespace

TEST_CASE("containers become targets as Prometheus makes them", "[discovery][docker]") {
  CHECK(Found(DockerConfig()) == "[fd00::2]:80 [fd00::2]:81 localhost [fd00::2]:80");
  DockerSdConfig all = DockerConfig();
  all.match_first_network = false;
  all.port = 99;
  all.host_networking_host = "me";
  CHECK(Found(all) == "[fd00::2]:80 [fd00::2]:81 172.1.0.2:80 172.1.0.2:81 me [fd00::2]:99 172.1.0.2:99");
  const TargetGroup group = MustHave(ParseDockerTargets(kContainers, kNetworks, all));
  CHECK(group.targets.at(2) == Labels{{"__address__", "172.1.0.2:80"},
                                      {"__meta_docker_container_id", "c1"},
                                      {"__meta_docker_container_name", "/web"},
                                      {"__meta_docker_container_image", "img"},
                                      {"__meta_docker_container_image_id", "sha"},
                                      {"__meta_docker_container_network_mode", "front"},
                                      {"__meta_docker_container_label_app_id", "7"},
                                      {"__meta_docker_network_id", "n1"},
                                      {"__meta_docker_network_name", "front"},
                                      {"__meta_docker_network_scope", "local"},
                                      {"__meta_docker_network_internal", "false"},
                                      {"__meta_docker_network_ingress", "true"},
                                      {"__meta_docker_network_label_a_b", "c"},
                                      {"__meta_docker_network_ip", "172.1.0.2"},
                                      {"__meta_docker_port_private", "80"},
                                      {"__meta_docker_port_public", "8080"},
                                      {"__meta_docker_port_public_ip", "0.0.0.0"}});
  CHECK_FALSE(group.targets.at(3).Has("__meta_docker_port_public"));
}

TEST_CASE("containers of one id are all targets", "[discovery][docker]") {
  constexpr std::string_view kTwice = R"([
    {"Id": "c", "Names": ["/a"], "NetworkSettings": {"Networks": {"n": {"IPAddress": "10.0.0.1"}}}},
    {"Id": "c", "Names": ["/b"], "NetworkSettings": {"Networks": {"n": {"IPAddress": "10.0.0.2"}}}}])";
  const TargetGroup group = MustHave(ParseDockerTargets(kTwice, "[]", DockerConfig()));
  CHECK(DiscoveryFixture::AddressesOf({group}) == "10.0.0.1:80 10.0.0.2:80");
}

TEST_CASE("replies of Docker that lie are errors", "[discovery][docker]") {
  for (const char* body : {"", "null", "{}", "[5]", "[{\"Names\": \"a\"}]", "[{\"Ports\": [{\"PrivatePort\": \"1\"}]}]",
                           "[{\"HostConfig\": []}]", "{\"message\": \"page not found\"}"}) {
    INFO(body);
    CHECK_FALSE(ParseDockerTargets(body, "[]", DockerConfig()).has_value());
  }
  CHECK_FALSE(ParseDockerTargets("[]", "[{\"Internal\": 1}]", DockerConfig()).has_value());
  CHECK(MustHave(ParseDockerTargets("[]", "[]", DockerConfig())).targets.empty());
}

TEST_CASE("Docker hosts and filters become requests", "[discovery][docker]") {
  const HttpRequest socket = MustHave(DockerRequest(DockerConfig("unix:///run/docker.sock"), "1.45", "/networks"));
  CHECK(socket.url == "http://docker/v1.45/networks");
  CHECK(socket.unix_socket == "/run/docker.sock");
  CHECK(MustHave(DockerRequest(DockerConfig("tcp://h:2375/p/"), "", "/networks")).url == "http://h:2375/p/networks");
  CHECK(MustHave(DockerRequest(DockerConfig("https://h"), "", "/networks")).url == "https://h/networks");
  for (const char* host : {"h:2375", "npipe://x", "fd://", "http://"}) {
    CHECK_FALSE(DockerRequest(DockerConfig(host), "", "/networks").has_value());
  }
  CHECK(DockerFilters({{"status", {"running"}}, {"label", {"a=b", "c"}}}) ==
        "?filters=%7B%22label%22%3A%7B%22a%3Db%22%3Atrue%2C%22c%22%3Atrue%7D%2C%22status%22%3A%7B%22running%22%3A"
        "true%7D%7D");
  CHECK(DockerFilters({}).empty());
}

TEST_CASE("containers are found over a Unix socket, and stay while the daemon is ill", "[discovery][docker]") {
  const test::TempDir dir;
  std::atomic<int> ill{0};
  const test::HttpServer daemon(
      [&](const Received& received) {
        if (ill == 1) return Reply{.status = 500, .body = "{\"message\": \"no\"}"};
        if (ill == 2) return Reply{.body = "[{"};
        if (received.target == "/_ping") return Reply{.headers = {{"Api-Version", "1.41"}}, .body = "OK"};
        if (received.target == "/v1.41/networks") return Reply{.body = std::string(kNetworks)};
        if (received.target == "/v1.41/containers/json?filters=%7B%22a%22%3A%7B%22b%22%3Atrue%7D%7D") {
          return Reply{.body = ill == 3 ? "[]" : std::string(kContainers)};
        }
        return Reply{.status = 404};
      },
      dir.Sub("docker.sock"));
  DockerSdConfig config = DockerConfig("unix://" + dir.Sub("docker.sock"));
  config.filters = {{"a", {"b"}}};
  DiscoveryFixture f;
  f.Run(MustHave(NewDockerDiscovery(f.environment(), config, std::nullopt)));
  const std::string all = "[fd00::2]:80 [fd00::2]:81 localhost [fd00::2]:80";
  REQUIRE(f.WaitForAddresses(all));
  for (const int kind : {1, 2}) {
    ill = kind;
    const double before = f.metrics.docker_failures->Value();
    CHECK(DiscoveryFixture::WaitUntil([&] { return f.metrics.docker_failures->Value() > before + 1; }));
    CHECK(f.addresses() == all);
  }
  ill = 3;
  CHECK(f.WaitForAddresses(""));
  ill = 0;
  CHECK(f.WaitForAddresses(all));
}

TEST_CASE("a Docker daemon over HTTP gets the HTTP settings", "[discovery][docker]") {
  std::atomic<bool> authorized{true};
  const test::HttpServer daemon([&](const Received& received) {
    if (received.Header("Authorization") != "Bearer t") authorized = false;
    if (received.target == "/_ping") return Reply{.status = 403};  // a proxy that does not let it through
    return Reply{.body = received.target == "/networks" ? std::string(kNetworks) : std::string(kContainers)};
  });
  DockerSdConfig config = DockerConfig(daemon.Url(""));
  config.http.authorization = Authorization{.credentials = Secret("t")};
  DiscoveryFixture f;
  f.Run(MustHave(NewDockerDiscovery(f.environment(), config, std::nullopt)));
  CHECK(f.WaitForAddresses("[fd00::2]:80 [fd00::2]:81 localhost [fd00::2]:80"));
  CHECK(authorized);
}

}  // namespace vedette::collector
