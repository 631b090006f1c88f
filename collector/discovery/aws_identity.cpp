#include "collector/discovery/aws_identity.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <utility>

#include "collector/discovery/ec2_targets.h"
#include "collector/scrape/async.h"
#include "core/url.h"

namespace vedette::collector {
namespace {

namespace net = boost::asio;

constexpr std::size_t kMaxFile = 1 << 20;
constexpr std::size_t kMaxIdentityReply = 1 << 20;
/// Credentials are renewed so long before they expire: a request with them is under way for a while.
constexpr Millis kRenewBefore = std::chrono::minutes(1);
/// The metadata service is a hop away, or not there.
constexpr Millis kMetadataPatience = std::chrono::seconds(2);

Result<std::string> ReadSmallFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return Fail(Code::kIo, "{} cannot be read", path);
  std::string text(kMaxFile, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

std::string WithoutLineEnd(std::string text) {
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  return text;
}

/// The part of the names of the services that countries have of their own.
std::string_view DomainOf(std::string_view region) {
  if (region.starts_with("cn-")) return "amazonaws.com.cn";
  if (region.starts_with("us-iso-")) return "c2s.ic.gov";
  if (region.starts_with("us-isob-")) return "sc2s.sgov.gov";
  return "amazonaws.com";
}

}  // namespace

EnvironmentLookup ProcessEnvironment() {
  return [](const char* name) {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody sets the environment
    return std::string(value == nullptr ? "" : value);
  };
}

AwsIdentity::AwsIdentity(const Clock& clock, net::thread_pool& workers, const Ec2SdConfig& config,
                         const AwsClients& clients, EnvironmentLookup lookup, bool fips_sts)
    : config_(config),
      fips_sts_(fips_sts),
      lookup_(std::move(lookup)),
      clock_(clock),
      workers_(workers),
      clients_(clients),
      region_(config.region) {}

std::string AwsIdentity::ProfileName() const {
  if (!config_.profile.empty()) return config_.profile;
  const std::string named = lookup_("AWS_PROFILE");
  return named.empty() ? "default" : named;
}

std::string AwsIdentity::Endpoint(std::string_view service) const {
  const std::string suffix = service == "ec2" ? "EC2" : "STS";
  std::string endpoint = service == "ec2" ? config_.endpoint : std::string();
  if (endpoint.empty()) endpoint = lookup_(("AWS_ENDPOINT_URL_" + suffix).c_str());
  if (endpoint.empty()) endpoint = lookup_("AWS_ENDPOINT_URL");
  const std::string_view kind = service == "sts" && fips_sts_ ? "-fips" : "";
  if (endpoint.empty()) endpoint = fmt::format("https://{}{}.{}.{}", service, kind, region_, DomainOf(region_));
  if (endpoint.find("://") == std::string::npos) endpoint.insert(0, "https://");
  return endpoint;
}

net::awaitable<Result<std::string>> AwsIdentity::Region(Millis patience) {
  deadline_.emplace(clock_, patience);
  if (region_.empty()) region_ = lookup_("AWS_REGION");
  if (region_.empty()) region_ = lookup_("AWS_DEFAULT_REGION");
  if (region_.empty()) region_ = (co_await ReadProfile(ProfileName())).region;
  if (region_.empty()) {
    const auto document = co_await AskInstance("/latest/dynamic/instance-identity/document");
    if (!document) co_return Annotate("could not determine AWS region", document.error());
    auto region = ParseIdentityRegion(*document);
    if (!region) co_return Annotate("could not determine AWS region", region.error());
    region_ = *std::move(region);
  }
  co_return region_;
}

net::awaitable<Result<AwsCredentials>> AwsIdentity::Credentials(Millis patience) {
  deadline_.emplace(clock_, patience);
  if (lease_ && (!lease_->expires || clock_.Now() + kRenewBefore < *lease_->expires)) co_return lease_->credentials;
  Lease lease = co_await FindLease();
  if (lease && !config_.role_arn.empty()) lease = co_await Assume(lease->credentials);
  if (!lease) co_return lease.error();
  lease_ = *std::move(lease);
  since_ = clock_.Monotonic();
  co_return lease_->credentials;
}

void AwsIdentity::Forget() {
  if (clock_.Monotonic() - since_ >= kRenewBefore) lease_.reset();
}

/// In the order of Amazon's SDK.
net::awaitable<AwsIdentity::Lease> AwsIdentity::FindLease() {
  if (!config_.access_key.empty() && !config_.secret_key.empty()) {
    co_return AwsLease{{config_.access_key, config_.secret_key, {}}, std::nullopt};
  }
  const std::string name = ProfileName();
  AwsProfile profile = co_await ReadProfile(name);
  if (!config_.profile.empty()) co_return co_await FromProfile(std::move(profile), name);
  AwsCredentials own{lookup_("AWS_ACCESS_KEY_ID"), Secret(lookup_("AWS_SECRET_ACCESS_KEY")),
                     Secret(lookup_("AWS_SESSION_TOKEN"))};
  if (!own.access_key.empty() && !own.secret_key.empty()) co_return AwsLease{std::move(own), std::nullopt};
  if (!lookup_("AWS_WEB_IDENTITY_TOKEN_FILE").empty()) co_return co_await FromWebIdentity();
  if (profile.unknown_source || !profile.credentials.access_key.empty()) {
    co_return co_await FromProfile(std::move(profile), name);
  }
  if (const std::string path = lookup_("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"); !path.empty()) {
    co_return co_await FromContainer("http://169.254.170.2" + path);
  }
  if (const std::string url = lookup_("AWS_CONTAINER_CREDENTIALS_FULL_URI"); !url.empty()) {
    co_return co_await FromContainer(url);
  }
  co_return co_await FromInstance();
}

/// What the credentials file says goes before what the other says.
net::awaitable<AwsProfile> AwsIdentity::ReadProfile(std::string name) const {
  AwsProfile profile;
  auto read = [&] {
    const auto path = [&](const char* variable, std::string_view usual) {
      const std::string own = lookup_(variable);
      return own.empty() ? lookup_("HOME") + std::string(usual) : own;
    };
    const auto config = ReadSmallFile(path("AWS_CONFIG_FILE", "/.aws/config"));
    if (config) profile = ParseAwsProfile(*config, name, true);
    const auto credentials = ReadSmallFile(path("AWS_SHARED_CREDENTIALS_FILE", "/.aws/credentials"));
    if (!credentials) return;
    AwsProfile other = ParseAwsProfile(*credentials, name, false);
    profile.found = profile.found || other.found;
    if (!other.credentials.access_key.empty()) profile.credentials = std::move(other.credentials);
    if (profile.region.empty()) profile.region = std::move(other.region);
    profile.unknown_source = profile.unknown_source || other.unknown_source;
  };
  co_await RunOn(workers_, read);
  co_return profile;
}

net::awaitable<AwsIdentity::Lease> AwsIdentity::FromProfile(AwsProfile profile, std::string name) const {
  if (!profile.found) co_return Fail(Code::kBadData, "there is no AWS profile {}", Quote(name));
  if (profile.unknown_source) {
    co_return Fail(Code::kBadData,
                   "AWS profile {} takes its credentials from elsewhere: use access_key, role_arn or the "
                   "environment",
                   Quote(name));
  }
  if (profile.credentials.access_key.empty() || profile.credentials.secret_key.empty()) {
    co_return Fail(Code::kBadData, "AWS profile {} has no credentials", Quote(name));
  }
  co_return AwsLease{std::move(profile.credentials), std::nullopt};
}

net::awaitable<AwsIdentity::Lease> AwsIdentity::FromWebIdentity() {
  Result<std::string> token = std::string();
  auto read = [&] { token = ReadSmallFile(lookup_("AWS_WEB_IDENTITY_TOKEN_FILE")); };
  co_await RunOn(workers_, read);
  if (!token) co_return token.error();
  std::string session = lookup_("AWS_ROLE_SESSION_NAME");
  if (session.empty()) session = "vedette";
  const auto reply = co_await AskSts(
      fmt::format(
          "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn={}&RoleSessionName={}&WebIdentityToken={}",
          PercentEncode(lookup_("AWS_ROLE_ARN")), PercentEncode(session),
          PercentEncode(WithoutLineEnd(*std::move(token)))),
      nullptr);
  if (!reply) co_return reply.error();
  co_return ParseAssumedRole(*reply);
}

net::awaitable<AwsIdentity::Lease> AwsIdentity::FromContainer(std::string url) {
  std::string token = lookup_("AWS_CONTAINER_AUTHORIZATION_TOKEN");
  if (const std::string file = lookup_("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"); !file.empty()) {
    Result<std::string> text = std::string();
    auto read = [&] { text = ReadSmallFile(file); };
    co_await RunOn(workers_, read);
    if (!text) co_return text.error();
    token = WithoutLineEnd(*std::move(text));
  }
  HttpRequest request;
  request.url = std::move(url);
  if (!token.empty()) request.headers = {{"Authorization", token}};
  const auto reply = co_await Get(clients_.metadata, std::move(request));
  if (!reply) co_return Annotate("credentials of the container", reply.error());
  co_return ParseAwsLease(*reply);
}

net::awaitable<AwsIdentity::Lease> AwsIdentity::FromInstance() {
  const std::string path = "/latest/meta-data/iam/security-credentials/";
  const auto role = co_await AskInstance(path);
  if (!role) co_return Annotate("no AWS credentials in the configuration and the environment, nor", role.error());
  const std::string name = role->substr(0, role->find_first_of("\r\n"));
  const auto reply = co_await AskInstance(path + PercentEncode(name));
  if (!reply) co_return reply.error();
  co_return ParseAwsLease(*reply);
}

net::awaitable<AwsIdentity::Lease> AwsIdentity::Assume(AwsCredentials by) {
  std::string query = fmt::format("Action=AssumeRole&Version=2011-06-15&RoleArn={}&RoleSessionName=vedette",
                                  PercentEncode(config_.role_arn));
  if (!config_.external_id.empty()) query += "&ExternalId=" + PercentEncode(config_.external_id);
  const auto reply = co_await AskSts(std::move(query), &by);
  if (!reply) co_return Annotate("assuming the role " + config_.role_arn, reply.error());
  co_return ParseAssumedRole(*reply);
}

/// `by` null: unsigned.
net::awaitable<Result<std::string>> AwsIdentity::AskSts(std::string query, const AwsCredentials* by) {
  HttpRequest request;
  request.method = "POST";
  request.url = Endpoint("sts");
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}};
  request.body = std::move(query);
  if (by != nullptr) {
    const Status signed_ = SignAws(request, *by, region_, "sts", clock_.Now());
    if (!signed_) co_return signed_.error();
  }
  co_return co_await Get(clients_.services, std::move(request));
}

