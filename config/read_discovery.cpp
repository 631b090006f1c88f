// `*_sd_configs` and `static_configs`: the kinds that run. The others are in discovery.cpp.
#include <algorithm>

#include "config/section_check.h"

namespace vedette::config {
namespace {

using collector::ConsulSdConfig;
using collector::DnsSdConfig;
using collector::DockerSdConfig;
using collector::Ec2SdConfig;
using collector::FileSdConfig;
using collector::HttpSdConfig;
using collector::ScrapeConfig;
using collector::SdFilter;
using collector::StaticConfig;

/// The sections of one kind. Of a kind with an HTTP client the keys of http_config are read as well. `check` looks at
/// a section as a whole.
template <class Sd>
Status ReadSections(const YamlNode::Entry& list, const SectionContext& context, std::span<const Field<Sd>> fields,
                    Status (*check)(const YamlNode& section, Sd& sd), std::vector<Sd>& out) {
  constexpr bool kHasClient = requires(Sd sd) { sd.http; };
  const auto read = [&](const YamlNode& item, Sd& sd) -> Status {
    VEDETTE_TRY(const std::vector<YamlNode::Entry> entries, item.Map());
    for (const YamlNode::Entry& entry : entries) {
      const auto row = std::ranges::find(fields, entry.key, &Field<Sd>::key);
      if (row != fields.end()) {
        if (!entry.value.IsNull()) VEDETTE_CHECK(row->read(entry.value, sd));
        continue;
      }
      bool taken = false;
      if constexpr (kHasClient) {
        VEDETTE_TRY(taken, ReadHttpConfigKey(entry, sd.http));
      }
      if (taken) continue;
      return Fail(Code::kBadData, "{}:{}:{}: field {} not found in {}", item.file(), entry.line, entry.column,
                  entry.key, list.key);
    }
    VEDETTE_CHECK(check(item, sd));
    if constexpr (kHasClient) VEDETTE_CHECK(CheckHttpConfig(item, context, sd.http));
    return Ok();
  };
  return ReadList(list.value, out, "section in " + list.key, read);
}

template <auto Member>
Status SetPort(const YamlNode& node, internal::OwnerOf<Member>& out) {
  VEDETTE_CHECK(IsPort(node));
  return ReadValue(node, out.*Member);
}

constexpr Field<StaticConfig> kStaticFields[] = {{"targets", Set<&StaticConfig::targets>},
                                                 {"labels", Set<&StaticConfig::labels>}};

constexpr Field<FileSdConfig> kFileFields[] = {{"files", Set<&FileSdConfig::files>},
                                               {"refresh_interval", Set<&FileSdConfig::refresh_interval>}};

constexpr Field<HttpSdConfig> kHttpSdFields[] = {
    {"url", [](const YamlNode& node, HttpSdConfig& out) { return ReadHttpUrl(node, out.url); }},
    {"refresh_interval", Set<&HttpSdConfig::refresh_interval>},
};

constexpr Field<DnsSdConfig> kDnsFields[] = {
    {"names", Set<&DnsSdConfig::names>},
    {"type",
     [](const YamlNode& node, DnsSdConfig& out) -> Status {
       VEDETTE_TRY(const std::string text, node.As<std::string>());
       const auto type = collector::ParseDnsType(text);
       if (!type) return node.At(type.error().message);
       out.type = *type;
       return Ok();
     }},
    {"port", SetPort<&DnsSdConfig::port>},
    {"refresh_interval", Set<&DnsSdConfig::refresh_interval>},
};

/// These two are another way to write basic_auth.
BasicAuth& ConsulUser(ConsulSdConfig& sd) {
  return sd.http.basic_auth ? *sd.http.basic_auth : sd.http.basic_auth.emplace();
}

constexpr Field<ConsulSdConfig> kConsulFields[] = {
    {"server", Set<&ConsulSdConfig::server>},
    {"path_prefix", Set<&ConsulSdConfig::path_prefix>},
    {"token", Set<&ConsulSdConfig::token>},
    {"datacenter", Set<&ConsulSdConfig::datacenter>},
    {"namespace", Set<&ConsulSdConfig::namespace_>},
    {"partition", Set<&ConsulSdConfig::partition>},
    {"tag_separator", Set<&ConsulSdConfig::tag_separator>},
    {"scheme", Set<&ConsulSdConfig::scheme>},
    {"username",
     [](const YamlNode& node, ConsulSdConfig& out) {
       return node.text().empty() ? Ok() : ReadValue(node, ConsulUser(out).username);
     }},
    {"password",
     [](const YamlNode& node, ConsulSdConfig& out) {
       return node.text().empty() ? Ok() : ReadValue(node, ConsulUser(out).password);
     }},
    {"allow_stale", Set<&ConsulSdConfig::allow_stale>},
    {"refresh_interval", Set<&ConsulSdConfig::refresh_interval>},
    {"services", Set<&ConsulSdConfig::services>},
    {"tags", Set<&ConsulSdConfig::tags>},
    {"node_meta", Set<&ConsulSdConfig::node_meta>},
    {"filter", Set<&ConsulSdConfig::filter>},
    {"health_filter", Set<&ConsulSdConfig::health_filter>},
};

Status CheckConsul(const YamlNode& section, ConsulSdConfig& sd) {
  if (sd.server.find_first_not_of(" \t") == std::string::npos) {
    return section.At("consul SD configuration requires a server address");
  }
  if ((IsSet(section, "username") || IsSet(section, "password")) && IsSet(section, "basic_auth")) {
    return section.At("at most one of consul SD configuration username and password and basic auth can be configured");
  }
  if (!sd.token.empty() && (sd.http.authorization || IsSet(section, "oauth2"))) {
    return section.At("at most one of consul SD token, authorization, or oauth2 can be configured");
  }
  return Ok();
}

constexpr Field<SdFilter> kFilterFields[] = {{"name", Set<&SdFilter::name>}, {"values", Set<&SdFilter::values>}};

Status ReadFilters(const YamlNode& node, std::vector<SdFilter>& out) {
  return ReadList(node, out, "filter", [](const YamlNode& item, SdFilter& filter) {
    return ReadFields<SdFilter>(item, kFilterFields, filter, "filters");
  });
}

constexpr Field<DockerSdConfig> kDockerFields[] = {
    {"host", Set<&DockerSdConfig::host>},
    {"port", SetPort<&DockerSdConfig::port>},
    {"filters", [](const YamlNode& node, DockerSdConfig& out) { return ReadFilters(node, out.filters); }},
    {"host_networking_host", Set<&DockerSdConfig::host_networking_host>},
    {"match_first_network", Set<&DockerSdConfig::match_first_network>},
    {"refresh_interval", Set<&DockerSdConfig::refresh_interval>},
};

Status CheckDocker(const YamlNode& section, DockerSdConfig& sd) {
  return sd.host.empty() ? Status(section.At("host missing")) : Ok();
}

constexpr Field<Ec2SdConfig> kEc2Fields[] = {
    {"endpoint", Set<&Ec2SdConfig::endpoint>},
    {"region", Set<&Ec2SdConfig::region>},
    {"access_key", Set<&Ec2SdConfig::access_key>},
    {"secret_key", Set<&Ec2SdConfig::secret_key>},
    {"profile", Set<&Ec2SdConfig::profile>},
    {"role_arn", Set<&Ec2SdConfig::role_arn>},
    {"external_id", Set<&Ec2SdConfig::external_id>},
    {"port", SetPort<&Ec2SdConfig::port>},
    {"filters",
     [](const YamlNode& node, Ec2SdConfig& out) -> Status {
       VEDETTE_CHECK(IsAwsFilters(node));
       return ReadFilters(node, out.filters);
     }},
    {"refresh_interval", Set<&Ec2SdConfig::refresh_interval>},
};

Status CheckEc2(const YamlNode&, Ec2SdConfig&) { return Ok(); }

Status CheckFile(const YamlNode& section, FileSdConfig& sd) {
  if (const Status valid = sd.Validate(); !valid) return section.At(valid.error().message);
  return Ok();
}

Status CheckHttp(const YamlNode& section, HttpSdConfig& sd) {
  return sd.url.empty() ? Status(section.At("URL is missing")) : Ok();
}

Status CheckDns(const YamlNode& section, DnsSdConfig& sd) {
  if (sd.names.empty()) return section.At("DNS-SD config must contain at least one SRV record name");
  if (sd.type != collector::DnsType::kSrv && sd.port == 0) {
    return section.At("a port is required in DNS-SD configs for all record types except SRV");
  }
  return Ok();
}

struct RunningKind {
  std::string_view key;
  Status (*read)(const YamlNode::Entry& list, const SectionContext& context, ScrapeConfig& out);
};

constexpr RunningKind kRunningKinds[] = {
    {"consul_sd_configs",
     [](const YamlNode::Entry& list, const SectionContext& context, ScrapeConfig& out) {
       return ReadSections<ConsulSdConfig>(list, context, kConsulFields, CheckConsul, out.consul_sd_configs);
     }},
    {"dns_sd_configs",
     [](const YamlNode::Entry& list, const SectionContext& context, ScrapeConfig& out) {
       return ReadSections<DnsSdConfig>(list, context, kDnsFields, CheckDns, out.dns_sd_configs);
     }},
    {"docker_sd_configs",
     [](const YamlNode::Entry& list, const SectionContext& context, ScrapeConfig& out) {
       return ReadSections<DockerSdConfig>(list, context, kDockerFields, CheckDocker, out.docker_sd_configs);
     }},
    {"ec2_sd_configs",
     [](const YamlNode::Entry& list, const SectionContext& context, ScrapeConfig& out) {
       return ReadSections<Ec2SdConfig>(list, context, kEc2Fields, CheckEc2, out.ec2_sd_configs);
     }},
    {"file_sd_configs",
     [](const YamlNode::Entry& list, const SectionContext& context, ScrapeConfig& out) -> Status {
       VEDETTE_CHECK(ReadSections<FileSdConfig>(list, context, kFileFields, CheckFile, out.file_sd_configs));
       for (FileSdConfig& sd : out.file_sd_configs) {
         for (std::string& file : sd.files) file = ResolvePath(context.base_dir, file);
       }
       return Ok();
     }},
    {"http_sd_configs",
     [](const YamlNode::Entry& list, const SectionContext& context, ScrapeConfig& out) {
       return ReadSections<HttpSdConfig>(list, context, kHttpSdFields, CheckHttp, out.http_sd_configs);
     }},
};

}  // namespace

bool IsRunningDiscovery(std::string_view key) {
  if (key == "kubernetes_sd_configs") return true;  // checked and read in discovery_kubernetes.cpp
  return std::ranges::find(kRunningKinds, key, &RunningKind::key) != std::end(kRunningKinds);
}

Result<bool> ReadDiscovery(const YamlNode::Entry& entry, const SectionContext& context, ScrapeConfig& out) {
  const auto kind = std::ranges::find(kRunningKinds, entry.key, &RunningKind::key);
  if (kind == std::end(kRunningKinds)) return false;
  VEDETTE_CHECK(kind->read(entry, context, out));
  return true;
}

Status ReadStaticConfigs(const YamlNode& node, std::vector<StaticConfig>& out) {
  return ReadList(node, out, "section in static_configs", [](const YamlNode& item, StaticConfig& sc) {
    return ReadFields<StaticConfig>(item, kStaticFields, sc, "static_configs");
  });
}

Status IsStaticConfigs(const YamlNode& value) {
  std::vector<StaticConfig> configs;
  return ReadStaticConfigs(value, configs);
}

}  // namespace vedette::config
