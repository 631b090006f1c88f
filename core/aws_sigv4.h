// AWS Signature Version 4: what makes a request one of an account.
#pragma once

#include <string>
#include <string_view>

#include "core/http_client.h"
#include "core/result.h"
#include "core/secret.h"
#include "core/time.h"

namespace vedette {

struct AwsCredentials {
  std::string access_key;
  Secret secret_key;
  Secret session_token;  // of credentials that expire
  bool operator==(const AwsCredentials&) const = default;
};

/// Adds X-Amz-Date, X-Amz-Security-Token (with a token) and Authorization to `request`. Signed are method, path, query
/// and body, and of the headers Host, Content-Type and those that begin with X-Amz-. Errors: kBadData for the URL.
Status SignAws(HttpRequest& request, const AwsCredentials& credentials, std::string_view region,
               std::string_view service, TimeMs now);

}  // namespace vedette
