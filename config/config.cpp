#include "config/config.h"

#include <unistd.h>

#include <filesystem>
#include <functional>

#include "config/section_check.h"

namespace vedette::config {
namespace {

/// The sections as they stand in the file; some depend on others (jobs on `global`), so they are read in order.
struct Root {
  Config config;
  GlobalSection global;
  SectionContext context;
};

Status ReadSection(const YamlNode& root, std::string_view key, const std::function<Status(const YamlNode&)>& read) {
  const auto node = root.Get(key);
  return node && !node->IsNull() ? read(*node) : Ok();
}

constexpr Field<Root> kRootFields[] = {
    {"global", [](const YamlNode&, Root&) { return Ok(); }},          // read before the others
    {"scrape_configs", [](const YamlNode&, Root&) { return Ok(); }},  // read after `global`
    {"rule_files",
     [](const YamlNode& node, Root& out) -> Status {
       VEDETTE_CHECK(ReadValue(node, out.config.rule_files));
       for (std::string& pattern : out.config.rule_files) pattern = ResolvePath(out.context.base_dir, pattern);
       return Ok();
     }},
    {"builtin_rules", [](const YamlNode& node, Root& out) { return ReadValue(node, out.config.builtin_rules); }},
    {"storage", [](const YamlNode& node, Root& out) { return ReadStorage(node, out.context, out.config.storage); }},
    {"host", [](const YamlNode& node, Root& out) { return ReadHost(node, out.config.host); }},
    {"probes", [](const YamlNode& node, Root& out) { return ReadProbes(node, out.context, out.config.probes); }},
    {"push", [](const YamlNode& node, Root& out) { return ReadPush(node, out.config.collector.push); }},
    {"alerting",
     [](const YamlNode& node, Root& out) -> Status {
       VEDETTE_CHECK(ReadAlerting(node, out.context, out.config.alerting));
       return ReadAlertmanagers(node, out.context, out.config.alertmanagers);
     }},
    {"incidents",
     [](const YamlNode& node, Root& out) {
       return ReadIncidents(node, out.config.alerting.incidents, out.config.alerting.delivery);
     }},
    {"analytics", [](const YamlNode& node, Root& out) { return ReadAnalytics(node, out.config.analytics); }},
    {"runtime", [](const YamlNode&, Root&) { return Ok(); }},              // Go's run time: nothing to set here
    {"scrape_config_files", [](const YamlNode&, Root&) { return Ok(); }},  // read after `scrape_configs`
    {"remote_write",
     [](const YamlNode& node, Root& out) { return ReadRemoteWrite(node, out.context, out.config.remote_write); }},
    {"remote_read",
     [](const YamlNode& node, Root& out) { return ReadRemoteRead(node, out.context, out.config.remote_read); }},
    {"otlp",
     [](const YamlNode& node, Root& out) {
       return ReadOtlp(node, out.global.scrape.metric_name_validation_scheme, out.config.collector.otlp);
     }},
    {"tracing", [](const YamlNode& node, Root&) { return CheckTracing(node); }},
};

std::string OwnHostName() {
  char name[256] = "localhost";
  gethostname(name, sizeof name - 1);
  return name;
}

/// The host collector is a scrape job like any other, only that its page is made in this process.
collector::ScrapeConfig HostJob(const collector::HostOptions& host) {
  collector::ScrapeConfig job;
  job.job_name = host.job;
  job.in_process_source = "host";
  job.scrape_interval = host.scrape_interval;
  job.static_configs.push_back({.targets = {OwnHostName()}, .labels = {}});
  return job;
}

/// The groups that were pushed, as if a Pushgateway were scraped with honor_labels.
collector::ScrapeConfig GatewayJob(const collector::PushOptions& push) {
  collector::ScrapeConfig job;
  job.job_name = push.pushgateway_job;
  job.in_process_source = "pushgateway";
  job.scrape_interval = push.pushgateway_scrape_interval;
  job.honor_labels = true;
  job.static_configs.push_back({.targets = {OwnHostName()}, .labels = {}});
  return job;
}

Result<Config> ReadRoot(const YamlNode& root, const std::string& file, FileCheck files,
                        const collector::GlobalScrapeOptions& defaults = {}) {
  Root out;
  out.global.scrape = defaults;
  out.config.file = file;
  out.config.host.enabled = false;  // only with a `host:` section: an existing prometheus.yml says nothing of it
  out.config.analytics.enabled = root.Has("analytics");
  std::error_code ignored;
  const auto folder = std::filesystem::absolute(file, ignored).parent_path();
  out.context = {.base_dir = folder.string(), .files = files};
  VEDETTE_CHECK(
      ReadSection(root, "global", [&](const YamlNode& node) { return ReadGlobal(node, out.context, out.global); }));
  out.config.collector.global = out.global.scrape;
  out.config.rules = out.global.rules;
  out.config.query_log_file = out.global.query_log_file;
  VEDETTE_CHECK(ReadFields<Root>(root, kRootFields, out, "the configuration"));
  VEDETTE_CHECK(ReadSection(root, "scrape_configs", [&](const YamlNode& node) {
    return ReadScrapeConfigs(node, out.global.scrape, out.context, out.config.collector.scrape_configs);
  }));
  std::vector<YamlNode> documents{root};
  VEDETTE_CHECK(ReadSection(root, "scrape_config_files", [&](const YamlNode& node) {
    return ReadScrapeConfigFiles(node, out.global.scrape, out.context, out.config.collector.scrape_configs, documents);
  }));
  if (out.config.probes.modules_file.empty()) {
    VEDETTE_TRY(out.config.probes.modules, LoadProbeModules(""));
  }
  for (const YamlNode& document : documents) ListNotRun(document, out.config.not_run);
  if (out.config.host.enabled) out.config.collector.scrape_configs.push_back(HostJob(out.config.host));
  const collector::PushOptions& push = out.config.collector.push;
  if (push.pushgateway) out.config.collector.scrape_configs.push_back(GatewayJob(push));
  if (const Status finished = out.config.collector.Finish(); !finished) return root.At(finished.error().message);
  out.config.masked_yaml = MaskedYaml(root);
  return std::move(out.config);
}

}  // namespace

Result<Config> ParseConfig(std::string_view text, const std::string& file, FileCheck files) {
  VEDETTE_TRY(const YamlDocument document, ParseYaml(text, file));
  return ReadRoot(document.root, file, files);
}

Result<Config> LoadConfig(const std::string& path, FileCheck files, const collector::GlobalScrapeOptions& defaults) {
  VEDETTE_TRY(const YamlDocument document, LoadYamlFile(path));
  return ReadRoot(document.root, path, files, defaults);
}

Status CheckAgentMode(const std::string& path) {
  VEDETTE_TRY(const YamlDocument document, LoadYamlFile(path));
  const YamlNode& root = document.root;
  for (const std::string_view key : {"rule_files", "remote_read"}) {
    if (IsSet(root, key)) return root.Get(key)->At(fmt::format("field {} is not allowed in agent mode", key));
  }
  if (const auto alerting = root.Get("alerting")) {
    for (const std::string_view key : {"alertmanagers", "alert_relabel_configs"}) {
      if (IsSet(*alerting, key)) return alerting->At("field alerting is not allowed in agent mode");
    }
  }
  return IsSet(root, "remote_write")
             ? Ok()
             : Status(root.At("at least one remote_write target must be specified in agent mode"));
}

Result<Config> DefaultConfig(std::string_view self_address) {
  // Host and self at 10 s, default alerts, and forecasts of what usually runs out.
  const std::string text = fmt::format(R"(global:
  scrape_interval: 10s
  evaluation_interval: 15s
storage:
  path: data
host:
  enabled: true
builtin_rules: true
scrape_configs:
  - job_name: vedette
    static_configs:
      - targets: ["{}"]
analytics:
  jobs:
    - name: cpu_busy
      kind: anomaly
      expr: 1 - avg by (instance) (rate(node_cpu_seconds_total{{mode="idle"}}[1m]))
      interval: 30s
      step: 30s
    - name: network_receive
      kind: anomaly
      expr: sum by (instance) (rate(node_network_receive_bytes_total[1m]))
      interval: 30s
      step: 30s
    - name: memory_available
      kind: forecast
      expr: node_memory_MemAvailable_bytes
      interval: 5m
      step: 1m
      horizon: 6h
    - name: filesystem_avail
      kind: forecast
      expr: node_filesystem_avail_bytes
      interval: 5m
      step: 5m
      horizon: 1d
)",
                                       self_address);
  std::error_code ignored;
  auto config = ParseConfig(text, (std::filesystem::current_path(ignored) / "built-in.yml").string());
  if (config) config->file.clear();
  return config;
}

}  // namespace vedette::config
