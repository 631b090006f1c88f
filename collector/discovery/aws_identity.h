// Who asks AWS, and where: region and credentials as Amazon's own programs find them. From the configuration, else from
// the environment, the files below ~/.aws, a container's or this instance's metadata service, and STS.
// Includes Asio: for .cpp files only.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "collector/discovery/aws_replies.h"
#include "collector/discovery/discovery_task.h"
#include "core/clock.h"

namespace vedette::collector {

EnvironmentLookup ProcessEnvironment();

/// Null after the discovery was stopped: who asks then is told kCanceled.
struct AwsClients {
  std::unique_ptr<HttpClient> services;  // with the HTTP settings of the discovery
  std::unique_ptr<HttpClient> metadata;  // without any, for what is on this machine
};

/// Used by one coroutine.
class AwsIdentity {
 public:
  /// `config` and `clients` outlive it. `fips_sts`: of STS the endpoint with validated cryptography.
  AwsIdentity(const Clock& clock, boost::asio::thread_pool& workers, const Ec2SdConfig& config,
              const AwsClients& clients, EnvironmentLookup lookup, bool fips_sts = false);

  /// All requests together may take `patience`. Found once.
  boost::asio::awaitable<Result<std::string>> Region(Millis patience);
  /// Kept until shortly before they expire.
  boost::asio::awaitable<Result<AwsCredentials>> Credentials(Millis patience);
  /// After they were refused. Those that are new are kept: others would be refused, too.
  void Forget();

  /// "https://ec2.REGION.amazonaws.com/", or what the environment says instead. After Region().
  std::string Endpoint(std::string_view service) const;

 private:
  using Lease = Result<AwsLease>;

  boost::asio::awaitable<AwsProfile> ReadProfile(std::string name) const;
  boost::asio::awaitable<Lease> FindLease();
  boost::asio::awaitable<Lease> FromProfile(AwsProfile profile, std::string name) const;
  boost::asio::awaitable<Lease> FromWebIdentity();
  boost::asio::awaitable<Lease> FromContainer(std::string url);
  boost::asio::awaitable<Lease> FromInstance();
  boost::asio::awaitable<Lease> Assume(AwsCredentials by);
  boost::asio::awaitable<Result<std::string>> AskSts(std::string query, const AwsCredentials* by);
  boost::asio::awaitable<Result<std::string>> AskInstance(std::string path);
  boost::asio::awaitable<Result<std::string>> Get(const std::unique_ptr<HttpClient>& client, HttpRequest request) const;
  std::string ProfileName() const;

  const Ec2SdConfig& config_;
  const bool fips_sts_;
  const EnvironmentLookup lookup_;
  const Clock& clock_;
  boost::asio::thread_pool& workers_;
  const AwsClients& clients_;
  std::optional<Deadline> deadline_;  // of what is found just now
  std::string region_;
  std::optional<AwsLease> lease_;
  std::chrono::nanoseconds since_{0};  // of the lease, in monotonic time
};

}  // namespace vedette::collector
