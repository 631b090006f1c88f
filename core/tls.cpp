#include "core/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/context.hpp>

#include <array>
#include <optional>

namespace vedette {
namespace {

namespace ssl = boost::asio::ssl;

struct VersionName {
  std::string_view name;
  int value;
};
constexpr auto kVersions = std::to_array<VersionName>({
    {"TLS10", TLS1_VERSION},
    {"TLS11", TLS1_1_VERSION},
    {"TLS12", TLS1_2_VERSION},
    {"TLS13", TLS1_3_VERSION},
});

/// 0, OpenSSL's word for "no bound", for the empty name; nothing for an unknown one.
std::optional<int> VersionOf(std::string_view name) {
  if (name.empty()) return 0;
  for (const VersionName& version : kVersions) {
    if (version.name == name) return version.value;
  }
  return std::nullopt;
}

bool HasCertificate(const TlsOptions& options) { return !options.cert_file.empty() || !options.cert.empty(); }
bool HasKey(const TlsOptions& options) { return !options.key_file.empty() || !options.key.empty(); }

Status Checked(const boost::system::error_code& error, std::string_view what, const std::string& file) {
  if (!error) return Ok();
  ERR_clear_error();
  const Code code = file.empty() ? Code::kBadData : Code::kIo;
  return Fail(code, "{} {}: {}", what, file.empty() ? "given inline" : file, error.message());
}

Status LoadAuthorities(ssl::context& context, const TlsOptions& options) {
  boost::system::error_code error;
  if (!options.ca.empty()) {
    context.add_certificate_authority(boost::asio::buffer(options.ca), error);
    VEDETTE_CHECK(Checked(error, "CA certificate", ""));
  }
  if (!options.ca_file.empty()) {
    context.load_verify_file(options.ca_file, error);
    VEDETTE_CHECK(Checked(error, "CA file", options.ca_file));
  }
  if (options.ca.empty() && options.ca_file.empty()) context.set_default_verify_paths(error);
  return Ok();  // without the system's certificates verification fails later, with a reason
}

Status LoadIdentity(ssl::context& context, const TlsOptions& options) {
  boost::system::error_code error;
  if (!options.cert_file.empty()) {
    context.use_certificate_chain_file(options.cert_file, error);
    VEDETTE_CHECK(Checked(error, "client certificate", options.cert_file));
  } else if (!options.cert.empty()) {
    context.use_certificate_chain(boost::asio::buffer(options.cert), error);
    VEDETTE_CHECK(Checked(error, "client certificate", ""));
  }
  if (!options.key_file.empty()) {
    context.use_private_key_file(options.key_file, ssl::context::pem, error);
    VEDETTE_CHECK(Checked(error, "client key", options.key_file));
  } else if (!options.key.empty()) {
    context.use_private_key(boost::asio::buffer(options.key.Reveal()), ssl::context::pem, error);
    VEDETTE_CHECK(Checked(error, "client key", ""));
  }
  return Ok();
}

Result<std::shared_ptr<ssl::context>> BuildContext(const TlsOptions& options) {
  auto context = std::make_shared<ssl::context>(ssl::context::tls_client);
  SSL_CTX* native = context->native_handle();
  // OpenSSL's own floor is TLS 1.0 at best; Prometheus' is 1.2 unless the configuration asks for less.
  SSL_CTX_set_min_proto_version(native, options.min_version.empty() ? TLS1_2_VERSION : *VersionOf(options.min_version));
  SSL_CTX_set_max_proto_version(native, *VersionOf(options.max_version));
  // Distributions forbid TLS 1.0 and 1.1 by their security level; who names them in the configuration means it.
  if (options.min_version == "TLS10" || options.min_version == "TLS11") {
    SSL_CTX_set_cipher_list(native, "DEFAULT:@SECLEVEL=0");
  }
  VEDETTE_CHECK(LoadAuthorities(*context, options));
  VEDETTE_CHECK(LoadIdentity(*context, options));
  context->set_verify_mode(options.insecure_skip_verify ? ssl::verify_none : ssl::verify_peer);
  return context;
}

}  // namespace

Status ValidateTls(const TlsOptions& options) {
  const auto min = VersionOf(options.min_version), max = VersionOf(options.max_version);
  if (!min) return Fail(Code::kBadData, "min_version '{}' is none of TLS10 to TLS13", options.min_version);
  if (!max) return Fail(Code::kBadData, "max_version '{}' is none of TLS10 to TLS13", options.max_version);
  if (*min != 0 && *max != 0 && *min > *max) {
    return Fail(Code::kBadData, "min_version {} is above max_version {}", options.min_version, options.max_version);
  }
  if (HasCertificate(options) != HasKey(options)) {
    return Fail(Code::kBadData, "a client certificate and its key must be given together");
  }
  return Ok();
}

std::vector<TlsClientContext::Stamp> TlsClientContext::FileStamps() const {
  std::vector<Stamp> out;
  for (const std::string* file : {&options_.ca_file, &options_.cert_file, &options_.key_file}) {
    if (file->empty()) continue;
    std::error_code ignored;  // a missing file shows when it is loaded
    out.push_back({std::filesystem::last_write_time(*file, ignored), std::filesystem::file_size(*file, ignored)});
  }
  return out;
}

Result<std::shared_ptr<ssl::context>> TlsClientContext::Get() {
  const std::scoped_lock lock(mutex_);
  std::vector<Stamp> stamps = FileStamps();
  if (!context_ || stamps != stamps_) {
    VEDETTE_TRY(context_, BuildContext(options_));
    stamps_ = std::move(stamps);
  }
  return context_;
}

Status TlsClientContext::Prepare(SSL* ssl, const std::string& host) const {
  const std::string& name = options_.server_name.empty() ? host : options_.server_name;
  boost::system::error_code not_an_address;
  boost::asio::ip::make_address(name, not_an_address);
  bool good = true;
  if (not_an_address) {
    good = SSL_set_tlsext_host_name(ssl, name.c_str()) == 1 && SSL_set1_host(ssl, name.c_str()) == 1;
  } else {
    good = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name.c_str()) == 1;
  }
  if (!good) {
    ERR_clear_error();
    return Fail(Code::kBadData, "'{}' cannot be used as a TLS server name", name);
  }
  return Ok();
}

std::string TlsFailure(SSL* ssl, const std::string& fallback) {
  const long verdict = SSL_get_verify_result(ssl);
  if (verdict == X509_V_OK) return fallback;
  return fmt::format("certificate refused: {}", X509_verify_cert_error_string(verdict));
}

}  // namespace vedette
