#include <atomic>
#include <map>
#include <mutex>

#include "collector/discovery/aws_replies.h"
#include "collector/discovery/ec2_targets.h"
#include "collector/discovery/xml.h"
#include "tests/support/catch.h"
#include "tests/support/http_server.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/collector/discovery_fixture.h"

namespace vedette::collector {
namespace {

using namespace std::chrono_literals;
using test::Received;
using test::Reply;

std::string Instances(std::string_view instances, std::string_view token = {}) {
  return fmt::format(
      "<?xml version=\"1.0\"?>\n<DescribeInstancesResponse xmlns=\"http://ec2/\"><reservationSet><item>"
      "<ownerId>42</ownerId><instancesSet>{}</instancesSet></item></reservationSet><nextToken>{}</nextToken>"
      "</DescribeInstancesResponse>",
      instances, token);
}
std::string Instance(std::string_view ip) {
  return fmt::format("<item><instanceId>i</instanceId><privateIpAddress>{}</privateIpAddress></item>", ip);
}

constexpr std::string_view kFull = R"(<item><instanceId>i-1</instanceId><imageId>ami-1</imageId>
<instanceState><code>16</code><name>running</name></instanceState><privateDnsName>p.internal</privateDnsName>
<dnsName>pub.example</dnsName><instanceType>t3.micro</instanceType><platform>windows</platform>
<placement><availabilityZone>eu-west-1a</availabilityZone></placement><subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId>
<privateIpAddress>10.0.0.1</privateIpAddress><ipAddress>1.2.3.4</ipAddress><architecture>x86_64</architecture>
<instanceLifecycle>spot</instanceLifecycle>
<tagSet><item><key>Name</key><value>a &amp; b</value></item><item><key>k8s.io/role</key><value>c</value></item></tagSet>
<networkInterfaceSet>
 <item><subnetId>subnet-1</subnetId><attachment><deviceIndex>0</deviceIndex></attachment><ipv6AddressesSet>
  <item><ipv6Address>fd00::1</ipv6Address><isPrimaryIpv6>false</isPrimaryIpv6></item></ipv6AddressesSet></item>
 <item><subnetId>subnet-2</subnetId><attachment><deviceIndex>1</deviceIndex></attachment><ipv6AddressesSet>
  <item><ipv6Address>fd00::2</ipv6Address><isPrimaryIpv6>true</isPrimaryIpv6></item></ipv6AddressesSet></item>
 <item><subnetId>subnet-1</subnetId></item>
</networkInterfaceSet></item>)";

constexpr std::string_view kZones =
    "<DescribeAvailabilityZonesResponse><availabilityZoneInfo><item><zoneName>eu-west-1a</zoneName>"
    "<zoneId>euw1-az2</zoneId></item></availabilityZoneInfo></DescribeAvailabilityZonesResponse>";

std::string Assumed(std::string_view key, std::string_view expires) {
  return fmt::format(
      "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>{}</AccessKeyId><SecretAccessKey>s"
      "</SecretAccessKey><SessionToken>role-token</SessionToken><Expiration>{}</Expiration></Credentials>"
      "</AssumeRoleResult></AssumeRoleResponse>",
      key, expires);
}

/// EC2, STS and the instance's metadata service in one server, with an environment that leads to it.
class FakeAws {
 public:
  FakeAws() : server_([this](const Received& received) { return Answer(received); }) {}

  std::map<std::string, std::string> environment;
  std::atomic<int> ill{0};
  std::string expires = "2199-01-01T00:00:00Z";

  EnvironmentLookup Lookup() {
    environment.try_emplace("AWS_ENDPOINT_URL", server_.Url(""));
    environment.try_emplace("AWS_EC2_METADATA_SERVICE_ENDPOINT", server_.Url("/"));
    environment.try_emplace("HOME", "/nonexistent");
    return [variables = environment](const char* name) {
      const auto found = variables.find(name);
      return found == variables.end() ? std::string() : found->second;
    };
  }
  /// The access key, and the token, with which EC2 was asked last.
  std::string Asker() const {
    std::string asker;
    for (const Received& received : server_.requests()) {
      if (received.body.find("DescribeInstances") == std::string::npos) continue;
      const std::string header = received.Header("Authorization");
      const std::size_t begin = header.find("Credential=") + 11;
      asker = header.substr(begin, header.find('/') - begin) + " " + received.Header("X-Amz-Security-Token");
    }
    return asker;
  }
  const test::HttpServer& server() const { return server_; }