/// Version 2 of the service: each question needs a token.
net::awaitable<Result<std::string>> AwsIdentity::AskInstance(std::string path) {
  if (EqualsIgnoreCase(lookup_("AWS_EC2_METADATA_DISABLED"), "true")) {
    co_return Fail(Code::kUnavailable, "the instance metadata service: it is switched off");
  }
  std::string base = lookup_("AWS_EC2_METADATA_SERVICE_ENDPOINT");
  while (base.ends_with('/')) base.pop_back();
  if (base.empty()) base = "http://169.254.169.254";
  HttpRequest ask;
  ask.method = "PUT";
  ask.url = base + "/latest/api/token";
  ask.headers = {{"X-aws-ec2-metadata-token-ttl-seconds", "300"}};
  const auto token = co_await Get(clients_.metadata, std::move(ask));
  if (!token) co_return Annotate("the instance metadata service", token.error());
  HttpRequest request;
  request.url = base + path;
  request.headers = {{"X-aws-ec2-metadata-token", *token}};
  auto reply = co_await Get(clients_.metadata, std::move(request));
  if (!reply) co_return Annotate("the instance metadata service", reply.error());
  co_return reply;
}

net::awaitable<Result<std::string>> AwsIdentity::Get(const std::unique_ptr<HttpClient>& client,
                                                     HttpRequest request) const {
  if (!client) co_return Fail(Code::kCanceled, "stopped");
  const Millis patience = deadline_->Left();
  if (patience == Millis(0)) co_return Fail(Code::kTimeout, "no time was left to ask");
  request.timeout = &client == &clients_.metadata ? std::min(patience, kMetadataPatience) : patience;
  request.max_body_bytes = kMaxIdentityReply;
  auto response = co_await Fetch(*client, std::move(request));
  if (response && response->status != 200) {
    std::string why;
    auto read = [&] { why = AwsErrorText(response->body); };
    co_await RunOn(workers_, read);
    // What else is in there may be a secret
    co_return Fail(Code::kUnavailable, "server returned HTTP status {}{}{}", response->status, why.empty() ? "" : ": ",
                   why);
  }
  co_return BodyOf(std::move(response));
}

}  // namespace vedette::collector
