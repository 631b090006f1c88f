#include "collector/discovery/kinds.h"

#include <string_view>

namespace vedette::collector {
namespace {

using NewResult = Result<std::unique_ptr<Discovery>>;

/// Says of each kind how one is made, and what names the place that it asks.
struct Maker {
  const DiscoveryEnvironment& environment;
  KnownGroups known;

  NewResult operator()(const std::vector<StaticConfig>& lists) { return NewStaticDiscovery(lists); }
  NewResult operator()(const FileSdConfig& config) { return NewFileDiscovery(environment, config); }
  NewResult operator()(const HttpSdConfig& config) { return NewHttpDiscovery(environment, config, std::move(known)); }
  NewResult operator()(const DnsSdConfig& config) { return NewDnsDiscovery(environment, config); }
  NewResult operator()(const ConsulSdConfig& config) {
    return NewConsulDiscovery(environment, config, std::move(known));
  }
  NewResult operator()(const DockerSdConfig& config) {
    return NewDockerDiscovery(environment, config, std::move(known));
  }
  NewResult operator()(const Ec2SdConfig& config) { return NewEc2Discovery(environment, config, std::move(known)); }
  NewResult operator()(const KubernetesSdConfig& config) {
    return NewKubernetesDiscovery(environment, config, known.has_value());
  }
};

/// Empty: nobody else's targets are its own.
struct PlaceOf {
  std::string operator()(const std::vector<StaticConfig>&) const { return {}; }
  std::string operator()(const FileSdConfig&) const { return {}; }
  std::string operator()(const HttpSdConfig& config) const { return config.url; }
  std::string operator()(const DnsSdConfig&) const { return {}; }
  std::string operator()(const ConsulSdConfig& config) const {
    return fmt::format("{} {} {} {} {}", config.server, config.path_prefix, config.datacenter, config.namespace_,
                       config.partition);
  }
  std::string operator()(const DockerSdConfig& config) const { return config.host; }
  std::string operator()(const Ec2SdConfig& config) const {
    return fmt::format("{} {} {} {} {}", config.region, config.endpoint, config.access_key, config.profile,
                       config.role_arn);
  }
  std::string operator()(const KubernetesSdConfig& config) const {
    std::string place = fmt::format("{} {} {} {}", KubernetesRoleName(config.role), config.api_server,
                                    config.kubeconfig_file, config.own_namespace);
    for (const std::string& ns : config.namespaces) place += " " + ns;
    for (const auto& [role, label, field] : config.selectors) {
      place += fmt::format("\n{} {} {}", KubernetesRoleName(role), label, field);
    }
    const auto& [node, ns, deployment, job, cronjob] = config.attach;
    return place + fmt::format("\n{} {} {} {} {}", node, ns, deployment, job, cronjob);
  }
};

template <class Sd>
Status CheckClients(std::string_view kind, const std::vector<Sd>& configs) {
  for (const Sd& config : configs) {
    if (const Status valid = HttpClient::Validate(config.http); !valid) return Annotate(kind, valid.error());
  }
  return Ok();
}

}  // namespace

std::vector<DiscoveryConfig> DiscoveriesOf(const ScrapeConfig& job) {
  std::vector<DiscoveryConfig> all{job.static_configs};
  const auto add = [&](const auto& configs) { all.insert(all.end(), configs.begin(), configs.end()); };
  add(job.file_sd_configs);
  add(job.http_sd_configs);
  add(job.dns_sd_configs);
  add(job.consul_sd_configs);
  add(job.docker_sd_configs);
  add(job.ec2_sd_configs);
  add(job.kubernetes_sd_configs);
  return all;
}

Status CheckDiscoveries(const ScrapeConfig& job) {
  VEDETTE_CHECK(CheckClients("http_sd_configs", job.http_sd_configs));
  VEDETTE_CHECK(CheckClients("consul_sd_configs", job.consul_sd_configs));
  VEDETTE_CHECK(CheckClients("docker_sd_configs", job.docker_sd_configs));
  VEDETTE_CHECK(CheckClients("kubernetes_sd_configs", job.kubernetes_sd_configs));
  return CheckClients("ec2_sd_configs", job.ec2_sd_configs);
}

bool AskSamePlace(const DiscoveryConfig& a, const DiscoveryConfig& b) {
  const std::string place = std::visit(PlaceOf(), a);
  return a.index() == b.index() && !place.empty() && place == std::visit(PlaceOf(), b);
}

Result<std::unique_ptr<Discovery>> NewDiscovery(const DiscoveryEnvironment& environment, const DiscoveryConfig& config,
                                                KnownGroups known) {
  return std::visit(Maker{environment, std::move(known)}, config);
}

}  // namespace vedette::collector
