#include "collector/discovery/ec2_targets.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "collector/discovery/discovery_task.h"
#include "collector/discovery/xml.h"
#include "core/url.h"

namespace vedette::collector {
namespace {

/// The most that one page may have: replies stay small.
constexpr int kPageSize = 1000;
/// Network cards of one instance; AWS has 15.
constexpr std::size_t kMaxDeviceIndex = 255;

using Texts = std::vector<std::string>;

struct Ipv6Addresses {
  Texts all, primary;  // primary by the number of the card, with gaps
  std::string standard;
};

Ipv6Addresses AddressesOf(const XmlElement& instance) {
  Ipv6Addresses found;
  if (!instance.Has("vpcId")) return found;
  for (const XmlElement& card : instance["networkInterfaceSet"].children) {
    if (!card.Has("subnetId")) continue;
    const std::string& number = card["attachment"]["deviceIndex"].text;
    std::size_t index = 0;
    std::from_chars(number.data(), number.data() + number.size(), index);
    for (const XmlElement& address : card["ipv6AddressesSet"].children) {
      const std::string& text = address["ipv6Address"].text;
      found.all.push_back(text);
      if (address["isPrimaryIpv6"].text != "true" || index > kMaxDeviceIndex) continue;
      if (found.primary.size() <= index) found.primary.resize(index + 1);
      found.primary[index] = text;
    }
  }
  for (const Texts* list : {&found.primary, &found.all}) {
    for (const std::string& text : *list) {
      if (found.standard.empty()) found.standard = text;
    }
  }
  return found;
}

/// Separators around it as well: a pattern need not know where in the list something is.
std::string Ec2List(const Texts& texts) { return fmt::format(",{},", fmt::join(texts, ",")); }

std::string SubnetsOf(const XmlElement& instance) {
  Texts subnets;
  for (const XmlElement& card : instance["networkInterfaceSet"].children) {
    const std::string& subnet = card["subnetId"].text;
    if (card.Has("subnetId") && std::ranges::find(subnets, subnet) == subnets.end()) subnets.push_back(subnet);
  }
  return Ec2List(subnets);
}

struct CopiedLabel {
  std::string_view label, element;
};
constexpr CopiedLabel kCopied[] = {
    {"__meta_ec2_instance_id", "instanceId"},
    {"__meta_ec2_private_ip", "privateIpAddress"},
    {"__meta_ec2_private_dns_name", "privateDnsName"},
    {"__meta_ec2_platform", "platform"},
    {"__meta_ec2_ami", "imageId"},
    {"__meta_ec2_instance_type", "instanceType"},
    {"__meta_ec2_instance_lifecycle", "instanceLifecycle"},
    {"__meta_ec2_architecture", "architecture"},
};

/// Nothing for an instance without an address.
std::optional<Labels> InstanceTarget(const XmlElement& instance, const Ec2SdConfig& config,
                                     const std::map<std::string, std::string>& zones) {
  const Ipv6Addresses ipv6 = AddressesOf(instance);
  const std::string& private_ip = instance["privateIpAddress"].text;
  const std::string& address = private_ip.empty() ? ipv6.standard : private_ip;
  if (address.empty()) return std::nullopt;
  LabelsBuilder labels;
  for (const XmlElement& tag : instance["tagSet"].children) {
    if (tag.Has("key") && tag.Has("value")) {
      labels.Set(SanitizedLabel("__meta_ec2_tag_", tag["key"].text), tag["value"].text);
    }
  }
  for (const CopiedLabel& row : kCopied) labels.Set(row.label, instance[row.element].text);
  labels.Set("__address__", JoinHostPort(address, config.port));
  labels.Set("__meta_ec2_default_ipv6_address", ipv6.standard);
  if (!ipv6.primary.empty()) labels.Set("__meta_ec2_primary_ipv6_addresses", Ec2List(ipv6.primary));
  if (!ipv6.all.empty()) labels.Set("__meta_ec2_ipv6_addresses", Ec2List(ipv6.all));
  if (instance.Has("ipAddress")) {
    labels.Set("__meta_ec2_public_ip", instance["ipAddress"].text);
    labels.Set("__meta_ec2_public_dns_name", instance["dnsName"].text);
  }
  const std::string& zone = instance["placement"]["availabilityZone"].text;
  labels.Set("__meta_ec2_availability_zone", zone);
  if (const auto id = zones.find(zone); id != zones.end()) labels.Set("__meta_ec2_availability_zone_id", id->second);
  labels.Set("__meta_ec2_instance_state", instance["instanceState"]["name"].text);
  if (instance.Has("vpcId")) {
    labels.Set("__meta_ec2_vpc_id", instance["vpcId"].text);
    labels.Set("__meta_ec2_primary_subnet_id", instance["subnetId"].text);
    labels.Set("__meta_ec2_subnet_id", SubnetsOf(instance));
  }
  return labels.Build();
}

/// The document, when its root is what was asked for.
Result<XmlElement> Ec2Reply(std::string_view body, std::string_view root) {
  VEDETTE_TRY(XmlElement reply, ParseXml(body));
  if (reply.name == root) return reply;
  return Fail(Code::kBadData, "the reply is a {} and no {}", Quote(reply.name), root);
}

}  // namespace

std::string Ec2InstancesQuery(const Ec2SdConfig& config, std::string_view token) {
  std::string query = fmt::format("Action=DescribeInstances&Version=2016-11-15&MaxResults={}", kPageSize);
  for (std::size_t i = 0; i < config.filters.size(); ++i) {
    const SdFilter& filter = config.filters[i];
    query += fmt::format("&Filter.{}.Name={}", i + 1, PercentEncode(filter.name));
    for (std::size_t k = 0; k < filter.values.size(); ++k) {
      query += fmt::format("&Filter.{}.Value.{}={}", i + 1, k + 1, PercentEncode(filter.values[k]));
    }
  }
  if (!token.empty()) query += "&NextToken=" + PercentEncode(token);
  return query;
}

Result<Ec2Page> ParseEc2Instances(std::string_view body, const Ec2SdConfig& config, std::string_view region,
                                  const std::map<std::string, std::string>& zones) {
  VEDETTE_TRY(const XmlElement reply, Ec2Reply(body, "DescribeInstancesResponse"));
  Ec2Page page{{std::string(region), {}, {}}, reply["nextToken"].text};
  for (const XmlElement& reservation : reply["reservationSet"].children) {
    for (const XmlElement& instance : reservation["instancesSet"].children) {
      const auto target = InstanceTarget(instance, config, zones);
      if (!target) continue;
      LabelsBuilder labels(*target);
      labels.Set("__meta_ec2_owner_id", reservation["ownerId"].text).Set("__meta_ec2_region", region);
      page.group.targets.push_back(labels.Build());
    }
  }
  return page;
}

Result<std::map<std::string, std::string>> ParseEc2Zones(std::string_view body) {
  VEDETTE_TRY(const XmlElement reply, Ec2Reply(body, "DescribeAvailabilityZonesResponse"));
  std::map<std::string, std::string> zones;
  for (const XmlElement& zone : reply["availabilityZoneInfo"].children) {
    if (zone.Has("zoneName") && zone.Has("zoneId")) zones[zone["zoneName"].text] = zone["zoneId"].text;
  }
  return zones;
}

std::string AwsErrorText(std::string_view body) {
  const auto reply = ParseXml(body);
  if (!reply) return {};
  const XmlElement& error = reply->Has("Errors") ? (*reply)["Errors"]["Error"] : (*reply)["Error"];
  return error.name.empty() ? std::string() : error["Code"].text + ": " + error["Message"].text;
}

}  // namespace vedette::collector