 private:
  Reply Answer(const Received& received) const {
    const auto asks = [&](std::string_view what) { return received.body.find(what) != std::string::npos; };
    if (received.target == "/latest/api/token") {
      const bool good = received.method == "PUT" && !received.Header("X-aws-ec2-metadata-token-ttl-seconds").empty();
      return good ? Reply{.body = "imds"} : Reply{.status = 400};
    }
    if (received.target.starts_with("/latest/")) {
      if (received.Header("X-aws-ec2-metadata-token") != "imds") return Reply{.status = 401};
      if (received.target.ends_with("/document")) return Reply{.body = R"({"region": "eu-west-9"})"};
      if (received.target.ends_with("/security-credentials/")) return Reply{.body = "my-role\n"};
      return Reply{.body = fmt::format(R"({{"Code": "Success", "AccessKeyId": "INSTANCE", "SecretAccessKey": "s",
                                            "Token": "t", "Expiration": "{}"}})",
                                       expires)};
    }
    if (asks("Action=AssumeRole")) return Reply{.body = Assumed("ROLE", expires)};
    if (ill == 1) {
      return Reply{.status = 403,
                   .body =
                       "<Response><Errors><Error><Code>AuthFailure</Code><Message>no</Message>"
                       "</Error></Errors></Response>"};
    }
    if (ill == 2) return Reply{.body = "<html><br></html>"};
    if (ill == 3) return Reply{.body = Instances("", "again and again")};
    if (asks("DescribeAvailabilityZones")) return Reply{.body = std::string(kZones)};
    if (asks("NextToken=p%2F2")) return Reply{.body = Instances(Instance("10.0.0.2"))};
    return Reply{.body = Instances(kFull, "p/2")};
  }

  test::HttpServer server_;
};

Ec2SdConfig Ec2Config() {
  Ec2SdConfig config;
  config.region = "eu-west-1";
  config.refresh_interval = 20ms;
  return config;
}

}  // namespace

TEST_CASE("XML is read, and what is none is refused", "[discovery][xml]") {
  const XmlElement root =
      MustHave(ParseXml("\xef\xbb\xbf<?xml?><!-- <x> --><s:a x='1>' y=\"'\"> t<b/><b>&lt;&#65;&#x42;"
                        "</b><![CDATA[<&]]></s:a> <!-- end -->"));
  CHECK(root.name == "a");
  CHECK(root.text == " t<&");
  REQUIRE(root.children.size() == 2);
  CHECK(root.children[1].text == "<AB");
  CHECK(root["c"]["d"].text.empty());
  for (const char* bad : {"", "a", "<a>", "<a></b>", "<a/><b/>", "<a/>x", "</a>", "<a", "<a b>", "<a b='>", "<>",
                          "<a>&nbsp;</a>", "<a>&#0;</a>", "<a>&#99999999999;</a>", "<!DOCTYPE a [<!ENTITY b 'c'>]><a/>",
                          "<a><![CDATA[</a>", "<!-- <a/>", "<a>&amp</a>"}) {
    INFO(bad);
    CHECK_FALSE(ParseXml(bad).has_value());
  }
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "<a>";
  CHECK(ParseXml(deep).error().code == Code::kLimit);
}

