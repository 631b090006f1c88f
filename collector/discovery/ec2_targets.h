// What EC2's Query API is asked for, and what it answers.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "collector/discovery/discovery.h"
#include "core/result.h"

namespace vedette::collector {

/// The body of a request for a page of the instances; `token`: of the page before, empty for the first.
std::string Ec2InstancesQuery(const Ec2SdConfig& config, std::string_view token);
inline constexpr std::string_view kEc2ZonesQuery = "Action=DescribeAvailabilityZones&Version=2016-11-15";

struct Ec2Page {
  TargetGroup group;
  std::string next_token;  // empty on the last page
};
/// `zones`: the id of each availability zone.
Result<Ec2Page> ParseEc2Instances(std::string_view body, const Ec2SdConfig& config, std::string_view region,
                                  const std::map<std::string, std::string>& zones);
Result<std::map<std::string, std::string>> ParseEc2Zones(std::string_view body);

/// Code and message of a reply that is no success: "UnauthorizedOperation: You are not ...". Empty when it is none of
/// AWS.
std::string AwsErrorText(std::string_view body);

}  // namespace vedette::collector
