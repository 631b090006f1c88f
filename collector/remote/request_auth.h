// Who sends, where a cloud provider is to be shown that: AWS by a signature, Microsoft Entra ID and Google by tokens.
//
// NewAuthorizedClient() makes an HTTP client whose requests carry it. What the provider has to be asked for is asked
// when the first request needs it, kept until shortly before it expires, and asked for again when an end refuses it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/clock.h"
#include "core/http_client.h"
#include "core/result.h"
#include "core/secret.h"

namespace boost::asio {
class io_context;
class thread_pool;
}  // namespace boost::asio

namespace vedette::collector {

/// `sigv4`. Where neither keys nor a profile are given, credentials are found as AWS' own programs find them.
struct Sigv4Options {
  std::string region;
  std::string access_key;
  Secret secret_key;
  std::string profile, role_arn, external_id;
  std::string service_name = "aps";
  bool use_fips_sts_endpoint = false;
  bool operator==(const Sigv4Options&) const = default;
};

/// `azuread` with an identity that Azure gives the machine, or that a token of Kubernetes stands for. (With a client's
/// secret it is `oauth2`.)
struct AzureOptions {
  std::string client_id;
  std::string scope;
  std::string token_url;   // of a tenant; empty: the machine is asked
  std::string token_file;  // what is shown there, read each time
  bool operator==(const AzureOptions&) const = default;
};

/// `google_iam`.
struct GoogleOptions {
  std::string credentials_file;  // empty: that of the environment, else the machine is asked
  bool operator==(const GoogleOptions&) const = default;
};

/// What HttpConfig does not say of how requests are made. At most one of the first three.
struct RequestAuth {
  std::optional<Sigv4Options> sigv4{};
  std::optional<AzureOptions> azure{};
  std::optional<GoogleOptions> google{};
  bool any_address = false;  // each new connection takes any of the addresses of a name, not the first
  bool operator==(const RequestAuth&) const = default;
};

struct AuthEnvironment {
  boost::asio::io_context& io;
  boost::asio::thread_pool& workers;  // reads files
  const Clock& clock;
  /// A variable of the environment, empty where it is not set; not set itself: those of the process.
  std::function<std::string(const char* name)> lookup{};
};

/// Without `auth` it is HttpClient::Create(). Requests that need credentials wait for them within their own timeout.
/// Errors: those of Create(); kBadData and kIo for Google's file.
Result<std::unique_ptr<HttpClient>> NewAuthorizedClient(const AuthEnvironment& environment, const HttpConfig& http,
                                                        const RequestAuth& auth);

}  // namespace vedette::collector