TEST_CASE("EC2 instances become targets as Prometheus makes them", "[discovery][ec2]") {
  const auto zones = MustHave(ParseEc2Zones(kZones));
  const Ec2Page page = MustHave(ParseEc2Instances(Instances(kFull, "more"), Ec2Config(), "eu-west-1", zones));
  CHECK(page.next_token == "more");
  CHECK(page.group.source == "eu-west-1");
  REQUIRE(page.group.targets.size() == 1);
  CHECK(page.group.targets[0] == Labels{{"__address__", "10.0.0.1:80"},
                                        {"__meta_ec2_ami", "ami-1"},
                                        {"__meta_ec2_architecture", "x86_64"},
                                        {"__meta_ec2_availability_zone", "eu-west-1a"},
                                        {"__meta_ec2_availability_zone_id", "euw1-az2"},
                                        {"__meta_ec2_default_ipv6_address", "fd00::2"},
                                        {"__meta_ec2_instance_id", "i-1"},
                                        {"__meta_ec2_instance_lifecycle", "spot"},
                                        {"__meta_ec2_instance_state", "running"},
                                        {"__meta_ec2_instance_type", "t3.micro"},
                                        {"__meta_ec2_ipv6_addresses", ",fd00::1,fd00::2,"},
                                        {"__meta_ec2_owner_id", "42"},
                                        {"__meta_ec2_platform", "windows"},
                                        {"__meta_ec2_primary_ipv6_addresses", ",,fd00::2,"},
                                        {"__meta_ec2_primary_subnet_id", "subnet-1"},
                                        {"__meta_ec2_private_dns_name", "p.internal"},
                                        {"__meta_ec2_private_ip", "10.0.0.1"},
                                        {"__meta_ec2_public_dns_name", "pub.example"},
                                        {"__meta_ec2_public_ip", "1.2.3.4"},
                                        {"__meta_ec2_region", "eu-west-1"},
                                        {"__meta_ec2_subnet_id", ",subnet-1,subnet-2,"},
                                        {"__meta_ec2_tag_Name", "a & b"},
                                        {"__meta_ec2_tag_k8s_io_role", "c"},
                                        {"__meta_ec2_vpc_id", "vpc-1"}});
  // Without an address it is no target.
  CHECK(MustHave(ParseEc2Instances(Instances("<item/>"), Ec2Config(), "r", {})).group.targets.empty());
  CHECK_FALSE(ParseEc2Instances(kZones, Ec2Config(), "r", {}).has_value());
  CHECK_FALSE(ParseEc2Zones("<a/>").has_value());
}

TEST_CASE("EC2's queries carry filters and pages", "[discovery][ec2]") {
  Ec2SdConfig config = Ec2Config();
  config.filters = {{"tag:a", {"b c", "d"}}, {"instance-state-name", {"running"}}};
  CHECK(Ec2InstancesQuery(config, "t=") ==
        "Action=DescribeInstances&Version=2016-11-15&MaxResults=1000&Filter.1.Name=tag%3Aa&Filter.1.Value.1=b%20c&"
        "Filter.1.Value.2=d&Filter.2.Name=instance-state-name&Filter.2.Value.1=running&NextToken=t%3D");
}

TEST_CASE("AWS credentials are read from files and replies", "[discovery][ec2]") {
  constexpr std::string_view kFile =
      "# c\n[default]\naws_access_key_id = A\naws_secret_access_key=B\n\n[ other ]\r\naws_access_key_id=C\r\n"
      "aws_secret_access_key = D = E\naws_session_token=F\nregion = r\n[profile third]\nrole_arn = x\n";
  CHECK(ParseAwsProfile(kFile, "default", false).credentials == AwsCredentials{"A", Secret("B"), {}});
  const AwsProfile other = ParseAwsProfile(kFile, "other", false);
  CHECK(other.credentials == AwsCredentials{"C", Secret("D = E"), Secret("F")});
  CHECK(other.region == "r");
  CHECK(ParseAwsProfile(kFile, "third", true).unknown_source);
  CHECK_FALSE(ParseAwsProfile(kFile, "third", false).found);
  CHECK_FALSE(ParseAwsProfile("[", "x", false).found);

  CHECK(MustHave(ParseAssumedRole(Assumed("K", "2030-01-02T03:04:05.678Z"))).expires->ms % 1000 == 678);
  CHECK_FALSE(ParseAssumedRole("<AssumeRoleResponse/>").has_value());
  CHECK_FALSE(ParseAssumedRole(Assumed("K", "soon")).has_value());
  for (const char* bad : {"", "[]", "{}", R"({"AccessKeyId": 1})", R"({"Code": "Failed", "AccessKeyId": "a",
                          "SecretAccessKey": "b"})"}) {
    CHECK_FALSE(ParseAwsLease(bad).has_value());
  }
  CHECK_FALSE(ParseIdentityRegion("{}").has_value());
  CHECK(AwsErrorText("<ErrorResponse><Error><Code>c</Code><Message>m</Message></Error></ErrorResponse>") == "c: m");
  CHECK(AwsErrorText("<html>").empty());
}

TEST_CASE("EC2 instances are found on all pages, and stay while it is ill", "[discovery][ec2]") {
  FakeAws aws;
  Ec2SdConfig config = Ec2Config();
  config.access_key = "FILE";
  config.secret_key = Secret("s");
  DiscoveryFixture f;
  f.Run(MustHave(NewEc2Discovery(f.environment(), config, std::nullopt, aws.Lookup())));
  REQUIRE(f.WaitForAddresses("10.0.0.1:80 10.0.0.2:80"));
  CHECK(f.groups().at(0).targets.at(0).Get("__meta_ec2_availability_zone_id") == "euw1-az2");
  CHECK(aws.Asker() == "FILE ");
  for (const int kind : {1, 2, 3}) {
    aws.ill = kind;
    const double before = f.metrics.ec2_failures->Value();
    CHECK(DiscoveryFixture::WaitUntil([&] { return f.metrics.ec2_failures->Value() > before; }));
    CHECK(f.addresses() == "10.0.0.1:80 10.0.0.2:80");
  }
}

