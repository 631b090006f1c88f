// Replies of AWS: XML, credentials and profiles. No crash, and every target has an address and a region.
#include <cstdint>
#include <cstdlib>

#include "collector/discovery/aws_replies.h"
#include "collector/discovery/ec2_targets.h"
#include "collector/discovery/xml.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vedette;
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  if (const auto xml = collector::ParseXml(body); !xml && xml.error().message.empty()) std::abort();
  if (const auto page = collector::ParseEc2Instances(body, {}, "region", {{"a", "b"}})) {
    for (const Labels& target : page->group.targets) {
      if (!target.Has("__address__") || target.Get("__meta_ec2_region") != "region") std::abort();
    }
  }
  (void)collector::ParseEc2Zones(body).has_value();
  (void)collector::AwsErrorText(body);
  if (const auto lease = collector::ParseAwsLease(body); lease && lease->credentials.access_key.empty()) std::abort();
  if (const auto role = collector::ParseAssumedRole(body); role && role->credentials.access_key.empty()) std::abort();
  (void)collector::ParseIdentityRegion(body).has_value();
  (void)collector::ParseAwsProfile(body, "default", size % 2 == 0);
  return 0;
}
