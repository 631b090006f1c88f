// TLS settings of an HTTP client turned into OpenSSL contexts.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/http_client.h"
#include "core/result.h"

namespace boost::asio::ssl {
class context;
}
typedef struct ssl_st SSL;

namespace vedette {

/// Errors: kBadData for a version name or a combination of versions that makes no sense, and for a key without its
/// certificate or the reverse.
Status ValidateTls(const TlsOptions& options);

/// The context for connections with one set of options. Reading the system's certificates costs milliseconds, so the
/// context is kept and rebuilt only when one of the files has changed. Thread-safe.
class TlsClientContext {
 public:
  explicit TlsClientContext(TlsOptions options) : options_(std::move(options)) {}

  /// Errors: kIo for a file that cannot be read, kBadData for one that does not hold what it should.
  Result<std::shared_ptr<boost::asio::ssl::context>> Get();

  /// Makes `ssl` ask for `host` (SNI) and accept only a certificate issued for it, unless verification is off.
  Status Prepare(SSL* ssl, const std::string& host) const;

 private:
  struct Stamp {
    std::filesystem::file_time_type time;
    std::uintmax_t size = 0;
    bool operator==(const Stamp&) const = default;
  };
  std::vector<Stamp> FileStamps() const;

  const TlsOptions options_;
  std::mutex mutex_;
  std::shared_ptr<boost::asio::ssl::context> context_;  // guarded by mutex_
  std::vector<Stamp> stamps_;                           // guarded by mutex_
};

/// Why the handshake on `ssl` failed, as precisely as OpenSSL knows: the verdict on the certificate, or `fallback`.
std::string TlsFailure(SSL* ssl, const std::string& fallback);

}  // namespace vedette