TEST_CASE("AWS credentials are found where Amazon's programs find them", "[discovery][ec2]") {
  const test::TempDir dir;
  FakeAws aws;
  Ec2SdConfig config = Ec2Config();
  std::string asker;
  SECTION("the environment") {
    aws.environment = {{"AWS_ACCESS_KEY_ID", "ENV"}, {"AWS_SECRET_ACCESS_KEY", "s"}, {"AWS_SESSION_TOKEN", "t"}};
    asker = "ENV t";
  }
  SECTION("a profile, which goes before the environment") {
    dir.Write(".aws/credentials", "[p]\naws_access_key_id=PROFILE\naws_secret_access_key=s\n");
    aws.environment = {{"HOME", dir.path().string()}, {"AWS_ACCESS_KEY_ID", "ENV"}, {"AWS_SECRET_ACCESS_KEY", "s"}};
    config.profile = "p";
    asker = "PROFILE ";
  }
  SECTION("the default profile") {
    aws.environment = {
        {"AWS_SHARED_CREDENTIALS_FILE",
         dir.Write("c", "[default]\naws_access_key_id=DEFAULT\naws_secret_access_key=s\naws_session_token=u\n")}};
    asker = "DEFAULT u";
  }
  SECTION("the role of the instance, in its region") {
    config.region.clear();
    asker = "INSTANCE t";
  }
  SECTION("a role that is assumed") {
    aws.environment = {{"AWS_ACCESS_KEY_ID", "ENV"}, {"AWS_SECRET_ACCESS_KEY", "s"}};
    config.role_arn = "arn:aws:iam::1:role/r";
    config.external_id = "e";
    asker = "ROLE role-token";
  }
  SECTION("a web identity") {
    aws.environment = {{"AWS_WEB_IDENTITY_TOKEN_FILE", dir.Write("token", "jwt\n")}, {"AWS_ROLE_ARN", "arn"}};
    asker = "ROLE role-token";
  }
  SECTION("a container") {
    aws.environment = {{"AWS_CONTAINER_CREDENTIALS_FULL_URI", aws.server().Url("/latest/x")},
                       {"AWS_CONTAINER_AUTHORIZATION_TOKEN", "a"}};
    asker = "";
  }
  DiscoveryFixture f;
  f.Run(MustHave(NewEc2Discovery(f.environment(), config, std::nullopt, aws.Lookup())));
  if (asker.empty()) {  // this one is refused
    CHECK(f.WaitForAddresses(""));
    CHECK(aws.server().requests().front().Header("Authorization") == "a");
    return;
  }
  REQUIRE(f.WaitForAddresses("10.0.0.1:80 10.0.0.2:80"));
  CHECK(aws.Asker() == asker);
  const std::string region = config.region.empty() ? "eu-west-9" : config.region;
  CHECK(f.groups().at(0).source == region);
}

TEST_CASE("AWS credentials that expire are asked for again, and without any there are no targets", "[discovery][ec2]") {
  FakeAws aws;
  DiscoveryFixture f;
  SECTION("expired") {
    aws.expires = "2020-01-01T00:00:00Z";
    f.Run(MustHave(NewEc2Discovery(f.environment(), Ec2Config(), std::nullopt, aws.Lookup())));
    REQUIRE(f.WaitForAddresses("10.0.0.1:80 10.0.0.2:80"));
    const auto requests = aws.server().requests();
    CHECK(std::ranges::count(requests, "/latest/meta-data/iam/security-credentials/my-role", &Received::target) > 1);
  }
  SECTION("none") {
    aws.environment = {{"AWS_EC2_METADATA_DISABLED", "true"}};
    f.Run(MustHave(NewEc2Discovery(f.environment(), Ec2Config(), std::nullopt, aws.Lookup())));
    CHECK(f.WaitForAddresses(""));
    CHECK(f.metrics.ec2_failures->Value() >= 1);
  }
}

}  // namespace vedette::collector
