// A throw-away TLS certificate, made when a test needs one.
#pragma once

#include <string>

namespace vedette::test {

struct Certificate {
  std::string cert_pem, key_pem;  // self-signed: the certificate is its own CA
};

/// `names`: OpenSSL's notation, e.g. "DNS:localhost,IP:127.0.0.1".
Certificate MakeCertificate(const std::string& names = "DNS:localhost,IP:127.0.0.1");

}  // namespace vedette::test
