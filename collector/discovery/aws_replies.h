// Where AWS credentials stand: in files, and in the replies of services that hand them out. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/aws_sigv4.h"
#include "core/result.h"
#include "core/time.h"

namespace vedette::collector {

struct AwsLease {
  AwsCredentials credentials;
  std::optional<TimeMs> expires;
};

/// What `~/.aws/credentials` or `~/.aws/config` says of a profile. `config`: the latter, whose sections are named
/// "profile NAME".
struct AwsProfile {
  bool found = false;
  AwsCredentials credentials;
  std::string region;
  bool unknown_source = false;  // it wants a role, a process or single sign-on to give the credentials
};
AwsProfile ParseAwsProfile(std::string_view text, std::string_view profile, bool config);

/// Of the instance metadata service, or of a container's. Errors: kBadData without naming what is in it.
Result<AwsLease> ParseAwsLease(std::string_view json);
/// Of STS: AssumeRole or AssumeRoleWithWebIdentity.
Result<AwsLease> ParseAssumedRole(std::string_view xml);
/// Of the instance identity document.
Result<std::string> ParseIdentityRegion(std::string_view json);

}  // namespace vedette::collector
