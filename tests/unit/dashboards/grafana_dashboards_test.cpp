// The Grafana dashboards: sound JSON, expressions that parse, and only series that the host collector yields.
#include <fstream>
#include <set>

#include <nlohmann/json.hpp>

#include "analytics/promql/parser.h"
#include "tests/unit/collector/host_fixture.h"

namespace vedette::dashboards {
namespace {

using nlohmann::json;

json Load(const std::filesystem::path& path) {
  std::ifstream file(path);
  return json::parse(file);
}

std::vector<std::filesystem::path> Dashboards() {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator("dashboards/grafana/dashboards")) {
    if (entry.path().extension() == ".json") paths.push_back(entry.path());
  }
  return paths;
}

/// Grafana's variables replaced by what they may stand for.
std::string Expand(std::string expr) {
  for (const auto& [variable, value] : {std::pair("$__rate_interval", "5m"), std::pair("$__interval", "1m")}) {
    for (std::size_t at = expr.find(variable); at != std::string::npos; at = expr.find(variable)) {
      expr.replace(at, std::string_view(variable).size(), value);
    }
  }
  return expr;
}

/// Metric names: the words that start with node_.
std::set<std::string> NodeNames(const std::string& text) {
  std::set<std::string> names;
  for (std::size_t at = text.find("node_"); at != std::string::npos;) {
    const std::size_t end =
        text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789", at);
    names.insert(text.substr(at, end - at));
    at = end == std::string::npos ? end : text.find("node_", end);
  }
  return names;
}

/// Every series that a dashboard may use, from a machine with one of everything.
std::set<std::string> HostSeries() {
  collector::HostFixture host({"cpu", "diskstats", "filesystem", "loadavg", "meminfo", "netdev", "netstat", "pressure",
                               "sockstat", "stat", "time", "uname", "vmstat"});
  host.Write("proc/stat",
             "cpu0 1 1 1 1 1 1 1 1 1 1\nintr 1\nctxt 1\nbtime 1\nprocesses 1\nprocs_running 1\nprocs_blocked 1\n");
  host.Write("proc/diskstats", "8 0 sda 1 2 3 4 5 6 7 8 9 10 11\n");
  host.Write("proc/mounts", "/dev/sda /data ext4 rw 0 0\n");
  std::filesystem::create_directories(host.dir.path() / "root/data");
  host.Write("proc/loadavg", "1 1 1 1/1 1\n");
  host.Write("proc/meminfo",
             "MemTotal: 1 kB\nMemFree: 1 kB\nMemAvailable: 1 kB\nBuffers: 1 kB\nCached: 1 kB\nSReclaimable: 1 kB\n");
  host.Write("proc/net/dev", "Inter-|\n face |\neth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n");
  host.Write("proc/net/netstat", "TcpExt: ListenDrops\nTcpExt: 1\n");
  host.Write("proc/net/snmp", "Tcp: CurrEstab RetransSegs InErrs\nTcp: 1 2 3\n");
  host.Write("proc/net/sockstat", "TCP: inuse 1 tw 2\n");
  for (const char* name : {"cpu", "io", "memory"}) {
    host.Write(std::string("proc/pressure/") + name, "some total=1\nfull total=1\n");
  }
  host.Write("proc/vmstat", "pgmajfault 1\npswpin 1\npswpout 1\noom_kill 1\n");
  host.Write("sys/devices/system/clocksource/clocksource0/available_clocksource", "tsc\n");
  host.Write("sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n");
  return NodeNames(collector::SamplesOf(host.Collect()));
}

TEST_CASE("every expression of a dashboard parses and uses series that exist", "[grafana]") {
  const std::set<std::string> yielded = HostSeries();
  const auto paths = Dashboards();
  REQUIRE(!paths.empty());
  for (const auto& path : paths) {
    const json dashboard = Load(path);
    std::size_t expressions = 0;
    for (const json& panel : dashboard["panels"]) {
      for (const json& target : panel.value("targets", json::array())) {
        const std::string expr = Expand(target["expr"].get<std::string>());
        INFO(path << ": " << panel["title"] << ": " << expr);
        MustHave(promql::ParseExpr(expr));
        for (const std::string& name : NodeNames(expr)) {
          INFO(name);
          CHECK(yielded.contains(name));
        }
        ++expressions;
      }
    }
    CHECK(expressions > 10);
  }
}

TEST_CASE("panels have their own ids, lie on the grid and take the chosen data source", "[grafana]") {
  for (const auto& path : Dashboards()) {
    INFO(path);
    const json dashboard = Load(path);
    CHECK(!dashboard["uid"].get<std::string>().empty());
    CHECK(dashboard["templating"]["list"][0]["type"] == "datasource");
    std::set<int> ids;
    std::set<std::pair<int, int>> cells;
    for (const json& panel : dashboard["panels"]) {
      INFO(panel["title"]);
      CHECK(ids.insert(panel["id"].get<int>()).second);
      const json& grid = panel["gridPos"];
      const int left = grid["x"], top = grid["y"], right = left + grid["w"].get<int>(),
                bottom = top + grid["h"].get<int>();
      CHECK(right <= 24);
      bool free = true;
      for (int x = left; x < right; ++x) {
        for (int y = top; y < bottom; ++y) free = cells.insert({x, y}).second && free;
      }
      CHECK(free);
      if (panel["type"] != "row") CHECK(panel["datasource"]["uid"] == "${datasource}");
    }
  }
}

}  // namespace
}  // namespace vedette::dashboards
